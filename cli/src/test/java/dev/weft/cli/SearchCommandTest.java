package dev.weft.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// `weft search` as a user types it.
class SearchCommandTest {
    @TempDir
    Path root;

    private Path recipe;

    @BeforeEach
    void write() throws IOException {
        Files.writeString(root.resolve("corpus.txt"), "the cat sat on the mat. the dog sat on the log.\n".repeat(40));
        recipe = Files.writeString(root.resolve("small.yaml"), """
                data: {train: corpus.txt, folder: FOLDER, max_length: 8, cache: FOLDER/cache}
                tokenizer: {from: char}
                model: {layers: 1, hidden: 16, heads: 2}
                train: {steps: 9, batch: 4, precision: float32, threads: 1}
                """.replace("FOLDER", root.toString()));
    }

    private Ran search(String... more) {
        return Ran.weft(Stream.concat(Stream.of("search", "--recipe", recipe.toString()), Arrays.stream(more))
                .toArray(String[]::new));
    }

    @Test
    void trials_are_told_line_by_line_and_ranked_and_the_best_recipe_trains() {
        Path out = root.resolve("search");
        Ran ran = search("--over", "train.learning_rate=1e-5,1e-2", "--over", "train.optimizer=adamw,lion", "--method",
                "grid", "--set", "train.steps=6", "--out", out.toString());

        assertThat(ran.status()).as(ran.err()).isZero();
        assertThat(ran.err().lines().filter(line -> line.matches(
                "trial-00\\d  \\d/4  train\\.learning_rate=\\S+ train\\.optimizer=\\S+  loss \\d\\.\\d{4}  6 steps  .* s")))
                .hasSize(4);
        assertThat(ran.out().lines()).hasSize(5);
        assertThat(ran.out().lines().skip(1).findFirst().orElseThrow()).startsWith("1     trial-00");
        assertThat(ran.err()).contains("its recipe: " + out.resolve("best.yaml"));
        Ran best = Ran.weft("train", "--recipe", out.resolve("best.yaml").toString(), "--out",
                root.resolve("best").toString());
        assertThat(best.status()).as(best.err()).isZero();

        Ran again = Ran.weft("search", "--resume", out.toString());
        assertThat(again.status()).as(again.err()).isZero();
        assertThat(again.out()).isEqualTo(ran.out());
        assertThat(again.err()).doesNotContain("steps");
    }

    @Test
    void a_file_says_what_is_searched_and_json_is_for_programs() throws IOException {
        Path values = Files.writeString(root.resolve("values.yaml"),
                "{method: random, trials: 3, over: {train.learning_rate: 1e-4..1e-2 log}}");
        Ran ran = search("--search", values.toString(), "--method", "halving", "--json", "--out",
                root.resolve("search").toString());

        assertThat(ran.status()).as(ran.err()).isZero();
        JsonNode table = new JsonMapper().readTree(ran.out());
        assertThat(table.get("metric").asString()).isEqualTo("loss");
        assertThat(table.get("trials").size()).isEqualTo(3);
        assertThat(table.get("trials").get(0).get("steps").asInt()).isEqualTo(9);
        assertThat(table.get("trials").get(2).get("steps").asInt()).isEqualTo(3);
        assertThat(table.get("best")).isEqualTo(table.get("trials").get(0).get("trial"));
    }

    @Test
    void a_search_of_which_nothing_came_fails_with_the_reason() {
        Ran ran = search("--over", "model.dropout=2,3", "--out", root.resolve("search").toString());

        assertThat(ran.status()).isEqualTo(1);
        assertThat(ran.out()).contains("trial-001", "trial-002", "--dropout must be at least 0 and below 1");
        assertThat(ran.refusal()).startsWith("weft: All 2 trials failed, the first of them so: --dropout must be");
    }

    @Test
    void what_is_asked_wrongly_is_told_in_one_line() {
        String out = root.resolve("search").toString();
        assertThat(search("--over", "model.dropout=0,0.1").refusal()).contains("Say where the trials go: --out DIR");
        assertThat(search("--over", "model.drop=0,0.1", "--out", out).refusal())
                .contains("a recipe has no key \"model.drop\"");
        assertThat(search("--over", "model.dropout", "--out", out).status()).isEqualTo(2);
        assertThat(search("--over", "model.dropout=0,0.1", "--set", "data.dev_share=0", "--out", out).refusal())
                .contains("compared by their evaluations, and there are none");
        assertThat(search("--resume", out).refusal()).contains("needs nothing else");
        assertThat(Ran.weft("search", "--over", "model.dropout=0,0.1", "--out", out).refusal())
                .contains("Say what to learn from");
        assertThat(Path.of(out)).doesNotExist();
    }
}
