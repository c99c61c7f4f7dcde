package dev.weft.text;

import java.util.ArrayList;
import java.util.List;

/// A text that a program in another language can make again: 1,500 lines of twelve invented words, some much more frequent
/// than others. So many that hardly two pairs occur equally often: between those the reference trainer's choice changes
/// from run to run.
final class TrainingText {
    private static final String LETTERS = "abeéÀnsT,";
    private static final int WORDS = 4000;

    private long state = 7;

    private TrainingText() {}

    static List<String> lines() {
        var random = new TrainingText();
        var words = new ArrayList<String>();
        for (int i = 0; i < WORDS; i++) {
            int length = 2 + random.next() % 8;
            words.add(random.word(length));
        }
        var lines = new ArrayList<String>();
        for (int i = 0; i < 1500; i++) {
            var line = new ArrayList<String>();
            for (int j = 0; j < 12; j++) {
                double rank = random.next() / 32768.0;
                line.add(words.get((int) (WORDS * rank * rank)));
            }
            lines.add(String.join(" ", line));
        }
        return lines;
    }

    private String word(int length) {
        var word = new StringBuilder();
        for (int i = 0; i < length; i++) {
            word.append(LETTERS.charAt(next() % LETTERS.length()));
        }
        return word.toString();
    }

    /// From 0 to 32767.
    private int next() {
        state = (state * 1_103_515_245 + 12_345) % (1L << 31);
        return (int) (state >> 8) & 0x7FFF;
    }
}
