package dev.weft.recipe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RecipeTest {
    @Test
    void a_recipe_says_what_differs_and_the_rest_is_the_default() {
        Recipe recipe = Recipe.parse("""
                task: text-classification
                model: {from: models/bert}
                data:
                  train: train.tsv   # one or several
                  columns: {text: sentence}
                train: {steps: 40, learning_rate: 2e-3}
                """, "mine.yaml");

        assertThat(recipe.task()).isEqualTo("text-classification");
        assertThat(recipe.model().from()).isEqualTo("models/bert");
        assertThat(recipe.data().train()).containsExactly("train.tsv");
        assertThat(recipe.data().columns()).containsEntry("text", "sentence").containsEntry("label", null);
        assertThat(recipe.train().steps()).isEqualTo(40);
        assertThat(recipe.train().learningRate()).isEqualTo(0.002);
        assertThat(recipe.train().clip()).isEqualTo(Recipe.defaults().train().clip());
    }

    @Test
    void keys_are_set_by_their_path_over_what_stands_there() {
        Recipe recipe = Recipe.defaults().with("train.steps", "4000").with("train.epochs", "2.5")
                .with("data.train", "select a, b from 'x.parquet'").with("train.freeze", "^wte,ln_f")
                .with("model.config.hidden_size", "64").with("data.columns.label", "stars")
                .with("tokenizer.lowercase", "true").with("model.from", "123").with("train.threads", 2);

        assertThat(recipe.train().steps()).isEqualTo(4000);
        assertThat(recipe.train().epochs()).isEqualTo(2.5);
        assertThat(recipe.data().train()).containsExactly("select a, b from 'x.parquet'");
        assertThat(recipe.train().freeze()).containsExactly("^wte", "ln_f");
        assertThat(recipe.model().config().get("hidden_size").asInt()).isEqualTo(64);
        assertThat(recipe.model().config().get("model_type").asString()).isEqualTo("gpt2");
        assertThat(recipe.data().columns()).containsEntry("label", "stars");
        assertThat(recipe.tokenizer().lowercase()).isTrue();
        assertThat(recipe.model().from()).isEqualTo("123");
        assertThat(recipe.train().threads()).isEqualTo(2);
    }

    @Test
    void steps_take_the_place_of_epochs() {
        Recipe epochs = Recipe.defaults().preset("finetune");

        assertThat(epochs.train().epochs()).isEqualTo(3);
        assertThat(epochs.with("train.steps", 7).train().epochs()).isNull();
        assertThat(epochs.overlaid("train: {steps: 7}", "mine").train().epochs()).isNull();
        assertThat(epochs.overlaid("train: {steps: 7, epochs: 2}", "both").train().epochs()).isEqualTo(2);
    }

    @Test
    void what_is_written_is_read_back_the_same() {
        Recipe recipe = Recipe.defaults().with("task", "translation").with("data.source_prefix", "to German: ")
                .with("train.rates", "{\"^classifier\": 10}").with("data.train", List.of("a: b", "1e3", "true"));

        assertThat(Recipe.parse(recipe.yaml(), "again")).isEqualTo(recipe);
    }

    @Test
    void the_reference_names_every_key_that_there_is_and_explains_it() {
        var keys = Recipe.keys();

        assertThat(keys.stream().map(Recipe.Key::path)).containsAll(RecipeTree.keys());
        assertThat(keys).filteredOn(key -> RecipeTree.keys().contains(key.path()))
                .filteredOn(key -> !key.path().equals("objective.mean_span"))
                .allSatisfy(key -> assertThat(key.text()).isNotEmpty());
        assertThat(keys.stream().flatMap(key -> key.options().stream())).doesNotHaveDuplicates()
                .contains("--learning-rate", "--text", "--lora");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
            "train: {stepz: 4}|mine.yaml: a recipe has no key \"train.stepz\"; there are steps, epochs, batch, .*",
            "steps: 4|mine.yaml: a recipe has no key \"steps\"; did you mean train.steps\\?",
            "train: {steps: many}|mine.yaml: train.steps must be a whole number, found \"many\"",
            "train: {steps: 1.5}|mine.yaml: train.steps must be a whole number, found 1.5",
            "train: {learning_rate: .nan}|mine.yaml: train.learning_rate must be a number, found .*",
            "train: {clip: null}|mine.yaml: train.clip needs a value, found null",
            "train: 4|mine.yaml: train is a part with keys of its own \\(steps, epochs, .*\\), found 4",
            "data: {columns: {lable: x}}|mine.yaml: a recipe has no key \"data.columns.lable\"; there are text, .*",
            "a: [|mine.yaml, line 1: no YAML: .*",
            "just words|mine.yaml: a recipe has keys such as task, model and data, found STRING"})
    void what_a_recipe_cannot_say_is_told_with_its_key(String yaml, String message) {
        assertThatThrownBy(() -> Recipe.parse(yaml, "mine.yaml")).isInstanceOf(IllegalArgumentException.class)
                .hasMessageMatching("(?s)" + message);
    }

    @Test
    void the_recipes_beside_the_rooms_say_nothing_that_no_recipe_can_say() throws IOException {
        try (Stream<Path> files = Files.list(Path.of("../recipes"))) {
            assertThat(files.map(Recipe::read).toList()).hasSizeGreaterThan(5)
                    .allSatisfy(recipe -> assertThat(TrainingTask.of(recipe.task())).isNotNull());
        }
    }

    @Test
    void a_file_that_is_not_there_is_told() {
        assertThatThrownBy(() -> Recipe.read(Path.of("nowhere.yaml")))
                .hasMessage("nowhere.yaml: there is no such file");
    }

    @Test
    void a_value_of_another_kind_is_told_wherever_it_stands() {
        for (String key : List.of("train.seed", "train.steps", "train.rates.classifier", "evaluate.every")) {
            assertThatThrownBy(() -> Recipe.defaults().with(key, "abc")).hasMessageContaining(key + " must be a")
                    .hasMessageContaining("found \"abc\"");
        }
        assertThatThrownBy(() -> Recipe.parse("train: {rates: {classifier: fast}}", "r.yaml"))
                .hasMessageContaining("r.yaml: train.rates.classifier must be a number, found \"fast\"");
    }
}
