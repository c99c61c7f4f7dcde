package dev.weft.eval;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.ToDoubleBiFunction;
import java.util.regex.Pattern;

/// Answers to questions about a text: exact match and F1 over words, 0 to 100, after taking away case, punctuation,
/// articles and surplus space; of several answers the best counts.
///
/// Matches the evaluation scripts of SQuAD 1.1 (Rajpurkar et al. 2016) and 2.0 (2018), and the names of their values.
public final class AnswerScore implements Metric<String, List<String>> {
    private static final Pattern PUNCTUATION = Pattern.compile("[!-/:-@\\[-`{-~]");
    // Word boundaries as Python sees them, where only letters and numbers make a word.
    private static final Pattern ARTICLES = Pattern
            .compile("(?<![\\p{L}\\p{N}_])(?:an|a|the)(?![\\p{L}\\p{N}_])");

    private final boolean mayHaveNoAnswer;
    private final Seen seen = new Seen("SQuAD");
    private final Numbers exact = new Numbers();
    private final Numbers f1 = new Numbers();
    private final Numbers noAnswer = new Numbers();
    private final Numbers answerable = new Numbers();
    private final Numbers empty = new Numbers();

    private AnswerScore(boolean mayHaveNoAnswer) {
        this.mayHaveNoAnswer = mayHaveNoAnswer;
    }

    /// SQuAD 1.1: each question has an answer.
    public static AnswerScore squad1() {
        return new AnswerScore(false);
    }

    /// SQuAD 2.0: a question may have none, and then the right answer is the empty one.
    public static AnswerScore squad2() {
        return new AnswerScore(true);
    }

    @Override
    public void add(String predicted, List<String> answers) {
        add(predicted, answers, 0);
    }

    /// @param noAnswer how probably there is none, or any number that grows with it: for the best threshold
    public void add(String predicted, List<String> answers, double noAnswer) {
        if (answers.isEmpty() && !mayHaveNoAnswer) {
            throw seen.wrong("the question has no answer; such questions need the score of SQuAD 2.0");
        }
        seen.finite(noAnswer, "score of no answer");
        List<String> golds = answers.stream().filter(answer -> !mayHaveNoAnswer || !normalised(answer).isEmpty())
                .toList();
        exact.add(best(predicted, golds, (said, gold) -> normalised(said).equals(normalised(gold)) ? 1 : 0));
        f1.add(best(predicted, golds, this::f1));
        this.noAnswer.add(noAnswer);
        answerable.add(answers.isEmpty() ? 0 : 1);
        empty.add(predicted.isEmpty() ? 1 : 0);
        seen.add();
    }

    private static double best(String predicted, List<String> golds, ToDoubleBiFunction<String, String> score) {
        return (golds.isEmpty() ? List.of("") : golds).stream()
                .mapToDouble(gold -> score.applyAsDouble(predicted, gold))
                .max().orElseThrow();
    }

    private double f1(String predicted, String gold) {
        Map<String, Integer> said = Words.ngrams(Words.of(normalised(predicted)), 1);
        Map<String, Integer> wanted = Words.ngrams(Words.of(normalised(gold)), 1);
        double ofNothing = mayHaveNoAnswer ? 1 : 0;
        return PrecisionRecall.ratio(2 * Words.common(said, wanted), Words.size(said) + Words.size(wanted), ofNothing);
    }

    /// What is compared: `The Eiffel Tower!` is `eiffel tower`.
    public static String normalised(String answer) {
        String text = PUNCTUATION.matcher(answer.toLowerCase(Locale.ROOT)).replaceAll("");
        return String.join(" ", Words.of(ARTICLES.matcher(text).replaceAll(" ")));
    }

    /// 0 to 100.
    public double exactMatch() {
        return percent(exact, answerable, true, true, seen.some());
    }

    /// 0 to 100.
    public double f1() {
        return percent(f1, answerable, true, true, seen.some());
    }

    /// What came out for questions with an answer (`HasAns_`) and without one (`NoAns_`) stands beside the whole.
    @Override
    public Map<String, Double> values() {
        double examples = seen.some();
        var values = new LinkedHashMap<String, Double>();
        values.put(mayHaveNoAnswer ? "exact" : "exact_match", exactMatch());
        values.put("f1", f1());
        if (mayHaveNoAnswer) {
            double answered = Arrays.stream(answerable.toArray()).sum();
            if (answered > 0) {
                values.put("HasAns_exact", percent(exact, answerable, true, false, answered));
                values.put("HasAns_f1", percent(f1, answerable, true, false, answered));
            }
            if (answered < examples) {
                values.put("NoAns_exact", percent(exact, answerable, false, true, examples - answered));
                values.put("NoAns_f1", percent(f1, answerable, false, true, examples - answered));
            }
            Threshold best = bestThreshold(exact);
            values.put("best_exact", best.score);
            values.put("best_exact_thresh", best.noAnswer);
            best = bestThreshold(f1);
            values.put("best_f1", best.score);
            values.put("best_f1_thresh", best.noAnswer);
        }
        return values;
    }

    private static double percent(Numbers scores, Numbers answerable, boolean with, boolean without, double count) {
        double sum = 0;
        for (int i = 0; i < scores.size(); i++) {
            sum += (answerable.at(i) == 1 ? with : without) ? scores.at(i) : 0;
        }
        return 100 * sum / count;
    }

    /// The best score, 0 to 100, and above which score of no answer all questions are left unanswered for it.
    public record Threshold(double score, double noAnswer) {}

    public Threshold bestExactMatch() {
        return bestThreshold(exact);
    }

    public Threshold bestF1() {
        return bestThreshold(f1);
    }

    /// Starts from no answer at all and gives the answers one by one, the surest first. As the script does, also among
    /// equal scores of no answer.
    private Threshold bestThreshold(Numbers scores) {
        double examples = seen.some();
        double now = examples - Arrays.stream(answerable.toArray()).sum();
        var best = new Threshold(now, 0);
        for (int i : noAnswer.order()) {
            now += answerable.at(i) == 1 ? scores.at(i) : empty.at(i) - 1;
            if (now > best.score) {
                best = new Threshold(now, noAnswer.at(i));
            }
        }
        return new Threshold(100 * best.score / examples, best.noAnswer);
    }

    @Override
    public String signature() {
        return mayHaveNoAnswer ? "squad:2.0" : "squad:1.1";
    }
}
