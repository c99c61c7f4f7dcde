package dev.weft.recipe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.weft.models.Loading;
import dev.weft.data.Example;
import dev.weft.data.Row;
import dev.weft.data.Rows;
import dev.weft.eval.Report;
import dev.weft.eval.UsualMetrics;
import dev.weft.models.Models;
import dev.weft.models.heads.PretrainedModel;
import dev.weft.tensor.DType;
import dev.weft.tensor.Gradients;
import dev.weft.tensor.TensorScope;
import dev.weft.text.Encoding;
import dev.weft.text.Tokenizer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// `assessment.json` is what transformers 4.57 says, made by `build/assessment_cases.py`.
class AssessmentTest {
    private static final Path MODELS = Path.of("../run/src/test/resources/pipelines");
    private static final JsonNode CASES = new JsonMapper()
            .readTree(AssessmentTest.class.getResourceAsStream("/assessment.json"));

    private static final String CLASSIFIER = "text-classification-single-label";

    private static Row row(int number, Object... namesAndValues) {
        var values = new LinkedHashMap<String, @Nullable Object>();
        for (int i = 0; i < namesAndValues.length; i += 2) {
            values.put((String) namesAndValues[i], namesAndValues[i + 1]);
        }
        return new Row(values, "dev.tsv, line " + number);
    }

    private static Rows rows(Row... rows) {
        return Rows.of("dev.tsv", List.of(rows));
    }

    private static Rows rows(JsonNode given) {
        var rows = new ArrayList<Row>();
        for (JsonNode each : given) {
            var values = new LinkedHashMap<String, @Nullable Object>();
            each.properties().forEach(
                    value -> values.put(value.getKey(), new JsonMapper().treeToValue(value.getValue(), Object.class)));
            rows.add(new Row(values, "row " + rows.size()));
        }
        return Rows.of("cases", rows);
    }

    private static Assessment assessment(PretrainedModel model, Path folder, JsonNode given, String task,
            long batchTokens) {
        Tokenizer tokenizer = Tokenizer.load(folder);
        AssessmentSettings settings = AssessmentSettings.usual(UsualMetrics.of(task), model, tokenizer);
        settings = settings.withBatchTokens(batchTokens)
                .withMaxLength(given.path("max_length").asInt(settings.maxLength()))
                .withAnswers(given.path("stride").asInt(settings.stride()),
                        given.path("max_answer").asInt(settings.maxAnswer()))
                .withGeneration(settings.generation().withNumBeams(3).withMaxNewTokens(8).withLengthPenalty(0.5));
        return Assessment.of(model, tokenizer, rows(given.get("rows")), settings);
    }

    @ParameterizedTest
    @ValueSource(strings = {"text-classification", "multi-label-classification", "regression", "multiple-choice",
            "token-classification", "question-answering", "question-answering-2", "text-generation", "summarization",
            "sentence-similarity"})
    void each_task_says_what_the_reference_says(String name) {
        JsonNode given = CASES.get(name);
        Path folder = MODELS.resolve(given.get("model").stringValue());
        try (PretrainedModel model = Models.load(folder)) {
            for (long batchTokens : new long[]{1, 100_000}) {
                Assessment.Result result = assessment(model, folder, given, name.replace("-2", ""), batchTokens)
                        .run(Assessment.Progress.SILENT);
                assertThat(result.predictions()).hasSize(given.get("rows").size());
                for (int i = 0; given.has("predicted") && i < result.predictions().size(); i++) {
                    Object said = result.predictions().get(i).values().get("predicted");
                    JsonNode expected = given.get("predicted").get(i);
                    if (said instanceof Double number) {
                        assertThat(number).as("row %d", i).isCloseTo(expected.doubleValue(), within(1e-4));
                    } else {
                        assertThat(said).as("row %d", i)
                                .isEqualTo(new JsonMapper().treeToValue(expected, Object.class));
                    }
                }
                Map<String, Double> values = result.report().values();
                assertThat(values.keySet()).startsWith(UsualMetrics.of(result.report().task()).main().equals("f1")
                        && name.endsWith("-2") ? "f1" : UsualMetrics.of(result.report().task()).main());
                for (String value : List.of("loss", "accuracy", "tokens")) {
                    if (given.has(value)) {
                        double expected = given.get(value).doubleValue();
                        assertThat(values.get(value)).as(value).isCloseTo(expected, within(2e-5 * expected + 1e-5));
                    }
                }
            }
        }
    }

    @Test
    void values_are_those_of_the_predictions() {
        JsonNode given = CASES.get("text-classification");
        Path folder = MODELS.resolve(CLASSIFIER);
        try (PretrainedModel model = Models.load(folder)) {
            Assessment.Result result = assessment(model, folder, given, "text-classification", 64)
                    .run(Assessment.Progress.SILENT);
            double right = IntStream.range(0, 6).filter(i -> given.get("predicted").get(i)
                    .equals(given.get("rows").get(i).get("label"))).count();
            assertThat(right).isBetween(1.0, 5.0);
            assertThat(result.report().values()).containsEntry("accuracy", right / 6).containsKeys("f1_macro",
                    "matthews_correlation", "roc_auc", "expected_calibration_error");
            assertThat(result.pictures()).containsOnlyKeys("confusion-matrix", "reliability");
            assertThat(result.pictures().values()).allSatisfy(svg -> assertThat(svg).startsWith("<svg"));
            assertThat(new JsonMapper().readTree(result.predictions().getFirst().json()).propertyNames())
                    .containsExactly("row", "predicted", "expected", "probability");
        }
    }

