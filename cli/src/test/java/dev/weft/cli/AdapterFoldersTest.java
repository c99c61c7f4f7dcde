package dev.weft.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.weft.models.Models;
import dev.weft.run.pipeline.Pipelines;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Whatever opens a model opens an adapter over the model that it names, and answers as the two merged.
class AdapterFoldersTest {
    @TempDir
    static Path root;

    @BeforeAll
    static void train() throws IOException {
        TrainingFaultsTest.write(root);
        Files.writeString(root.resolve("talk.jsonl"), """
                {"messages": [{"role": "user", "content": "say"}, {"role": "assistant", "content": "it"}]}
                """.repeat(24));
        String recipe = root.resolve("tiny.yaml").toString();
        done("train", "--recipe", recipe, "--out", at("classifier"));
        done("train", "--recipe", recipe, "--task", "chat", "--train", "talk.jsonl", "--dev", "talk.jsonl", "--out",
                at("talker"), "--set", "model.config.model_type=llama", "--tokenizer", "bpe", "--vocab-size", "300",
                "--max-length", "64");
        done("finetune", at("classifier"), "--recipe", recipe, "--out", at("rater"), "--lora", "rank=2", "--set",
                "train.learning_rate=0.5", "--steps", "8", "--set", "model.layers=null", "--set", "model.hidden=null",
                "--set", "model.heads=null", "--set", "tokenizer.from=null");
        done("finetune", at("talker"), "--chat", at("talk.jsonl"), "--dev", at("talk.jsonl"), "--out", at("assistant"),
                "--lora", "rank=2", "--steps", "4", "--learning-rate", "0.3", "--set", "train.precision=float32");
        for (String adapter : List.of("rater", "assistant")) {
            done("merge", at(adapter.equals("rater") ? "classifier" : "talker"), at(adapter), "--out",
                    at("merged-" + adapter));
        }
    }

    private static String at(String name) {
        return root.resolve(name).toString();
    }

    private static Ran done(String... arguments) {
        Ran ran = Ran.weft(arguments);
        assertThat(ran.status()).as(ran.err()).isZero();
        return ran;
    }

    @Test
    void a_task_is_run_over_an_adapter_as_over_the_merged_model() throws IOException {
        Path texts = Files.writeString(root.resolve("texts.txt"), "film 1 was good\nfilm 2 was dull\n");
        var found = new ArrayList<String>();
        for (String folder : List.of("rater", "merged-rater", "classifier")) {
            found.add(done("run", "text-classification", at(folder), texts.toString()).out()
                    .replaceAll("(0\\.\\d{3})\\d*", "$1"));
        }

        assertThat(found.get(0)).isEqualTo(found.get(1)).isNotEqualTo(found.get(2));
        try (var pipeline = Pipelines.textClassification(root.resolve("rater"))) {
            assertThat(pipeline.classify("film 1 was good").label()).isIn("yes", "no");
        }
    }

    @Test
    void texts_and_answers_come_from_an_adapter_as_from_the_merged_model() throws IOException {
        String[] prompt = {"--prompt", "say", "--max-new-tokens", "6", "--temperature", "0"};
        var told = new ArrayList<String>();
        for (String folder : List.of("assistant", "merged-assistant")) {
            told.add(done(joined(List.of("generate", at(folder)), prompt)).out());
            try (var chat = Pipelines.chat(root.resolve(folder))) {
                assertThat(chat.defaults().limits().endIds()).isNotEmpty();
            }
        }

        assertThat(told.get(0)).isEqualTo(told.get(1)).startsWith("say");
        assertThat(done("info", at("assistant")).out()).contains("LORA", at("talker"), "LlamaForCausalLM", "chat");
        assertThat(done("info", at("rater")).out()).contains("text-classification");
    }

    private static String[] joined(List<String> first, String... more) {
        var all = new ArrayList<>(first);
        all.addAll(List.of(more));
        return all.toArray(String[]::new);
    }

    @Test
    void an_adapter_as_peft_leaves_it_has_its_tokenizer_and_template_from_the_base() throws IOException {
        Path bare = Files.createDirectories(root.resolve("bare"));
        for (String file : List.of("adapter_config.json", "adapter_model.safetensors")) {
            Files.copy(root.resolve("assistant").resolve(file), bare.resolve(file));
        }

        assertThat(done("generate", bare.toString(), "--prompt", "say", "--max-new-tokens", "3").out())
                .startsWith("say");
        try (var chat = Pipelines.chat(bare)) {
            assertThat(chat.defaults()).isNotNull();
        }
    }

    @Test
    void an_adapter_whose_base_is_not_here_says_what_to_do() throws IOException {
        Path lost = Files.createDirectories(root.resolve("lost"));
        Files.copy(root.resolve("rater/adapter_model.safetensors"), lost.resolve("adapter_model.safetensors"));
        Files.writeString(lost.resolve("adapter_config.json"),
                Files.readString(root.resolve("rater/adapter_config.json")).replace(at("classifier"), "who/knows"));

        for (String[] command : List.of(new String[]{"run", "text-classification", lost.toString(), "-"},
                new String[]{"generate", lost.toString(), "--prompt", "a"}, new String[]{"info", lost.toString()},
                new String[]{"chat", lost.toString()}, new String[]{"eval", lost.toString(), "--text", "x"})) {
            Ran ran = Ran.weft(command);
            assertThat(ran.status()).isNotZero();
            assertThat(ran.refusal()).contains("is an adapter, and its base \"who/knows\" is no folder here",
                    "weft merge BASE " + lost);
        }
        assertThatThrownBy(() -> Models.load(lost))
                .hasMessageContaining("is an adapter, and its base \"who/knows\" is no folder here")
                .hasMessageContaining("weft merge BASE " + lost);
        assertThat(Ran.weft("finetune", at("rater"), "--train", "x.tsv", "--out", at("new")).refusal())
                .contains("weft merge");
    }
}
