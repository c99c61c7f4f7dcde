package dev.weft.eval;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.weft.eval.PrecisionRecall.Average;
import dev.weft.eval.Rouge.Kind;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/// Values that the papers and manuals of the references print, and what metrics refuse.
class MetricTest {
    private static final List<String> TRANSLATIONS = List.of("The dog bit the man.", "It wasn't surprising.",
            "The man had just bitten him.");
    private static final List<List<String>> REFERENCES = List.of(
            List.of("The dog bit the man.", "The dog had bit the man."),
            List.of("It was not unexpected.", "No one was surprised."),
            List.of("The man bit him first.", "The man had bitten the dog."));

    @Test
    void the_examples_of_scikit_learns_manual_come_out() {
        var animals = new Classification();
        for (String pair : List.of("cat cat", "dog pig", "pig dog", "cat cat", "dog cat", "pig dog")) {
            animals.add(pair.split(" ")[1], pair.split(" ")[0]);
        }
        assertThat(animals.score(Average.MACRO).f1()).isCloseTo(0.26666, within(1e-5));
        assertThat(animals.score(Average.MICRO).precision()).isCloseTo(0.33333, within(1e-5));
        assertThat(animals.score("cat")).isEqualTo(new PrecisionRecall(2 / 3.0, 1, 0.8, 2));
        var signs = new Classification();
        List.of("1 1", "-1 1", "1 1", "1 -1").forEach(pair -> signs.add(pair.split(" ")[0], pair.split(" ")[1]));
        assertThat(signs.matthews()).isCloseTo(-0.33333, within(1e-5));
        var area = new RocAuc(List.of("yes"));
        area.add(new double[]{0.1}, Set.of());
        area.add(new double[]{0.4}, Set.of());
        area.add(new double[]{0.35}, Set.of("yes"));
        area.add(new double[]{0.8}, Set.of("yes"));
        assertThat(area.values()).isEqualTo(Map.of("roc_auc", 0.75));
    }

    @ParameterizedTest
    @CsvSource({"13a,48.530827", "none,49.1919566", "intl,43.91623493"})
    void bleu_of_sacrebleus_example_comes_out(String tokenizer, double expected) {
        var bleu = new Bleu(Bleu.Settings.usual().withTokenizer(BleuTokenizer.of(tokenizer)));
        for (int i = 0; i < TRANSLATIONS.size(); i++) {
            bleu.add(TRANSLATIONS.get(i), REFERENCES.get(i));
        }
        assertThat(bleu.values().get("bleu")).isCloseTo(expected, within(1e-6));
        assertThat(bleu.signature())
                .isEqualTo("nrefs:2|case:mixed|eff:no|tok:%s|smooth:exp|version:2.6.0".formatted(tokenizer));
    }

    @Test
    void bleu_of_one_word_counts_the_order_there_is() {
        assertThat(Bleu.sentence("test", List.of("a test"), Bleu.Settings.usual()).score())
                .isCloseTo(36.78794411714425, within(1e-9));
        assertThat(Bleu.sentence("A Test", List.of("a test"), Bleu.Settings.usual().withLowercase()).score())
                .isCloseTo(100, within(1e-9));
    }

    @Test
    void chrf_of_sacrebleus_examples_comes_out() {
        String said = "risk assessment must be made of those who are qualified and expertise in the sector - these are"
                + " the scientists .";
        String wanted = "risk assessment has to be undertaken by those who are qualified and expert in that area -"
                + " that is the scientists .";
        Chrf.Settings three = Chrf.Settings.chrf().withBeta(3);
        assertThat(Chrf.sentence(said, List.of(wanted), three.withEpsilon())).isCloseTo(63.361730, within(1e-5));
        assertThat(Chrf.sentence(said, List.of(wanted), three.withWhitespace())).isCloseTo(65.2414427, within(1e-5));
        assertThat(Chrf.sentence("Nebo prostě nemají vybavení, které by jim pomohlo, uvedli lékaři.",
                List.of("A někdy nemáme ani potřebný materiál, abychom jim pomohli, popsali lékaři."),
                Chrf.Settings.chrf().withEpsilon())).isCloseTo(31.22557079, within(1e-5));
        assertThat(new Chrf(Chrf.Settings.chrfPlusPlus()).signature())
                .isEqualTo("nrefs:?|case:mixed|eff:yes|nc:6|nw:2|space:no|version:2.6.0");
    }

