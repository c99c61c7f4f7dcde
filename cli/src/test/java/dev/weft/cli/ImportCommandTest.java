package dev.weft.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.weft.models.Models;
import dev.weft.models.heads.PretrainedModel;
import dev.weft.run.pipeline.Pipelines;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ImportCommandTest {
    @TempDir
    Path folder;

    private Path onnx;
    private Path tokenizer;

    @BeforeEach
    void write() throws IOException {
        onnx = unpacked("bert-cls-script.onnx");
        tokenizer = folder.resolve("words.json");
        Files.writeString(tokenizer, """
                {"added_tokens": [{"id": 0, "content": "[PAD]", "special": true}], "pre_tokenizer": {"type": "WhitespaceSplit"},
                 "model": {"type": "WordLevel", "unk_token": "[PAD]", "vocab": {"[PAD]": 0, "wool": 1, "sea": 2, "good": 3}}}
                """);
    }

    private Path unpacked(String name) throws IOException {
        Path file = folder.resolve(name);
        try (var bytes = new GZIPInputStream(
                Files.newInputStream(Path.of("../models/src/test/resources/onnx", name + ".gz")))) {
            Files.write(file, bytes.readAllBytes());
        }
        return file;
    }

    private Ran imported(String... more) {
        String[] all = new String[6 + more.length];
        System.arraycopy(new String[]{"import", onnx.toString(), "--tokenizer", tokenizer.toString(), "--out",
                folder.resolve("out").toString()}, 0, all, 0, 6);
        System.arraycopy(more, 0, all, 6, more.length);
        return Ran.weft(all);
    }

    @Test
    void a_classifier_gets_its_labels_and_answers() {
        Ran ran = imported("--labels", "bad,fair,good");
        assertThat(ran.status()).as(ran.err()).isZero();
        assertThat(ran.out()).contains("BertForSequenceClassification");
        try (var classifier = Pipelines.textClassification(folder.resolve("out"))) {
            assertThat(classifier.classify("good wool").scores()).extracting(score -> score.label())
                    .containsExactlyInAnyOrder("bad", "fair", "good");
        }
    }

    @Test
    void an_encoder_becomes_a_model_of_sentence_vectors() throws IOException {
        onnx = unpacked("mpnet-dynamo.onnx");
        unpacked("mpnet-dynamo.onnx.data");
        Ran ran = imported("--pooling", "mean", "--normalize", "--max-length", "6");
        assertThat(ran.status()).as(ran.err()).isZero();
        try (var embedder = Pipelines.embeddings(folder.resolve("out"))) {
            float[] vector = embedder.embed("wool sea");
            double length = 0;
            for (float number : vector) {
                length += number * number;
            }
            assertThat(length).isBetween(0.99999, 1.00001);
            assertThat(embedder.truncating().embed("wool ".repeat(9))).isEqualTo(embedder.embed("wool ".repeat(6)));
        }
    }

    @Test
    void what_the_command_line_says_goes_before_what_the_graph_says() {
        Ran ran = imported("--set", "num_attention_heads=4", "--set", "hidden_act=relu");
        assertThat(ran.status()).as(ran.err()).isZero();
        try (PretrainedModel model = Models.load(folder.resolve("out"))) {
            assertThat(model.textBackbone().sizes().numAttentionHeads()).isEqualTo(4);
            assertThat(model.context().config().text("hidden_act")).isEqualTo("relu");
        }
    }

    @Test
    void what_cannot_be_is_refused_and_leaves_nothing() throws IOException {
        assertThat(imported("--normalize").refusal()).contains("go with --pooling");
        assertThat(imported("--pooling", "mean", "--max-length", "600").refusal()).contains("must be 2 to 16");
        assertThat(imported("--pooling", "middle").err()).contains("expected one of [mean, cls, max, last,")
                .doesNotContain("MEAN");
        Path words = tokenizer;
        tokenizer = onnx;
        assertThat(imported().refusal()).contains("--tokenizer takes a tokenizer.json or a folder", onnx.toString());
        tokenizer = words;
        Files.writeString(tokenizer, Files.readString(tokenizer).replace("\"good\": 3", "\"good\": 90"));
        assertThat(imported().refusal()).contains("they do not belong together");
        Files.writeString(onnx, "no file of this kind");
        assertThat(imported().refusal()).contains(onnx.toString());
        assertThat(folder.resolve("out")).doesNotExist();
    }

    @Test
    void labels_for_a_model_that_is_no_classifier_are_refused() throws IOException {
        onnx = unpacked("mpnet-dynamo.onnx");
        unpacked("mpnet-dynamo.onnx.data");
        assertThat(imported("--labels", "bad,good").refusal()).contains("--labels name what a classifier tells apart",
                "is none (MPNetModel)");
        assertThat(folder.resolve("out")).doesNotExist();
    }

    @Test
    void a_file_where_the_folder_is_to_be_is_refused_and_stays() throws IOException {
        Path out = Files.writeString(folder.resolve("out"), "mine");
        assertThat(imported().refusal()).contains("--out", "is a file; name the folder");
        assertThat(out).hasContent("mine");
    }
}
