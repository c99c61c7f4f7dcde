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
import java.util.stream.Stream;
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
        Tokenizer gguf = Tokenizer.of(new GgufVocabulary("gpt2", "gpt2", "gpt-2", tokens, List.of(), kinds,
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
        Tokenizer gguf = Tokenizer.of(new GgufVocabulary("t5", "t5", "default",
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

    private static List<String> tokens(GgufVocabulary vocabulary, String text) {
        Tokenizer tokenizer = Tokenizer.of(vocabulary);
        return IntStream.of(tokenizer.ids(text)).mapToObj(tokenizer::token).toList();
    }

    @Test
    void a_mask_of_robertas_line_takes_the_space_before_it_along() {
        for (String split : List.of("roberta-bpe", "jina-v2-de", "modern-bert", "gpt-2")) {
            String mask = split.equals("modern-bert") ? "[MASK]" : "<mask>";
            List<String> tokens = Stream.concat(BYTES.stream(), Stream.of(mask)).toList();
            List<Kind> kinds = tokens.stream().map(token -> token.equals(mask) ? Kind.CONTROL : Kind.NORMAL).toList();
            var vocabulary = new GgufVocabulary("bert", "gpt2", split, tokens, List.of(), kinds, List.of(),
                    Map.of(), Map.of(), new byte[0]);
            assertThat(tokens(vocabulary, "a " + mask + " b")).containsExactly(split.equals("gpt-2")
                    ? new String[]{"a", "Ġ", mask, "Ġ", "b"}
                    : new String[]{"a", mask, "Ġ", "b"});
            assertThat(tokens(vocabulary, "a" + mask)).containsExactly("a", mask);
        }
    }

    private static GgufVocabulary pieces(String architecture, String model, List<String> tokens, List<Kind> kinds,
            boolean prefix) {
        return new GgufVocabulary(architecture, model, "default", tokens,
                IntStream.range(0, tokens.size()).mapToObj(id -> (double) -id).toList(), kinds, List.of(),
                Map.of("unknown", 0), Map.of("space_prefix", prefix, "bos", false, "eos", false), new byte[0]);
    }

    @Test
    void a_mask_of_xlm_roberta_takes_the_space_before_it_along() {
        List<String> found = tokens(pieces("bert", "t5", List.of("<unk>", "<mask>", "▁a", "▁", "a"),
                List.of(Kind.UNKNOWN, Kind.CONTROL, Kind.NORMAL, Kind.NORMAL, Kind.NORMAL), true), "a <mask> a");
        assertThat(found).containsExactly("▁a", "<mask>", "▁", "▁a");
    }

    @Test
    void white_space_behind_a_mark_of_phi_3_belongs_to_the_mark_and_to_no_other_familys() {
        List<String> tokens = List.of("<unk>", "<s>", "</s>", "▁a", "▁", "a", "<|end|>", "<0x0A>");
        List<Kind> kinds = List.of(Kind.UNKNOWN, Kind.CONTROL, Kind.CONTROL, Kind.NORMAL, Kind.NORMAL, Kind.NORMAL,
                Kind.CONTROL, Kind.BYTE);
        assertThat(tokens(pieces("phi3", "llama", tokens, kinds, true), "<|end|>\n a</s> \n<s>\n"))
                .containsExactly("<|end|>", "▁a", "</s>", "<s>", "▁", "<0x0A>");
        assertThat(tokens(pieces("llama", "llama", tokens, kinds, true), "<|end|>\n"))
                .containsExactly("<|end|>", "▁", "<0x0A>");
        assertThat(Tokenizer.of(pieces("phi3", "llama", tokens, kinds, true)).decode(new int[]{3, 2, 6}, true))
                .isEqualTo("a</s>");
    }

    @Test
    void runs_of_spaces_that_a_user_defined_are_one_token() {
        List<String> tokens = List.of("<unk>", "▁▁", "▁▁▁", "\n\n", "▁a", "▁", "a", "\n");
        List<Kind> kinds = List.of(Kind.UNKNOWN, Kind.USER_DEFINED, Kind.USER_DEFINED, Kind.USER_DEFINED, Kind.NORMAL,
                Kind.NORMAL, Kind.NORMAL, Kind.NORMAL);
        assertThat(tokens(pieces("gemma", "llama", tokens, kinds, false), "a  a   a\n\n\na"))
                .containsExactly("a", "▁▁", "a", "▁▁▁", "a", "\n\n", "\n", "a");
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
        return new GgufVocabulary("", model, split, tokens, List.of(), List.of(), merges, Map.of(), Map.of(),
                new byte[0]);
    }
}