    @Test
    void the_examples_of_seqeval_come_out() {
        var score = new EntityScore();
        score.add(List.of("O", "O", "B-MISC", "I-MISC", "I-MISC", "I-MISC", "O"),
                List.of("O", "O", "O", "B-MISC", "I-MISC", "I-MISC", "O"));
        score.add(List.of("B-PER", "I-PER", "O"), List.of("B-PER", "I-PER", "O"));
        assertThat(score.values()).containsEntry("overall_f1", 0.5).containsEntry("overall_accuracy", 0.8);
        assertThat(score.byType()).containsEntry("MISC", new PrecisionRecall(0, 0, 0, 1)).containsEntry("PER",
                new PrecisionRecall(1, 1, 1, 1));
        // From its README: the lenient mode takes what the strict one does not.
        var tags = List.of("B-NP", "I-NP", "O");
        var half = List.of("I-NP", "I-NP", "O");
        assertThat(TagScheme.LENIENT.entities(half)).isEqualTo(TagScheme.LENIENT.entities(tags));
        assertThat(TagScheme.IOB2.entities(half)).isEmpty();
        assertThat(TagScheme.IOB2.entities(tags)).containsExactly(new TagScheme.Entity("NP", 0, 2));
    }

    @Test
    void rouge_of_its_tests_and_its_paper_comes_out() {
        assertThat(Rouge.score(Kind.ROUGE_1, "testing", "testing one two", UnaryOperator.identity()))
                .isEqualTo(new PrecisionRecall(1, 1 / 3.0, 0.5, 3));
        assertThat(Rouge.score(Kind.ROUGE_2, "testing one", "testing one two", UnaryOperator.identity()).f1())
                .isCloseTo(2 / 3.0, within(1e-12));
        assertThat(Rouge.score(Kind.ROUGE_L, "testing two", "testing one two", UnaryOperator.identity()).f1())
                .isCloseTo(0.8, within(1e-12));
        // §3.2 of the paper
        PrecisionRecall union = Rouge.score(Kind.ROUGE_LSUM, "w1 w2 w6 w7 w8\nw1 w3 w8 w9 w5", "w1 w2 w3 w4 w5",
                UnaryOperator.identity());
        assertThat(union.recall()).isEqualTo(0.8);
        assertThat(union.precision()).isEqualTo(0.4);
        // §2: police killed the gunman
        assertThat(Rouge
                .score(Kind.ROUGE_L, "police kill the gunman", "police killed the gunman", UnaryOperator.identity())
                .f1())
                .isEqualTo(0.75);
        assertThat(Rouge.score(Kind.ROUGE_L, "police kill the gunman", "police killed the gunman",
                word -> word.replaceAll("ed$", "")).f1())
                .isEqualTo(1);
    }

    @Test
    void answers_are_compared_without_case_marks_and_articles() {
        assertThat(AnswerScore.normalised("  The Eiffel-Tower,  a tower ")).isEqualTo("eiffeltower tower");
        var score = AnswerScore.squad1();
        score.add("the Broncos", List.of("Denver Broncos", "Broncos!"));
        score.add("in New York", List.of("New York"));
        assertThat(score.values()).containsEntry("exact_match", 50.0).containsEntry("f1", 90.0);
    }