    @Test
    void words_that_were_cut_are_no_entities_and_the_user_is_told() {
        JsonNode given = CASES.get("token-classification");
        Path folder = MODELS.resolve("token-classification");
        try (PretrainedModel model = Models.load(folder)) {
            Assessment.Result result = assessment(model, folder, given, "token-classification", 64)
                    .run(Assessment.Progress.SILENT);
            assertThat(result.notes()).hasSize(1).first().asString().contains("words").contains("count as O");
            assertThat(result.report().values().get("f1[LOC]")).isZero();
        }
    }

    @Test
    void of_no_answer_the_least_sure_window_decides() {
        var window = new Encoding(new int[]{2, 5, 3, 7, 8, 3}, new String[6], new int[]{0, 0, 0, 0, 4, 0},
                new int[]{0, 3, 0, 3, 8, 0}, new int[6], new int[6], new int[]{-1, 0, -1, 1, 1, -1}, new boolean[6],
                new int[]{1, 1, 1, 1, 1, 1});
        List<Row> rows = List.of(
                row(1, "context", "the wool", "answers",
                        Map.of("text", List.of("wool"), "answer_start", List.of(4))),
                row(2, "context", "the wool", "answers", Map.of("text", List.of(), "answer_start", List.of())));
        var score = new SpanScore(rows, List.of(window, window, window), new int[]{2, 1},
                Collections.nCopies(3, new Example(Map.of())), 1);
        float[] flat = {0, 9, 9, 1, 2, 9};
        float[] sure = {3, 9, 9, 1, 2, 9};
        Map<String, float[]> likely = Map.of("start_logits", flat, "end_logits", flat);
        Map<String, float[]> unlikely = Map.of("start_logits", sure, "end_logits", sure);

        Assessment.Result result = score.result(
                List.of(score.answer(0, unlikely), score.answer(1, likely), score.answer(2, unlikely)),
                Assessment.Progress.SILENT);

        assertThat(result.predictions()).extracting(each -> each.values().get("predicted")).containsExactly("wool", "");
        assertThat(result.report().values()).containsEntry("exact", 100.0).containsEntry("NoAns_f1", 100.0);
    }

    @Test
    void the_same_tokens_are_masked_each_time_and_their_loss_is_the_models_own() {
        Path folder = MODELS.resolve("fill-mask");
        Tokenizer tokenizer = Tokenizer.load(folder);
        Rows rows = rows(CASES.get("text-generation").get("rows"));
        try (PretrainedModel model = Models.load(folder)) {
            AssessmentSettings settings = AssessmentSettings.usual(model, tokenizer);
            Map<String, Double> first = Assessment.of(model, tokenizer, rows, settings.withBatchTokens(1)).report()
                    .values();
            Map<String, Double> again = Assessment.of(model, tokenizer, rows, settings).report().values();
            Map<String, Double> other = Assessment.of(model, tokenizer, rows, settings.withMasks(0.5, 1)).report()
                    .values();
            assertThat(first.keySet()).startsWith("loss", "perplexity", "accuracy");
            assertThat(again.get("loss")).isCloseTo(first.get("loss"), within(1e-4));
            assertThat(again.get("tokens")).isEqualTo(first.get("tokens"));
            assertThat(other.get("tokens")).isGreaterThan(first.get("tokens"));
            assertThat(first.get("perplexity")).isEqualTo(Math.exp(first.get("loss")));
        }
    }

    @Test
    void bits_are_counted_by_the_text_that_predicted_tokens_stand_for() {
        Path folder = MODELS.resolve("chat");
        Tokenizer tokenizer = Tokenizer.load(folder);
        try (PretrainedModel model = Models.load(folder)) {
            String text = "The river 👋 runs from the hills";
            Report report = Assessment.of(model, tokenizer, rows(row(1, "text", text), row(2, "text", "")),
                    AssessmentSettings.usual(model, tokenizer)).report();
            int[] ids = tokenizer.encode(text).ids();
            double bytes = tokenizer.decode(ids, true).getBytes(java.nio.charset.StandardCharsets.UTF_8).length
                    - tokenizer.decode(new int[]{ids[0]}, true).length();
            assertThat(report.values().get("tokens")).isEqualTo(ids.length - 1);
            assertThat(report.values().get("bits_per_byte")).isCloseTo(
                    report.values().get("loss") * (ids.length - 1) / Math.log(2) / bytes, within(1e-9));
        }
    }

