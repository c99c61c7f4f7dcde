package dev.weft.text;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// Small models, one for each way that the trainer of SentencePiece 0.2.2 can go, with what its library makes of texts.
class SentencePieceTest {
    @TempDir
    private static Path folder;

    @TestFactory
    Stream<DynamicTest> a_model_of_each_kind_encodes_and_decodes_as_the_sentencepiece_library() {
        return Stream.of("bpe", "bpe-plain", "bpe-across", "unigram", "unigram-suffix", "unigram-folded", "char")
                .flatMap(name -> {
                    Tokenizer tokenizer = Tokenizer.load(model(name));
                    return lines(name).stream().map(json -> DynamicTest.dynamicTest(name + " " + json.get("text"),
                            () -> check(tokenizer, json)));
                });
    }

    @Test
    void a_saved_model_reads_long_runs_of_spaces_as_the_model_itself() {
        String text = "  the" + " ".repeat(50_000) + "river " + "x ".repeat(20) + " ".repeat(9_000);
        Tokenizer tokenizer = Tokenizer.load(model("unigram"));

        tokenizer.save(folder.resolve("saved"));

        assertThat(Tokenizer.load(folder.resolve("saved")).ids(text)).isEqualTo(tokenizer.ids(text));
    }

    private static void check(Tokenizer tokenizer, JsonNode json) {
        Encoding encoding = tokenizer.encode(json.get("text").stringValue());
        assertThat(encoding.tokens()).isEqualTo(
                json.get("pieces").values().stream().map(JsonNode::stringValue).toArray());
        int[] ids = json.get("ids").values().stream().mapToInt(JsonNode::intValue).toArray();
        assertThat(encoding.ids()).isEqualTo(ids);
        assertThat(tokenizer.decode(ids)).isEqualTo(json.get("decoded").stringValue());
    }

    static Path model(String name) {
        return resource(name + ".model");
    }

    private static Path resource(String name) {
        try (InputStream in = SentencePieceTest.class.getResourceAsStream("/sentencepiece/" + name)) {
            Path file = folder.resolve(name);
            if (!Files.exists(file)) {
                Files.copy(in, file);
            }
            return file;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static List<JsonNode> lines(String name) {
        try (Stream<String> lines = Files.lines(resource(name + ".jsonl"), StandardCharsets.UTF_8)) {
            return lines.map(new JsonMapper()::readTree).toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
