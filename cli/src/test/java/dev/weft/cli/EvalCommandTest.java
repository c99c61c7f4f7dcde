package dev.weft.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.weft.models.Loading;
import dev.weft.adapt.Adapted;
import dev.weft.adapt.LoraConfig;
import dev.weft.adapt.Targets;
import dev.weft.checkpoint.Json;
import dev.weft.models.Models;
import dev.weft.models.heads.PretrainedModel;
import dev.weft.tensor.DType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class EvalCommandTest {
    private static final Path MODELS = Path.of("../run/src/test/resources/pipelines");
    private static final String CLASSIFIER = model("text-classification-single-label");

    @TempDir
    Path folder;

    private static String model(String name) {
        return MODELS.resolve(name).toString();
    }

    private static JsonNode json(String... command) {
        Ran ran = Ran.weft(Stream.concat(Arrays.stream(command), Stream.of("--json")).toArray(String[]::new));
        assertThat(ran.status()).as(ran.err()).isZero();
        return new JsonMapper().readTree(ran.out());
    }

    private static double metric(JsonNode found, String name) {
        return found.get("metrics").get(name).doubleValue();
    }

    private String file(String name, String content) throws IOException {
        return Files.writeString(folder.resolve(name), content).toString();
    }

    @Test
    void rows_of_a_table_are_scored_with_columns_of_any_name() throws IOException {
        String table = file("dev.tsv", "sentence\tclass\ngreat film\tgood\na waste of time\tbad\nwool\tmixed\n");
        Path said = folder.resolve("said.jsonl");

        JsonNode found = json("eval", CLASSIFIER, "--data", table, "--text-column", "sentence", "--label-column",
                "class", "--predictions", said.toString(), "--pictures", folder.resolve("pictures").toString());

        assertThat(found.get("task").stringValue()).isEqualTo("text-classification");
        assertThat(found.get("rows").intValue()).isEqualTo(3);
        assertThat(metric(found, "loss")).isPositive();
        List<JsonNode> lines = Files.readAllLines(said).stream().map(line -> new JsonMapper().readTree(line)).toList();
        assertThat(lines).extracting(line -> line.get("expected").stringValue()).containsExactly("good", "bad",
                "mixed");
        assertThat(lines.getFirst().get("row").stringValue()).endsWith("dev.tsv, line 2");
        assertThat(metric(found, "accuracy")).isEqualTo(
                lines.stream().filter(line -> line.get("predicted").equals(line.get("expected"))).count() / 3.0);
        assertThat(folder.resolve("pictures/confusion-matrix.svg")).content().startsWith("<svg");
        assertThat(folder.resolve("pictures/reliability.svg")).content().contains("calibration");

        JsonNode half = json("eval", CLASSIFIER, "--precision", "bfloat16", "--data",
                "select sentence as text, class as label from read_csv('%s', delim='\t')".formatted(table));
        assertThat(metric(half, "loss")).isNotEqualTo(metric(found, "loss"));
        String bare = file("bare.tsv", "great film\tgood\na waste of time\tbad\nwool\tmixed\n");
        assertThat(json("eval", CLASSIFIER, "--data", bare, "--columns", "text,label").get("metrics"))
                .isEqualTo(found.get("metrics"));
        String semicolons = file("semicolons.csv", "text;label\ngreat film;good\na waste of time;bad\nwool;mixed\n");
        assertThat(json("eval", CLASSIFIER, "--data", semicolons, "--delimiter", ";").get("metrics"))
                .isEqualTo(found.get("metrics"));
        assertThat(Ran.weft("eval", CLASSIFIER, "--data", semicolons, "--delimiter", ";;").refusal())
                .contains("one character");
        assertThat(Ran.weft("eval", CLASSIFIER, "--data", table, "--text-column", "sentence", "--label-column",
                "class").out()).startsWith("text-classification\n  accuracy").contains("3 rows");
    }

    @Test
    void every_task_is_scored() throws IOException {
        String lines = file("lines.txt", "great film, wonderful acting\nthe river runs to the sea\n");
        assertThat(metric(json("eval", model("fill-mask"), "--data", lines, "--mask-share", "0.5"), "perplexity"))
                .isGreaterThan(1);
        assertThat(metric(json("eval", model("chat"), "--data", lines), "bits_per_byte")).isPositive();
        JsonNode translated = json("eval", model("text-to-text"), "--task", "translation", "--data",
                file("test.en", "great film, wonderful acting\nthe river runs to the sea\n"), "--target-data",
                file("test.de", "wool\nsilk\n"), "--beams", "2", "--max-new-tokens", "4",
                "--length-penalty", "0.6");
        assertThat(metric(translated, "bleu")).isBetween(0.0, 100.0);
        assertThat(translated.get("signatures").get(0).stringValue()).contains("tok:13a");
        assertThat(metric(json("eval", model("translation"), "--data",
                file("pairs.csv", "de,en\nloom,e\nwool,e\n"), "--source-column", "de", "--target-column", "en",
                "--from", "de", "--to", "en", "--max-new-tokens", "12"), "chrf")).isPositive();
        assertThat(metric(json("eval", model("token-classification"), "--data",
                file("words.conll", "Ada B-PER\nlives O\n\nParis B-LOC\n")), "overall_accuracy")).isBetween(0.0, 1.0);
        assertThat(metric(json("eval", model("question-answering"), "--data", file("squad.json",
                "{\"data\":[{\"title\":\"t\",\"paragraphs\":[{\"context\":\"Ada wrote to Charles.\",\"qas\":"
                        + "[{\"id\":\"1\",\"question\":\"Who?\",\"answers\":[{\"text\":\"Ada\",\"answer_start\":0}]}]}]}]}")),
                "f1")).isBetween(0.0, 100.0);
        assertThat(metric(json("eval", model("embeddings"), "--pooling", "cls", "--data",
                file("pairs.jsonl", "{\"a\":\"wool\",\"text_pair\":\"silk\",\"score\":2}\n"
                        + "{\"a\":\"wool\",\"text_pair\":\"the sea\",\"score\":1}\n"),
                "--text-column", "a", "--label-column", "score"), "spearmanr")).isBetween(-1.0, 1.0).isNotZero();
        assertThat(metric(json("eval", model("multiple-choice"), "--data",
                file("choices.jsonl", "{\"text\":\"Ada\",\"choices\":[\"wrote\",\"wool\"],\"label\":1}\n")),
                "accuracy")).isIn(0.0, 1.0);
        assertThat(metric(json("eval", model("text-classification-multi-label"), "--data",
                file("sets.jsonl", "{\"text\":\"Ada\",\"labels\":[\"film\",\"wool\"]}\n")), "hamming_loss"))
                .isBetween(0.0, 1.0);
        assertThat(metric(json("eval", model("text-classification-regression"), "--data",
                file("numbers.csv", "text,label\nAda,1.5\nwool,2\n")), "mse")).isPositive();
    }

    @Test
    void an_adapter_is_scored_over_its_base() throws IOException {
        String table = file("dev.csv", "text,label\ngreat film,good\nwool,bad\n");
        Path adapter = folder.resolve("adapter");
        try (PretrainedModel base = Models.load(Path.of(CLASSIFIER), Loading.in(DType.FLOAT32));
                Adapted adapted = Adapted.create(base, LoraConfig.of(2, 4, Targets.of("query", "value")), 1)) {
            adapted.parameters().values().forEach(weight -> weight.detach().fillInPlace(0.5));
            adapted.save(adapter);
        }
        double plain = metric(json("eval", CLASSIFIER, "--data", table), "loss");

        double over = metric(json("eval", CLASSIFIER, "--adapter", adapter.toString(), "--data", table), "loss");
        assertThat(over).isNotEqualTo(plain);

        Json.write(adapter.resolve("adapter_config.json"), Json.read(adapter.resolve("adapter_config.json")).node()
                .put("base_model_name_or_path", Path.of(CLASSIFIER).toAbsolutePath().toString()));
        assertThat(metric(json("eval", adapter.toString(), "--data", table), "loss")).isEqualTo(over);

        Json.write(adapter.resolve("adapter_config.json"), Json.read(adapter.resolve("adapter_config.json")).node()
                .put("base_model_name_or_path", "far/away"));
        assertThat(Ran.weft("eval", adapter.toString(), "--data", table).refusal()).contains("far/away")
                .contains("--adapter");
    }

    @Test
    void what_cannot_be_scored_is_said_in_one_line() throws IOException {
        String table = file("dev.csv", "sentence,label\ngreat film,great\n");
        assertThat(Ran.weft("eval", CLASSIFIER).refusal()).contains("--data").contains("--text");
        assertThat(Ran.weft("eval", CLASSIFIER, "--data", table, "--text-column", "texts").refusal())
                .contains("\"texts\"").contains("sentence, label");
        assertThat(Ran.weft("eval", CLASSIFIER, "--data", table, "--text-column", "sentence").refusal())
                .contains("dev.csv, line 2").contains("great").contains("bad, good, mixed");
        assertThat(Ran.weft("eval", CLASSIFIER, "--data", table, "--task", "poetry").refusal()).contains("poetry")
                .contains("token-classification");
        assertThat(Ran.weft("eval", CLASSIFIER, "--data", file("empty.csv", "text,label\n")).refusal())
                .contains("holds no rows");
        assertThat(Ran.weft("eval", CLASSIFIER, "--data", table, "--predictions",
                folder.resolve("no/where.jsonl").toString()).refusal()).contains("there is no folder");
        assertThat(Ran.weft("eval", CLASSIFIER, "--data", table, "--max-length", "1000", "--text-column", "sentence")
                .refusal()).contains("1000").contains("128");
        assertThat(Ran.weft("eval", CLASSIFIER, "--text", table).refusal()).contains("no language model");
    }
}