    @Test
    void questions_without_answer_are_right_when_left_empty_and_have_a_best_threshold() {
        var score = AnswerScore.squad2();
        score.add("Paris", List.of("Paris"), 0.1);
        score.add("", List.of(), 0.9);
        score.add("Rome", List.of(), 0.7);
        assertThat(score.values()).containsEntry("exact", 200 / 3.0).containsEntry("HasAns_exact", 100.0)
                .containsEntry("NoAns_exact", 50.0);
        assertThat(score.bestExactMatch()).isEqualTo(new AnswerScore.Threshold(100, 0.1));
        assertThatThrownBy(() -> AnswerScore.squad1().add("x", List.of())).hasMessageContaining("SQuAD 2.0");
    }

    @Test
    void error_rates_tell_the_kinds_of_errors_of_the_whole_corpus() {
        ErrorRate rate = ErrorRate.words();
        rate.add("the cat  sat mat", "the cat sat on the mat");
        rate.add("hello word again", "hello world");
        assertThat(rate.errors()).isEqualTo(new ErrorRate.Errors(5, 1, 2, 1));
        assertThat(rate.values()).containsEntry("wer", 4 / 8.0).containsEntry("wer_deletions", 2.0);
        ErrorRate characters = ErrorRate.characters();
        characters.add("\uD83D\uDC4B!", "\uD83D\uDC4B?");
        assertThat(characters.rate()).describedAs("one sign beyond the basic plane is one character").isEqualTo(0.5);
        ErrorRate empty = ErrorRate.words();
        empty.add("something", " ");
        assertThatThrownBy(empty::values).hasMessageContaining("all 1 references are empty");
    }

    @Property(tries = 300)
    void errors_add_up_to_both_texts(@ForAll @Size(max = 8) List<@IntRange(max = 3) Integer> heard,
            @ForAll @Size(max = 8) List<@IntRange(max = 3) Integer> expected) {
        List<String> said = heard.stream().map(String::valueOf).toList();
        List<String> wanted = expected.stream().map(String::valueOf).toList();
        ErrorRate.Errors errors = ErrorRate.errors(said, wanted);
        ErrorRate.Errors back = ErrorRate.errors(wanted, said);
        assertThat(errors.expected()).isEqualTo(wanted.size());
        assertThat(errors.hits() + errors.substitutions() + errors.insertions()).isEqualTo(said.size());
        assertThat(back).isEqualTo(
                new ErrorRate.Errors(errors.hits(), errors.substitutions(), errors.insertions(), errors.deletions()));
        assertThat(errors.total()).isEqualTo(edits(said, wanted));
    }

    private static long edits(List<String> said, List<String> wanted) {
        if (said.isEmpty() || wanted.isEmpty()) {
            return said.size() + wanted.size();
        }
        List<String> saidRest = said.subList(1, said.size());
        List<String> wantedRest = wanted.subList(1, wanted.size());
        return said.getFirst().equals(wanted.getFirst())
                ? edits(saidRest, wantedRest)
                : 1 + Math.min(edits(saidRest, wantedRest),
                        Math.min(edits(saidRest, wanted), edits(said, wantedRest)));
    }

    @Property(tries = 200)
    void the_area_is_the_share_of_pairs_in_the_right_order(
            @ForAll @Size(min = 2, max = 20) List<@IntRange(max = 5) Integer> scores) {
        var area = new RocAuc(List.of("no", "yes"));
        double right = 0;
        double pairs = 0;
        for (int i = 0; i < scores.size(); i++) {
            area.add(new double[]{-scores.get(i), scores.get(i)}, Set.of(i % 2 == 0 ? "yes" : "no"));
            for (int j = 1; j < scores.size() && i % 2 == 0; j += 2) {
                right += (1 + Integer.signum(scores.get(i) - scores.get(j))) / 2.0;
                pairs++;
            }
        }
        assertThat(area.values().get("roc_auc")).isCloseTo(right / pairs, within(1e-12));
    }

