package dev.weft.eval;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// Random examples, and what the reference implementations say of them: `build/metric_cases.py` made both.
class ReferenceValuesTest {
    private static final JsonMapper JSON = new JsonMapper();

    @Test
    void classification_is_scikit_learns() {
        check("classification", single -> {
            var metric = new Classification(List.of(), null, single.get("zero_division").asInt());
            return fed(metric, texts(single.get("predicted")), texts(single.get("expected")));
        });
    }

    @Test
    void multi_label_classification_is_scikit_learns() {
        check("multi_label",
                each -> fed(new MultiLabel(texts(each.get("labels")), each.get("zero_division").asInt()),
                        sets(each.get("predicted")), sets(each.get("expected"))));
    }

    @Test
    void the_area_under_the_curve_is_scikit_learns() {
        check("roc_auc", each -> fed(new RocAuc(texts(each.get("labels"))),
                stream(each.get("scores")).map(scores -> stream(scores).mapToDouble(JsonNode::asDouble).toArray())
                        .toList(),
                sets(each.get("expected"))));
    }

    @Test
    void correlations_are_scipys_and_errors_scikit_learns() {
        check("regression", each -> fed(new Regression(), numbers(each.get("predicted")),
                numbers(each.get("expected"))));
    }

    @Test
    void entity_scores_are_seqevals_in_each_scheme() {
        check("entities", each -> fed(new EntityScore(TagScheme.valueOf(each.get("scheme").asString())),
                lists(each.get("predicted")), lists(each.get("expected"))));
    }

    @Test
    void answers_to_questions_score_as_in_the_scripts_of_squad() {
        check("squad", each -> {
            AnswerScore score = each.get("version").asInt() == 1 ? AnswerScore.squad1() : AnswerScore.squad2();
            List<String> predicted = texts(each.get("predicted"));
            for (int i = 0; i < predicted.size(); i++) {
                score.add(predicted.get(i), texts(each.get("expected").get(i)),
                        each.get("no_answer").get(i).asDouble());
            }
            return score;
        });
    }

    @Test
    void bleu_its_line_and_its_signature_are_sacrebleus() {
        for (JsonNode each : cases("bleu")) {
            double value = each.get("smooth_value").asDouble(0);
            Bleu.Smoothing smoothing = switch (each.get("smooth_method").asString()) {
                case "exp" -> new Bleu.Smoothing.Exponential();
                case "floor" -> new Bleu.Smoothing.Floor(value);
                case "add-k" -> new Bleu.Smoothing.AddK(value);
                default -> new Bleu.Smoothing.None();
            };
            var bleu = new Bleu(new Bleu.Settings(BleuTokenizer.of(each.get("tokenize").asString()),
                    each.get("lowercase").asBoolean(), smoothing, 4, each.get("effective_order").asBoolean()));
            fed(bleu, texts(each.get("predicted")), lists(each.get("expected")));
            assertThat(bleu.score().score()).describedAs(each.toString()).isCloseTo(each.get("score").asDouble(),
                    within(1e-9));
            assertThat(bleu.score()).hasToString(each.get("line").asString());
            assertThat(bleu.signature()).isEqualTo(each.get("signature").asString());
        }
    }

    @Test
    void chrf_and_its_signature_are_sacrebleus() {
        for (JsonNode each : cases("chrf")) {
            var chrf = new Chrf(new Chrf.Settings(6, each.get("word_order").asInt(), each.get("beta").asInt(),
                    each.get("lowercase").asBoolean(), each.get("whitespace").asBoolean(),
                    each.get("eps_smoothing").asBoolean()));
            fed(chrf, texts(each.get("predicted")), lists(each.get("expected")));
            assertThat(chrf.score()).describedAs(each.toString()).isCloseTo(each.get("score").asDouble(), within(1e-9));
            assertThat(chrf.signature()).isEqualTo(each.get("signature").asString());
        }
    }

    @Test
    void the_tokenizers_of_bleu_are_sacrebleus() {
        for (JsonNode each : cases("tokenizers")) {
            for (String tokenizer : List.of("13a", "intl", "char")) {
                assertThat(BleuTokenizer.of(tokenizer).words(Words.withoutSpaceAtEnd(each.get("text").asString())))
                        .describedAs("%s: %s", tokenizer, each.get("text")).isEqualTo(texts(each.get(tokenizer)));
            }
        }
    }

    @Test
    void rouge_is_that_of_rouge_score() {
        check("rouge", each -> fed(new Rouge(), texts(each.get("predicted")),
                lists(each.get("expected"))));
    }

    @Test
    void error_rates_of_words_and_characters_are_edit_distances() {
        for (boolean characters : List.of(false, true)) {
            check("errors", each -> fed(characters ? ErrorRate.characters() : ErrorRate.words(),
                    texts(each.get("predicted")), texts(each.get("expected"))));
        }
    }

    @Test
    void calibration_errors_are_those_of_the_paper() {
        check("calibration", each -> fed(new Calibration(each.get("bins").asInt()), numbers(each.get("predicted")),
                stream(each.get("expected")).map(JsonNode::asBoolean).toList()));
    }

    /// At least one value of each case has a name that the metric knows, and all those are equal.
    private static void check(String name, Function<JsonNode, Metric<?, ?>> metric) {
        for (JsonNode each : cases(name)) {
            Map<String, Double> values = metric.apply(each).values();
            List<String> known = each.get("values").propertyStream().map(Map.Entry::getKey)
                    .filter(values::containsKey).toList();
            assertThat(known).describedAs("names in %s known to %s", each, values.keySet()).isNotEmpty();
            for (String value : known) {
                JsonNode reference = each.get("values").get(value);
                assertThat(values.get(value)).describedAs("%s of %s", value, each)
                        .isEqualTo(reference.isNull() ? Double.NaN : reference.asDouble(), within(1e-9));
            }
        }
    }

    private static <P, E, M extends Metric<P, E>> M fed(M metric, List<P> predicted, List<E> expected) {
        assertThat(predicted).hasSameSizeAs(expected);
        for (int i = 0; i < predicted.size(); i++) {
            metric.add(predicted.get(i), expected.get(i));
        }
        return metric;
    }

    private static List<JsonNode> cases(String name) {
        try (InputStream file = ReferenceValuesTest.class.getResourceAsStream("/metrics/" + name + ".json")) {
            return stream(JSON.readTree(file)).toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static Stream<JsonNode> stream(JsonNode array) {
        return array.valueStream();
    }

    private static List<String> texts(JsonNode array) {
        return stream(array).map(JsonNode::asString).toList();
    }

    private static List<List<String>> lists(JsonNode array) {
        return stream(array).map(ReferenceValuesTest::texts).toList();
    }

    private static List<Set<String>> sets(JsonNode array) {
        return stream(array).<Set<String>>map(labels -> new HashSet<>(texts(labels))).toList();
    }

    private static List<Double> numbers(JsonNode array) {
        return stream(array).map(JsonNode::asDouble).toList();
    }
}
