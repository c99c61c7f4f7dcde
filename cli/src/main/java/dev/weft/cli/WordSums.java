package dev.weft.cli;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;

/// A corpus from a seed: sums written in words, “seven plus twelve is nineteen”.
///
/// @param training sums to learn from, one a line
/// @param unseen   sums that are not among them
record WordSums(List<Sum> training, List<Sum> unseen) {
    private static final int BELOW = 100;
    private static final String[] SMALL = {"zero", "one", "two", "three", "four", "five", "six", "seven", "eight",
            "nine",
            "ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen",
            "nineteen"};
    private static final String[] TENS = {"", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty",
            "ninety"};

    /// `first + second`, both below 100.
    record Sum(int first, int second) {
        String question() {
            return words(first) + " plus " + words(second) + " is";
        }

        String answer() {
            return " " + words(first + second);
        }

        @Override
        public String toString() {
            return question() + answer();
        }
    }

    /// All sums of two numbers below one hundred, shuffled; the last `unseen` are held back.
    static WordSums make(long seed, int unseen) {
        var all = new ArrayList<Sum>();
        for (int first = 0; first < BELOW; first++) {
            for (int second = 0; second < BELOW; second++) {
                all.add(new Sum(first, second));
            }
        }
        Collections.shuffle(all, new Random(seed));
        return new WordSums(all.subList(0, all.size() - unseen), all.subList(all.size() - unseen, all.size()));
    }

    /// `0` to `199` in words.
    static String words(int number) {
        if (number < 20) {
            return SMALL[number];
        }
        if (number < 100) {
            return TENS[number / 10] + (number % 10 == 0 ? "" : " " + SMALL[number % 10]);
        }
        return "one hundred" + (number % 100 == 0 ? "" : " " + words(number % 100));
    }
}
