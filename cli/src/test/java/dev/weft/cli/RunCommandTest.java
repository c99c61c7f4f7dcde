package dev.weft.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class RunCommandTest {
    private static final Path MODELS = Path.of("../run/src/test/resources/pipelines");

    @TempDir
    Path folder;

    private static String model(String name) {
        return MODELS.resolve(name).toString();
    }

    private static JsonNode json(String... command) {
        Ran ran = Ran.weft(command);
        assertThat(ran.status()).as(ran.err()).isZero();
        return new JsonMapper().readTree(ran.out().lines().findFirst().orElseThrow());
    }

    @Test
    void each_task_answers_one_text() throws IOException {
        Path page = Files.writeString(folder.resolve("page.txt"), "Ada wrote to Charles.");

        assertThat(
                json("run", "fill-mask", model("fill-mask"), "Paris is the [MASK] of France.", "--top-k", "2", "--json")
                        .get("fillings").size())
                .isEqualTo(2);
        assertThat(json("run", "zero-shot-classification", model("zero-shot-classification"), "wool", "--labels", "a,b",
                "--json").get("label").stringValue()).isIn("a", "b");
        assertThat(json("run", "token-classification", model("token-classification"), "Ada lives.", "--aggregation",
                "first", "--json").get("entities").isArray()).isTrue();
        assertThat(
                json("run", "question-answering", model("question-answering"), "--question", "Who?", "--context-file",
                        page.toString(), "--json").get("text").stringValue())
                .isSubstringOf("Ada wrote to Charles.");
        assertThat(json("run", "embeddings", model("embeddings"), "wool", "--json").get("vector").size()).isEqualTo(16);
        assertThat(json("run", "summarization", model("text-to-text"), "wool", "--json").get("windows").intValue())
                .isEqualTo(1);
        assertThat(json("run", "rerank", model("text-classification-regression"), "--query", "what", "a", "b", "--json")
                .get("passage").stringValue()).isIn("a", "b");
    }

    @Test
    void lines_that_cannot_be_read_are_named_and_the_others_answered() throws IOException {
        Path texts = Files.writeString(folder.resolve("texts.jsonl"),
                "{\"text\": \"great film\", \"id\": 1}\nnope\n{\"title\": 3}\n{\"text\": \"wool\"}\n");
        Path out = folder.resolve("out.jsonl");

        Ran ran = Ran.weft("run", "text-classification", model("text-classification-single-label"), texts.toString(),
                "--out", out.toString());

        assertThat(ran.status()).isEqualTo(2);
        assertThat(ran.err()).contains("line 2: not JSON", "line 3: no object with a text \"text\"",
                "2 lines could not be read; the others are answered");
        List<String> lines = Files.readAllLines(out);
        assertThat(lines).hasSize(2);
        assertThat(new JsonMapper().readTree(lines.getFirst()).get("id").intValue()).isEqualTo(1);
    }

    @Test
    void what_a_model_cannot_do_is_refused_in_one_line() {
        assertThat(Ran.weft("run", "poetry", model("fill-mask"), "x").err())
                .contains("unknown task \"poetry\"; choose one of text-classification");
        Ran ran = Ran.weft("run", "fill-mask", model("embeddings"), "x");
        assertThat(ran.status()).isEqualTo(1);
        assertThat(ran.err()).contains("holds a BertModel, which can do: feature-extraction, embeddings");
        assertThat(Ran.weft("run", "rerank", model("text-classification-regression"), "a").err())
                .contains("rerank needs --query");
    }
}
