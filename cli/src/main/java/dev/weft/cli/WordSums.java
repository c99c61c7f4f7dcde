package dev.weft.cli;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;

/// A corpus from a seed: sums written in words, “seven plus twelve plus three is twenty two”.
///
/// @param training sums to learn from
/// @param unseen   sums that are not among them
record WordSums(List<Sum> training, List<Sum> unseen) {
    private static final int BELOW = 20;
    private static final String[] SMALL = {"zero", "one", "two", "three", "four", "five", "six", "seven", "eight",
            "nine",
            "ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen",
            "nineteen"};
    private static final String[] TENS = {"", "", "twenty", "thirty", "forty", "fifty"};

    /// `first + second + third`, each below 20.
    record Sum(int first, int second, int third) {
        String question() {
            return words(first) + " plus " + words(second) + " plus " + words(third) + " is";
        }

        String answer() {
            return " " + words(first + second + third);
        }

        @Override
        public String toString() {
            return question() + answer();
        }
    }

    /// All sums of three numbers below twenty, shuffled; the last `unseen` are held back.
    static WordSums make(long seed, int unseen) {
        var all = new ArrayList<Sum>();
        for (int first = 0; first < BELOW; first++) {
            for (int second = 0; second < BELOW; second++) {
                for (int third = 0; third < BELOW; third++) {
                    all.add(new Sum(first, second, third));
                }
            }
        }
        Collections.shuffle(all, new Random(seed));
        return new WordSums(all.subList(0, all.size() - unseen), all.subList(all.size() - unseen, all.size()));
    }

    /// `0` to `59` in words.
    static String words(int number) {
        return number < 20 ? SMALL[number] : TENS[number / 10] + (number % 10 == 0 ? "" : " " + SMALL[number % 10]);
    }
}
