package dev.weft.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.weft.text.GgufVocabulary.Kind;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class GgufVocabularyTest {
    private static final List<String> BYTES = IntStream.range(0, 256)
            .mapToObj(b -> String.valueOf(ByteAlphabet.sorted()[b])).toList();

    @TempDir
    private Path folder;

    @Test
    void byte_pairs_with_merges_are_those_of_gpt2() throws IOException {
        Path merges = SharedData.path("tokenizers/gpt2/merges.txt");
        Tokenizer gpt2 = SharedData.tokenizer("gpt2");
        List<String> tokens = IntStream.range(0, gpt2.vocabSize()).mapToObj(gpt2::token).toList();
        List<Kind> kinds = tokens.stream().map(token -> token.equals("<|endoftext|>") ? Kind.CONTROL : Kind.NORMAL)
                .toList();
        Tokenizer gguf = Tokenizer.of(new GgufVocabulary("gpt2", "gpt-2", tokens, List.of(), kinds,
                Files.readAllLines(merges).stream().skip(1).filter(line -> !line.isEmpty()).toList(),
                Map.of("bos", 50256, "eos", 50256), Map.of(), new byte[0]));
        var random = new Random(1);
        for (int tries = 0; tries < 200; tries++) {
            String text = Texts.wellFormed(random);
            assertThat(gguf.encode(text).ids()).as(text).isEqualTo(gpt2.encode(text).ids());
        }
        assertThat(gguf.specialTokens()).containsEntry("eos_token", "<|endoftext|>");
    }

    @Test
    void unigrams_are_those_of_the_sentencepiece_model() throws IOException {
        Path file = folder.resolve("x.model");
        Files.write(file,
                GgufVocabularyTest.class.getResourceAsStream("/sentencepiece/family-t5.model").readAllBytes());
        SentencePieceModel model = SentencePieceModel.read(file, Files.readAllBytes(file));
        Tokenizer gguf = Tokenizer.of(new GgufVocabulary("t5", "default",
                model.pieces().stream().map(ScoredPiece::text).toList(),
                model.pieces().stream().map(piece -> (double) piece.score()).toList(),
                model.pieces().stream().map(piece -> Kind.valueOf(piece.kind().name())).toList(), List.of(),
                Map.of("eos", 1, "unknown", 2, "padding", 0), Map.of("eos", true, "remove_extra_whitespaces", true),
                new byte[0]));
        Tokenizer pieces = Tokenizer.load(file);
        for (String text : List.of("the cat  sat", " über 日本 foo_bar ", "aaaaaaa")) {
            assertThat(gguf.encode(text, false).ids()).isEqualTo(pieces.ids(text));
            assertThat(gguf.encode(text).ids()).endsWith(1);
        }
    }

    @Test
    void what_does_not_fit_together_is_said() {
        assertThatThrownBy(() -> Tokenizer.of(vocabulary("gpt2", "unheard-of", BYTES, List.of())))
                .isInstanceOf(IllegalArgumentException.class).hasMessageContaining("\"unheard-of\"");
        assertThatThrownBy(() -> Tokenizer.of(vocabulary("rwkv", "", BYTES, List.of())))
                .hasMessageContaining("\"rwkv\" is not known here; known are llama, gpt2, bert, t5");
        assertThatThrownBy(() -> Tokenizer.of(vocabulary("llama", "", BYTES, List.of())))
                .hasMessageContaining("has a score for each of its 256 tokens, found 0");
        assertThatThrownBy(() -> Tokenizer.of(vocabulary("gpt2", "", List.of("a", "b", "a"), List.of())))
                .hasMessage("the token \"a\" has two ids, 0 and 2");
        assertThatThrownBy(() -> Tokenizer.of(vocabulary("gpt2", "", BYTES, List.of("a bc"))))
                .hasMessageContaining("needs the token \"bc\"");
    }

    private static GgufVocabulary vocabulary(String model, String split, List<String> tokens, List<String> merges) {
        return new GgufVocabulary(model, split, tokens, List.of(), List.of(), merges, Map.of(), Map.of(), new byte[0]);
    }
}
