package dev.weft.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.weft.text.Encoding;
import dev.weft.text.Tokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TokenizersTest {
    private static final List<String> WORDS = List.of("the", " The", "unaffable", "Straße", " ", "  ", "\n", "\t", "3",
            "12345", "é", "e\u0301", "你好", "日本語", "👋🏽", "مرحبا", "!?", "don't", "zzzzzzzzzz", "\u2581", "<0x41>",
            "ﬁ", "<|user|>", "<|end|>", "<|assistant|>", "</s>", "<s>", "<|endoftext|>");

    @TempDir
    private Path folder;

    @Test
    void the_vocabulary_in_a_gguf_file_of_phi_3_gives_the_ids_of_its_tokenizer_json() {
        Tokenizer gguf = Tokenizers.load(data("tokenizers/gguf/ggml-vocab-phi-3.gguf"));
        Tokenizer json = Tokenizers.load(data("tokenizers/phi-3-mini"));
        for (String text : texts()) {
            same(gguf.encode(text, false), json.encode(text, false), text);
            int[] ids = json.ids(text);
            assertThat(gguf.decode(ids)).as(text).isEqualTo(json.decode(ids));
            assertThat(gguf.decode(ids, true)).as(text).isEqualTo(json.decode(ids, true));
            // This file asks for <s> before a text.
            assertThat(gguf.encode(text).ids()).startsWith(1).hasSize(ids.length + 1);
        }
    }

    @Test
    void the_vocabulary_in_a_gguf_file_of_bert_gives_the_ids_of_its_tokenizer_json() {
        Tokenizer gguf = Tokenizers.load(data("tokenizers/gguf/ggml-vocab-bert-bge.gguf"));
        Tokenizer json = Tokenizers.load(data("tokenizers/bert-base-uncased"));
        for (String text : texts()) {
            same(gguf.encode(text), json.encode(text), text);
        }
    }

    @Test
    void a_file_that_is_not_one_is_named() throws IOException {
        Path file = Files.writeString(folder.resolve("no.gguf"), "GGUX this is not one");
        assertThatThrownBy(() -> Tokenizers.load(file)).isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith(file.toString());
    }

    private static void same(Encoding found, Encoding expected, String text) {
        assertThat(found.ids()).as(text).isEqualTo(expected.ids());
        assertThat(found.tokens()).as(text).isEqualTo(expected.tokens());
        assertThat(found.starts()).as(text).isEqualTo(expected.starts());
        assertThat(found.ends()).as(text).isEqualTo(expected.ends());
    }

    private static List<String> texts() {
        var random = new Random(5);
        return random.ints(200, 0, 30).mapToObj(parts -> random.ints(parts, 0, WORDS.size()).mapToObj(WORDS::get)
                .collect(Collectors.joining(random.nextBoolean() ? " " : ""))).collect(Collectors.toList());
    }

    private static Path data(String name) {
        Path path = Path.of(System.getProperty("weft.shared", "../../shared"), "data", name);
        Assumptions.assumeTrue(Files.exists(path), () -> path + " is not there; set -Dweft.shared to the data folder");
        return path;
    }
}
