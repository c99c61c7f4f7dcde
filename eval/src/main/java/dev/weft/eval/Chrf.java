package dev.weft.eval;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/// chrF (Popović 2015, <https://aclanthology.org/W15-3049>): the F-score of shared runs of up to six characters, recall
/// counting twice; chrF++ (Popović 2017) adds runs of up to two words.
///
/// Matches sacreBLEU, its signature included. Of several references each sentence is held against the best.
public final class Chrf implements Metric<String, List<String>> {
    private static final String PUNCTUATION = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~";

    /// @param beta       how many times recall counts as much as precision
    /// @param whitespace counts spaces as characters
    /// @param epsilon    averages the F-score over all orders, as chrF++.py and NLTK do, not only over those that occur
    public record Settings(int charOrder, int wordOrder, int beta, boolean lowercase, boolean whitespace,
            boolean epsilon) {
        /// chrF2: six characters, no words.
        public static Settings chrf() {
            return new Settings(6, 0, 2, false, false, false);
        }

        /// chrF2++: six characters, two words.
        public static Settings chrfPlusPlus() {
            return new Settings(6, 2, 2, false, false, false);
        }

        public Settings withLowercase() {
            return new Settings(charOrder, wordOrder, beta, true, whitespace, epsilon);
        }

        public Settings withWhitespace() {
            return new Settings(charOrder, wordOrder, beta, lowercase, true, epsilon);
        }

        public Settings withBeta(int other) {
            return new Settings(charOrder, wordOrder, other, lowercase, whitespace, epsilon);
        }

        public Settings withEpsilon() {
            return new Settings(charOrder, wordOrder, beta, lowercase, whitespace, true);
        }
    }

    /// The runs of one order: how many were said, expected, and both.
    private record Counts(long said, long wanted, long common) {
        Counts plus(Counts other) {
            return new Counts(said + other.said, wanted + other.wanted, common + other.common);
        }
    }

    private final Settings settings;
    private final Seen seen = new Seen("chrF");
    private final References references = new References(seen);
    private List<Counts> sums;

    public Chrf() {
        this(Settings.chrf());
    }

    public Chrf(Settings settings) {
        this.settings = settings;
        this.sums = Collections.nCopies(settings.charOrder + settings.wordOrder, new Counts(0, 0, 0));
    }

    /// One sentence alone, 0 to 100.
    public static double sentence(String translation, List<String> references, Settings settings) {
        var chrf = new Chrf(settings);
        chrf.add(translation, references);
        return chrf.score();
    }

    @Override
    public void add(String translation, List<String> references) {
        this.references.add(references);
        List<Map<String, Integer>> said = runs(translation);
        List<Counts> best = List.of();
        double highest = -1;
        for (String reference : references) {
            List<Map<String, Integer>> wanted = runs(reference);
            var counts = new ArrayList<Counts>();
            for (int i = 0; i < said.size(); i++) {
                // An order that the reference is too short for is not held against the translation.
                counts.add(new Counts(wanted.get(i).isEmpty() ? 0 : Words.size(said.get(i)),
                        Words.size(wanted.get(i)), Words.common(said.get(i), wanted.get(i))));
            }
            double score = score(counts);
            if (score > highest) {
                highest = score;
                best = counts;
            }
        }
        var next = new ArrayList<Counts>();
        for (int i = 0; i < sums.size(); i++) {
            next.add(sums.get(i).plus(best.get(i)));
        }
        sums = next;
        seen.add();
    }

    private List<Map<String, Integer>> runs(String sentence) {
        String text = settings.lowercase ? sentence.toLowerCase(Locale.ROOT) : sentence;
        String characters = settings.whitespace ? text : Words.withoutSpace(text);
        var runs = new ArrayList<Map<String, Integer>>();
        for (int order = 1; order <= settings.charOrder; order++) {
            runs.add(Words.ngrams(characters, order));
        }
        List<String> words = settings.wordOrder == 0 ? List.of() : words(text);
        for (int order = 1; order <= settings.wordOrder; order++) {
            runs.add(Words.ngrams(words, order));
        }
        return runs;
    }

    /// One punctuation mark is taken off each word: the last, or else the first.
    private static List<String> words(String text) {
        var words = new ArrayList<String>();
        for (String word : Words.of(text)) {
            int last = word.length() - 1;
            if (word.codePointCount(0, word.length()) == 1) {
                words.add(word);
            } else if (PUNCTUATION.indexOf(word.charAt(last)) >= 0) {
                words.add(word.substring(0, last));
                words.add(word.substring(last));
            } else if (PUNCTUATION.indexOf(word.charAt(0)) >= 0) {
                words.add(word.substring(0, 1));
                words.add(word.substring(1));
            } else {
                words.add(word);
            }
        }
        return words;
    }

    /// 0 to 100.
    public double score() {
        seen.some();
        return score(sums);
    }

    private double score(List<Counts> orders) {
        double precision = 0;
        double recall = 0;
        double scores = 0;
        int occurring = 0;
        for (Counts order : orders) {
            double precisionHere = PrecisionRecall.ratio(order.common, order.said, 1e-16);
            double recallHere = PrecisionRecall.ratio(order.common, order.wanted, 1e-16);
            scores += f(precisionHere, recallHere, 1e-16);
            if (order.said > 0 && order.wanted > 0) {
                precision += precisionHere;
                recall += recallHere;
                occurring++;
            }
        }
        return settings.epsilon
                ? 100 * scores / orders.size()
                : occurring == 0 ? 0 : 100 * f(precision / occurring, recall / occurring, 0);
    }

    private double f(double precision, double recall, double ofNothing) {
        double factor = settings.beta * settings.beta;
        return PrecisionRecall.ratio((1 + factor) * precision * recall, factor * precision + recall, ofNothing);
    }

    /// `chrf`; `chrf++` with words.
    @Override
    public Map<String, Double> values() {
        var values = new LinkedHashMap<String, Double>();
        values.put("chrf" + "+".repeat(settings.wordOrder), score());
        return values;
    }

    /// As sacreBLEU prints it: `nrefs:1|case:mixed|eff:yes|nc:6|nw:0|space:no|version:2.6.0`.
    @Override
    public String signature() {
        return "nrefs:%s|case:%s|eff:%s|nc:%d|nw:%d|space:%s|version:%s".formatted(references,
                settings.lowercase ? "lc" : "mixed", settings.epsilon ? "no" : "yes", settings.charOrder,
                settings.wordOrder, settings.whitespace ? "yes" : "no", Bleu.SACREBLEU);
    }
}
