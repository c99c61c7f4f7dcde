package dev.weft.eval;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;

/// BLEU (Papineni et al. 2002, <https://aclanthology.org/P02-1040>): how many runs of up to four words a translation
/// shares with its references, with a penalty for being short. Of a corpus, not a mean over sentences.
///
/// Matches sacreBLEU (Post 2018, <https://aclanthology.org/W18-6319>), its signature included.
public final class Bleu implements Metric<String, List<String>> {
    /// The sacreBLEU whose numbers these are; its name ends each signature.
    public static final String SACREBLEU = "2.6.0";

    /// What an order without a match counts.
    public sealed interface Smoothing {
        /// Nothing: the score is zero.
        record None() implements Smoothing {}

        /// That many matches.
        record Floor(double matches) implements Smoothing {}

        /// So many more matches and runs, from order 2 on.
        record AddK(double k) implements Smoothing {}

        /// Half a match, then a quarter and so on: NIST's way.
        record Exponential() implements Smoothing {}
    }

    /// @param effectiveOrder leaves out orders that the translation is too short for: for single sentences
    public record Settings(BleuTokenizer tokenizer, boolean lowercase, Smoothing smoothing, int maxOrder,
            boolean effectiveOrder) {
        /// As published scores are: 13a, mixed case, exponential smoothing, four words.
        public static Settings usual() {
            return new Settings(BleuTokenizer.V13A, false, new Smoothing.Exponential(), 4, false);
        }

        public Settings withTokenizer(BleuTokenizer other) {
            return new Settings(other, lowercase, smoothing, maxOrder, effectiveOrder);
        }

        public Settings withLowercase() {
            return new Settings(tokenizer, true, smoothing, maxOrder, effectiveOrder);
        }

        public Settings withSmoothing(Smoothing other) {
            return new Settings(tokenizer, lowercase, other, maxOrder, effectiveOrder);
        }

        public Settings withEffectiveOrder() {
            return new Settings(tokenizer, lowercase, smoothing, maxOrder, true);
        }
    }

    /// @param score          0 to 100
    /// @param precisions     of each order, 0 to 100
    /// @param brevityPenalty 1 for a translation as long as its references, less for a shorter one
    public record Score(double score, List<Double> precisions, double brevityPenalty, long length,
            long referenceLength) {
        /// As sacreBLEU writes it: `48.53 82.4/50.0/45.5/37.5 (BP = 0.943 ratio = 0.944 hyp_len = 17 ref_len = 18)`.
        @Override
        public String toString() {
            return "%s %s (BP = %s ratio = %s hyp_len = %d ref_len = %d)".formatted(rounded(score, 2),
                    precisions.stream().map(precision -> rounded(precision, 1)).collect(Collectors.joining("/")),
                    rounded(brevityPenalty, 3),
                    rounded(referenceLength == 0 ? 0 : (double) length / referenceLength, 3),
                    length, referenceLength);
        }

        // As Python rounds: the exact value, and a tie to the even digit.
        private static String rounded(double value, int decimals) {
            return new BigDecimal(value).setScale(decimals, RoundingMode.HALF_EVEN).toPlainString();
        }
    }

    private final Settings settings;
    private final Seen seen = new Seen("BLEU");
    private final References references = new References(seen);
    private final long[] matches;
    private final long[] totals;
    private long length;
    private long referenceLength;

    public Bleu() {
        this(Settings.usual());
    }

    public Bleu(Settings settings) {
        this.settings = settings;
        this.matches = new long[settings.maxOrder];
        this.totals = new long[settings.maxOrder];
    }

    /// One sentence alone, in effective order.
    public static Score sentence(String translation, List<String> references, Settings settings) {
        var bleu = new Bleu(settings.withEffectiveOrder());
        bleu.add(translation, references);
        return bleu.score();
    }