    @Test
    void calibration_compares_what_is_said_with_what_is_right() {
        var calibration = new Calibration(2);
        calibration.add(0.5, false);
        calibration.add(0.9, true);
        calibration.add(0.7, false);
        assertThat(calibration.bins()).containsExactly(new Calibration.Bin(0, 0.5, 1, 0.5, 0),
                new Calibration.Bin(0.5, 1, 2, 0.8, 0.5));
        assertThat(calibration.expectedError()).isCloseTo((0.5 + 2 * 0.3) / 3, within(1e-12));
        assertThat(calibration.maximumError()).isEqualTo(0.5);
        assertThatThrownBy(() -> calibration.add(1.5, true)).hasMessageContaining("example 4")
                .hasMessageContaining("probability");
    }

    static Stream<Metric<?, ?>> metrics() {
        return Stream.of(new Classification(), new MultiLabel(List.of("a")), new RocAuc(List.of("a")),
                new Regression(), new EntityScore(), AnswerScore.squad1(), AnswerScore.squad2(), new Bleu(), new Chrf(),
                new Rouge(), ErrorRate.words(), ErrorRate.characters(), new Calibration());
    }

    @ParameterizedTest
    @MethodSource("metrics")
    void a_metric_of_no_examples_is_one_clear_message(Metric<?, ?> metric) {
        assertThatThrownBy(metric::values).isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("of no examples: at least one is needed");
    }

    @Test
    void a_number_that_is_none_is_refused_with_its_place() {
        var regression = new Regression();
        regression.add(1.0, 2.0);
        assertThatThrownBy(() -> regression.add(Double.NaN, 2.0)).isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("regression, example 2: the prediction is NaN");
        regression.add(2.0, 4.0);
        assertThat(regression.meanSquaredError()).describedAs("the refused example left nothing behind").isEqualTo(2.5);
        assertThatThrownBy(() -> new RocAuc(List.of("a", "b")).add(new double[]{0, Double.POSITIVE_INFINITY}, Set.of()))
                .hasMessageContaining("example 1: the score of b is Infinity");
        assertThatThrownBy(() -> new LanguageModelScore(Double.NaN, 3, 3)).hasMessageContaining("of 3 tokens");
    }

    @Test
    void what_does_not_fit_is_refused_with_its_place() {
        assertThatThrownBy(() -> new RocAuc(List.of("a", "b")).add(new double[]{1}, Set.of("a")))
                .hasMessageContaining("expected 2 scores").hasMessageContaining("found 1");
        assertThatThrownBy(() -> new MultiLabel(List.of("a", "b")).add(Set.of("c"), Set.of()))
                .hasMessageContaining("the label c is none of [a, b]");
        assertThatThrownBy(() -> new EntityScore().add(List.of("O"), List.of("O", "O")))
                .hasMessageContaining("found 1 tags for 2 tokens");
        assertThatThrownBy(() -> new EntityScore(TagScheme.IOB2).add(List.of("S-PER"), List.of("O")))
                .hasMessageContaining("the tag S-PER is none of the scheme IOB2: expected O, or one of I, B");
        assertThatThrownBy(() -> new Bleu().add("x", List.of())).hasMessageContaining("no reference");
        assertThatThrownBy(() -> BleuTokenizer.of("zh")).hasMessageContaining("13a, intl, char and none");
        assertThatThrownBy(() -> new Classification(List.of("a"), "b", 0)).hasMessageContaining("none of [a]");
        assertThatThrownBy(() -> new Classification(List.of(), null, 0.5)).hasMessageContaining("0 or 1");
    }

    @Test
    void a_correlation_with_a_constant_is_undefined() {
        var regression = new Regression();
        for (int i = 0; i < 3; i++) {
            regression.add(0.1, (double) i);
        }
        assertThat(regression.values()).containsEntry("pearson", Double.NaN).containsEntry("spearmanr", Double.NaN);
        assertThat(regression.values().get("mae")).isCloseTo(2.9 / 3, within(1e-12));
    }