    @Test
    void numbers_in_the_data_are_ids_where_the_model_has_names() {
        Path folder = MODELS.resolve(CLASSIFIER);
        Tokenizer tokenizer = Tokenizer.load(folder);
        try (PretrainedModel model = Models.load(folder)) {
            AssessmentSettings settings = AssessmentSettings.usual(model, tokenizer);
            Report named = Assessment.of(model, tokenizer,
                    rows(row(1, "text", "wool", "label", "bad"), row(2, "text", "silk", "label", "mixed")), settings)
                    .report();
            Report numbered = Assessment.of(model, tokenizer,
                    rows(row(1, "text", "wool", "label", "0"), row(2, "text", "silk", "label", 2)), settings).report();
            assertThat(numbered).isEqualTo(named);
        }
    }

    @Test
    void bad_input_is_refused_with_what_to_do() {
        Path folder = MODELS.resolve(CLASSIFIER);
        Tokenizer tokenizer = Tokenizer.load(folder);
        try (PretrainedModel model = Models.load(folder)) {
            AssessmentSettings settings = AssessmentSettings.usual(model, tokenizer);
            assertThatThrownBy(() -> Assessment.of(model, tokenizer, rows(), settings))
                    .isInstanceOf(IllegalArgumentException.class).hasMessageContaining("dev.tsv: holds no rows");
            assertThatThrownBy(() -> Assessment.of(model, tokenizer,
                    rows(row(1, "text", "a", "label", "good"), row(2, "text", "a", "label", "fine"),
                            row(3, "text", "a", "label", "odd")),
                    settings)).hasMessageContaining("dev.tsv, line 2").hasMessageContaining("fine, odd")
                    .hasMessageContaining("bad, good, mixed");
            assertThatThrownBy(() -> Assessment.of(model, tokenizer, rows(row(1, "sentence", "a", "label", "good")),
                    settings)).hasMessageContaining("\"text\"").hasMessageContaining("sentence, label");
            assertThatThrownBy(() -> AssessmentSettings.usual(UsualMetrics.TRANSLATION, model, tokenizer))
                    .hasMessageContaining("BertForSequenceClassification").hasMessageContaining("translation");
            assertThatThrownBy(() -> AssessmentSettings.usual(UsualMetrics.REGRESSION, model, tokenizer))
                    .hasMessageContaining("one number").hasMessageContaining("3");
        }
        Path regression = MODELS.resolve("text-classification-regression");
        try (PretrainedModel model = Models.load(regression)) {
            assertThatThrownBy(() -> Assessment.of(model, tokenizer, rows(row(1, "text", "a", "label", Double.NaN)),
                    AssessmentSettings.usual(model, tokenizer))).hasMessageContaining("dev.tsv, line 1")
                    .hasMessageContaining("\"label\" needs a number, found NaN");
        }
        Path writer = MODELS.resolve("text-to-text");
        try (PretrainedModel model = Models.load(writer)) {
            assertThatThrownBy(() -> AssessmentSettings.usual(model, tokenizer))
                    .hasMessageContaining("translation or summarization");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"text-classification", "token-classification", "question-answering", "text-generation"})
    void a_model_that_broke_is_named_with_the_row(String name) {
        JsonNode given = CASES.get(name);
        Path folder = MODELS.resolve(given.get("model").stringValue());
        try (PretrainedModel model = Models.load(folder, Loading.in(DType.FLOAT32)); var off = Gradients.off()) {
            Assessment assessment = assessment(model, folder, given, name, 1);
            assessment.report();
            model.parameters().values().forEach(weight -> weight.fillInPlace(Float.NaN));
            assertThatThrownBy(assessment::report).isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("row ").hasMessageContaining("not a number");
        }
    }

    @Test
    void one_assessment_serves_a_model_that_learns_and_keeps_no_tensors() {
        for (String name : List.of("text-classification", "token-classification", "question-answering",
                "multiple-choice", "summarization", "text-generation", "sentence-similarity")) {
            JsonNode given = CASES.get(name);
            Path folder = MODELS.resolve(given.get("model").stringValue());
            try (PretrainedModel model = Models.load(folder, Loading.in(DType.FLOAT32)); var off = Gradients.off()) {
                Assessment assessment = assessment(model, folder, given, name, 64);
                Report before = assessment.report();
                long live = TensorScope.liveTensors();
                assertThat(assessment.report()).as(name).isEqualTo(before);
                assertThat(TensorScope.liveTensors()).as(name).isEqualTo(live);
                model.parameters().values().stream().filter(weight -> weight.dim() == 2)
                        .forEach(weight -> weight.mulInPlace(-1.1));
                assertThat(assessment.report()).as(name).isNotEqualTo(before);
            }
        }
    }

    @Test
    void progress_is_told_up_to_the_end() {
        JsonNode given = CASES.get("summarization");
        Path folder = MODELS.resolve("text-to-text");
        var told = new ArrayList<String>();
        try (PretrainedModel model = Models.load(folder)) {
            assessment(model, folder, given, "summarization", 1)
                    .run((what, done, all) -> told.add("%s %d/%d".formatted(what, done, all)));
        }
        assertThat(told).startsWith("scoring 1/6").contains("scoring 6/6").endsWith("writing 6/6");
    }
}