    @Override
    public void add(String translation, List<String> references) {
        this.references.add(references);
        List<String> said = words(translation);
        List<List<String>> wanted = references.stream().map(this::words).toList();
        for (int order = 1; order <= settings.maxOrder; order++) {
            var allowed = new HashMap<String, Integer>();
            for (List<String> reference : wanted) {
                Words.ngrams(reference, order).forEach((run, count) -> allowed.merge(run, count, Math::max));
            }
            Map<String, Integer> runs = Words.ngrams(said, order);
            matches[order - 1] += Words.common(runs, allowed);
            totals[order - 1] += Words.size(runs);
        }
        length += said.size();
        referenceLength += closest(said.size(), wanted);
        seen.add();
    }

    private List<String> words(String text) {
        String sentence = settings.lowercase ? text.toLowerCase(Locale.ROOT) : text;
        return settings.tokenizer.words(Words.withoutSpaceAtEnd(sentence));
    }

    /// The length of the reference closest in length, of two equally close ones the shorter.
    private static int closest(int length, List<List<String>> references) {
        int closest = references.getFirst().size();
        for (List<String> reference : references) {
            int nearer = Math.abs(closest - length) - Math.abs(reference.size() - length);
            if (nearer > 0 || nearer == 0 && reference.size() < closest) {
                closest = reference.size();
            }
        }
        return closest;
    }

    public Score score() {
        seen.some();
        double penalty = length >= referenceLength
                ? 1
                : length == 0
                        ? 0
                        : Math.exp(1 - (double) referenceLength / length);
        var precisions = new Double[settings.maxOrder];
        Arrays.fill(precisions, 0.0);
        double score = Arrays.stream(matches).sum() == 0 ? 0 : penalty * mean(precisions);
        return new Score(score, List.of(precisions), penalty, length, referenceLength);
    }

    /// The geometric mean of the precisions, which it fills in.
    private double mean(Double[] precisions) {
        int orders = precisions.length;
        double halving = 1;
        for (int i = 0; i < precisions.length; i++) {
            double more = i > 0 && settings.smoothing instanceof Smoothing.AddK(double k) ? k : 0;
            double total = totals[i] + more;
            if (total == 0) {
                break;
            }
            orders = settings.effectiveOrder ? i + 1 : orders;
            double found = matches[i] + more;
            if (found == 0) {
                found = switch (settings.smoothing) {
                    case Smoothing.Floor(double floor) -> floor;
                    case Smoothing.Exponential() -> {
                        halving /= 2;
                        yield halving;
                    }
                    case Smoothing.None none -> 0;
                    case Smoothing.AddK all -> 0;
                };
            }
            precisions[i] = 100 * found / total;
        }
        var logs = new ArrayList<Double>();
        for (int i = 0; i < orders; i++) {
            logs.add(Math.log(precisions[i]));
        }
        return Math.exp(logs.stream().mapToDouble(Double::doubleValue).sum() / orders);
    }

    @Override
    public Map<String, Double> values() {
        Score score = score();
        var values = new LinkedHashMap<String, Double>();
        values.put("bleu", score.score);
        values.put("brevity_penalty", score.brevityPenalty);
        return values;
    }

    /// As sacreBLEU prints it: `nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:2.6.0`.
    @Override
    public String signature() {
        String smoothing = switch (settings.smoothing) {
            case Smoothing.None() -> "none";
            case Smoothing.Floor(double matches) -> String.format(Locale.ROOT, "floor[%.2f]", matches);
            case Smoothing.AddK(double k) -> String.format(Locale.ROOT, "add-k[%.2f]", k);
            case Smoothing.Exponential() -> "exp";
        };
        return "nrefs:%s|case:%s|eff:%s|tok:%s|smooth:%s|version:%s".formatted(references,
                settings.lowercase ? "lc" : "mixed", settings.effectiveOrder ? "yes" : "no", settings.tokenizer.id(),
                smoothing, SACREBLEU);
    }
}