    @Test
    void a_long_stream_leaves_counts_only() {
        var classification = new Classification();
        var calibration = new Calibration();
        for (int i = 0; i < 200_000; i++) {
            classification.add("l" + i % 3, "l" + i % 2);
            calibration.add(0.75, i % 4 != 0);
        }
        assertThat(classification.accuracy()).isCloseTo(1 / 3.0, within(1e-4));
        assertThat(calibration.expectedError()).isCloseTo(0, within(1e-9));
        assertThat(calibration.bins()).hasSize(1);
    }

    @Test
    void each_task_names_values_that_its_metrics_give() {
        Map<UsualMetrics, Set<String>> names = Map.ofEntries(
                names(UsualMetrics.TEXT_CLASSIFICATION, example(new Classification(), "a", "a")),
                names(UsualMetrics.MULTIPLE_CHOICE, example(new Classification(), "1", "1")),
                names(UsualMetrics.MULTI_LABEL_CLASSIFICATION,
                        example(new MultiLabel(List.of("a")), Set.of(), Set.of())),
                names(UsualMetrics.REGRESSION, example(new Regression(), 1.0, 1.0)),
                names(UsualMetrics.SENTENCE_SIMILARITY, example(new Regression(), 1.0, 1.0)),
                names(UsualMetrics.TOKEN_CLASSIFICATION, example(new EntityScore(), List.of("O"), List.of("O"))),
                names(UsualMetrics.QUESTION_ANSWERING, example(AnswerScore.squad1(), "a", List.of("a")),
                        example(AnswerScore.squad2(), "a", List.of("a"))),
                names(UsualMetrics.TRANSLATION, example(new Bleu(), "a", List.of("a")),
                        example(new Chrf(), "a", List.of("a"))),
                names(UsualMetrics.SUMMARIZATION, example(new Rouge(), "a", List.of("a"))),
                names(UsualMetrics.AUTOMATIC_SPEECH_RECOGNITION, example(ErrorRate.words(), "a", "a"),
                        example(ErrorRate.characters(), "a", "a")),
                Map.entry(UsualMetrics.TEXT_GENERATION, new LanguageModelScore(1, 1, 1).values().keySet()),
                Map.entry(UsualMetrics.FILL_MASK, Set.of("loss", "perplexity", "accuracy")));
        assertThat(names.keySet()).containsExactlyInAnyOrder(UsualMetrics.values());
        names.forEach((task, values) -> assertThat(values).describedAs(task.id()).containsAll(task.usual()));
    }

    private static Map.Entry<UsualMetrics, Set<String>> names(UsualMetrics task, Metric<?, ?>... metrics) {
        return Map.entry(task, task.report(metrics).values().keySet());
    }

    private static <P, E> Metric<P, E> example(Metric<P, E> metric, P predicted, E expected) {
        metric.add(predicted, expected);
        return metric;
    }

    @Test
    void a_report_is_a_table_for_people_and_json_for_programs() {
        Report report = UsualMetrics.TRANSLATION.report(example(new Chrf(), "a cat", List.of("a cat")),
                example(new Bleu(), "a cat", List.of("a cat")));
        assertThat(new ArrayList<>(report.values().keySet())).startsWith("bleu", "chrf");
        assertThat(report.table()).startsWith("translation\n  bleu                0.0000\n")
                .contains("  chrf              100.0000\n")
                .endsWith("  nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:2.6.0\n");
        assertThat(new Report("regression", Map.of("pearson", Double.NaN), List.of()).table())
                .isEqualTo("regression\n  pearson          -\n");
        assertThat(new Report("regression", Map.of("pearson", Double.NaN), List.of("s")).json())
                .isEqualTo("{\"task\":\"regression\",\"metrics\":{\"pearson\":null},\"signatures\":[\"s\"]}");
        assertThat(UsualMetrics.of("fill-mask").main()).isEqualTo("loss");
        assertThat(UsualMetrics.of("fill-mask").higherIsBetter()).isFalse();
        assertThatThrownBy(() -> UsualMetrics.of("chess")).hasMessageContaining("no task chess")
                .hasMessageContaining("translation");
    }
}
