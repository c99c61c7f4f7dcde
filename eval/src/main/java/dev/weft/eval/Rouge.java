package dev.weft.eval;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;

/// ROUGE (Lin 2004, <https://aclanthology.org/W04-1013>): how much of a reference summary a summary has. The value is the
/// mean F1 over examples, 0 to 1.
///
/// Matches Google's `rouge_score` 0.1.2: words of a–z and 0–9 in lower case; stems, on demand, of words of more
/// than three letters, by whatever stemmer is given; of several references the best. It knows no other alphabet: a text without such words scores 0.
public final class Rouge implements Metric<String, List<String>> {
    /// What is counted as common.
    public enum Kind {
        /// Words.
        ROUGE_1("rouge1"),
        /// Pairs of neighbours.
        ROUGE_2("rouge2"),
        /// The longest common subsequence of the whole texts.
        ROUGE_L("rougeL"),
        /// The union of the longest common subsequences of sentences, which are lines (§3.2 of the paper).
        ROUGE_LSUM("rougeLsum");

        private final String id;

        Kind(String id) {
            this.id = id;
        }

        /// Its name in the field.
        public String id() {
            return id;
        }
    }

    private final UnaryOperator<String> stemmer;
    private final String stemmed;
    private final Seen seen = new Seen("ROUGE");
    private final References references = new References(seen);
    private final Map<Kind, Double> sums = new LinkedHashMap<>();

    public Rouge() {
        this(word -> word, "no");
    }

    /// @param stemmer makes a stem of a word of more than three letters, such as Porter's of a library that has it
    public Rouge(UnaryOperator<String> stemmer) {
        this(stemmer, "yes");
    }

    private Rouge(UnaryOperator<String> stemmer, String stemmed) {
        this.stemmer = stemmer;
        this.stemmed = stemmed;
    }

    @Override
    public void add(String summary, List<String> references) {
        this.references.add(references);
        for (Kind kind : Kind.values()) {
            sums.merge(kind, references.stream().map(reference -> score(kind, summary, reference, stemmer))
                    .max(Comparator.comparingDouble(PrecisionRecall::f1)).orElseThrow().f1(), Double::sum);
        }
        seen.add();
    }

    /// One summary against one reference; the support is the number of units of the reference.
    public static PrecisionRecall score(Kind kind, String summary, String reference,
            UnaryOperator<String> stemmer) {
        return switch (kind) {
            case ROUGE_1 -> ngrams(words(summary, stemmer), words(reference, stemmer), 1);
            case ROUGE_2 -> ngrams(words(summary, stemmer), words(reference, stemmer), 2);
            case ROUGE_L -> {
                List<String> said = words(summary, stemmer);
                List<String> wanted = words(reference, stemmer);
                yield score(longest(said, wanted), said.size(), wanted.size());
            }
            case ROUGE_LSUM -> sentences(lines(summary, stemmer), lines(reference, stemmer));
        };
    }

    private static PrecisionRecall ngrams(List<String> said, List<String> wanted, int order) {
        Map<String, Integer> runs = Words.ngrams(said, order);
        Map<String, Integer> wantedRuns = Words.ngrams(wanted, order);
        return score(Words.common(runs, wantedRuns), Words.size(runs), Words.size(wantedRuns));
    }

    private static PrecisionRecall sentences(List<List<String>> said, List<List<String>> wanted) {
        // No word counts more often than it occurs: the paper does not say so, but the original program does.
        Map<String, Integer> left = counts(said);
        Map<String, Integer> leftWanted = counts(wanted);
        long hits = 0;
        for (List<String> reference : wanted) {
            var found = new BitSet();
            said.forEach(sentence -> found.or(common(sentence, reference)));
            for (int i : found.stream().toArray()) {
                String word = reference.get(i);
                if (left.getOrDefault(word, 0) > 0 && leftWanted.get(word) > 0) {
                    hits++;
                    left.merge(word, -1, Integer::sum);
                    leftWanted.merge(word, -1, Integer::sum);
                }
            }
        }
        return score(hits, said.stream().mapToLong(List::size).sum(), wanted.stream().mapToLong(List::size).sum());
    }

    private static PrecisionRecall score(long hits, long said, long wanted) {
        return new PrecisionRecall.Counts(hits, said, wanted).score(0);
    }

    private static Map<String, Integer> counts(List<List<String>> sentences) {
        var counts = new HashMap<String, Integer>();
        sentences.forEach(sentence -> sentence.forEach(word -> counts.merge(word, 1, Integer::sum)));
        return counts;
    }

    /// The length of the longest common subsequence. Of whole texts: two rows of the table are enough.
    private static int longest(List<String> said, List<String> wanted) {
        var above = new int[said.size() + 1];
        for (String word : wanted) {
            var row = new int[above.length];
            for (int j = 1; j < row.length; j++) {
                row[j] = word.equals(said.get(j - 1)) ? above[j - 1] + 1 : Math.max(above[j], row[j - 1]);
            }
            above = row;
        }
        return above[said.size()];
    }

    /// `[i][j]`: the longest common subsequence of the first i words of the reference and the first j of the summary.
    private static int[][] lengths(List<String> said, List<String> wanted) {
        var lengths = new int[wanted.size() + 1][said.size() + 1];
        for (int i = 1; i <= wanted.size(); i++) {
            for (int j = 1; j <= said.size(); j++) {
                lengths[i][j] = wanted.get(i - 1).equals(said.get(j - 1))
                        ? lengths[i - 1][j - 1] + 1
                        : Math.max(lengths[i - 1][j], lengths[i][j - 1]);
            }
        }
        return lengths;
    }

    /// The places in the reference of one longest common subsequence, read off from the end.
    private static BitSet common(List<String> said, List<String> wanted) {
        int[][] lengths = lengths(said, wanted);
        var places = new BitSet();
        int i = wanted.size();
        int j = said.size();
        while (i > 0 && j > 0) {
            if (wanted.get(i - 1).equals(said.get(j - 1))) {
                places.set(--i);
                j--;
            } else if (lengths[i][j - 1] > lengths[i - 1][j]) {
                j--;
            } else {
                i--;
            }
        }
        return places;
    }

    private static List<String> words(String text, UnaryOperator<String> stemmer) {
        Stream<String> words = Arrays.stream(text.toLowerCase(Locale.ROOT).split("[^a-z0-9]+"))
                .filter(word -> !word.isEmpty());
        return words.map(word -> word.length() > 3 ? stemmer.apply(word) : word).toList();
    }

    private static List<List<String>> lines(String text, UnaryOperator<String> stemmer) {
        var lines = new ArrayList<List<String>>();
        for (String line : text.split("\n")) {
            lines.add(words(line, stemmer));
        }
        return lines;
    }

    @Override
    public Map<String, Double> values() {
        double examples = seen.some();
        var values = new LinkedHashMap<String, Double>();
        sums.forEach((kind, sum) -> values.put(kind.id, sum / examples));
        return values;
    }

    @Override
    public String signature() {
        return "rouge|nrefs:%s|stem:%s|aggregate:mean-f1".formatted(references, stemmed);
    }
}
