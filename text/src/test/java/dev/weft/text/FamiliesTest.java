package dev.weft.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.function.IntUnaryOperator;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.json.JsonMapper;

/// What stands beside a vocabulary decides which ids its pieces have and what is put around a text. The expected ids are
/// those of the sentencepiece library, moved as the Python class of the family moves them.
class FamiliesTest {
    private static final List<String> TEXTS = List.of("the cat sat on a mat", " another hat  that was flat ", "ababab",
            "über 2012, naïve", "");

    @TempDir
    private Path folder;

    private Tokenizer pieces;
    private int count;

    @BeforeEach
    void readThePiecesAlone() throws IOException {
        Path alone = Files.createDirectory(folder.resolve("alone")).resolve("x.model");
        copy("family.model", alone);
        pieces = Tokenizer.load(alone);
        count = pieces.vocabSize();
        assertThat(pieces.token(0)).isEqualTo("<unk>");
        assertThat(pieces.token(2)).isEqualTo("</s>");
    }

    @Test
    void xlm_roberta_and_its_kin_have_the_ids_of_fairseq() throws IOException {
        Tokenizer roberta = family("sentencepiece.bpe.model", "{\"tokenizer_class\": \"XLMRobertaTokenizer\"}");
        expect(roberta, new int[]{0}, id -> id == 0 ? 3 : id + 1, new int[]{2});
        assertThat(roberta.id("<mask>")).hasValue(count + 1);
        assertThat(roberta.encode("the <mask>").tokens()).containsExactly("<s>", "▁the", " <mask>", "</s>");
        assertThat(roberta.encodePair("a", "the", true).tokens()).containsExactly("<s>", "▁a", "</s>", "</s>", "▁the",
                "</s>");
        Tokenizer camembert = family("sentencepiece.bpe.model", "{\"tokenizer_class\": \"CamembertTokenizer\"}");
        expect(camembert, new int[]{5}, id -> id == 0 ? 3 : id + 4, new int[]{6});
        assertThat(camembert.id("<mask>")).hasValue(count + 4);
        Tokenizer mbart = family("sentencepiece.bpe.model",
                "{\"tokenizer_class\": \"MBartTokenizer\", \"src_lang\": \"de_DE\"}");
        expect(mbart, new int[]{}, id -> id == 0 ? 3 : id + 1, new int[]{2, count + 1 + 2});
        assertThat(mbart.token(count + 1)).isEqualTo("ar_AR");
        assertThat(mbart.id("<mask>")).hasValue(count + 1 + 25);
        Tokenizer xglm = family("sentencepiece.bpe.model", "{\"tokenizer_class\": \"XGLMTokenizer\"}");
        expect(xglm, new int[]{2}, id -> id == 0 ? 3 : id + 1, new int[]{});
    }

    @Test
    void t5_ends_a_text_and_has_its_hundred_sentinels_last_first() throws IOException {
        for (String config : List.of("{\"tokenizer_class\": \"T5TokenizerFast\"}", "{}")) {
            Files.writeString(folder.resolve("config.json"), "{\"model_type\": \"t5\"}");
            Tokenizer t5 = family("spiece.model", config);
            expect(t5, new int[]{}, id -> id, new int[]{2});
            assertThat(t5.id("<extra_id_99>")).hasValue(count);
            assertThat(t5.id("<extra_id_0>")).hasValue(count + 99);
            assertThat(t5.encode("<extra_id_0>").ids()).containsExactly(count + 99, 2);
            assertThat(t5.decode(t5.ids("the cat <extra_id_1>"), true)).startsWith("the cat");
        }
    }

    @Test
    void pegasus_moves_its_pieces_by_103() throws IOException {
        Path model = folder.resolve("spiece.model");
        copy("family-t5.model", model);
        pieces = Tokenizer.load(model);
        settings("{\"tokenizer_class\": \"PegasusTokenizer\"}");
        Tokenizer pegasus = Tokenizer.load(folder);
        assertThat(pegasus.token(2)).isEqualTo("<mask_1>");
        assertThat(pegasus.token(104)).isEqualTo("<unk_102>");
        assertThat(pegasus.token(105)).isEqualTo("<unk>");
        expect(pegasus, new int[]{}, id -> id + 103, new int[]{1});
        copy("family.model", model);
        assertThatThrownBy(() -> Tokenizer.load(folder)).isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith(model + ": ").hasMessageContaining("pegasus");
    }

    @Test
    void llama_begins_a_text_unless_it_is_told_otherwise() throws IOException {
        expect(family("tokenizer.model", "{\"tokenizer_class\": \"LlamaTokenizer\"}"), new int[]{1}, id -> id,
                new int[]{});
        Tokenizer ending = family("tokenizer.model", """
                {"tokenizer_class": "LlamaTokenizer", "add_bos_token": false, "add_eos_token": true,
                 "added_tokens_decoder": {"%d": {"content": "<|x|>", "special": true, "rstrip": true}}}"""
                .formatted(count));
        expect(ending, new int[]{}, id -> id, new int[]{2});
        assertThat(ending.encode("<|x|> a", false).tokens()).containsExactly("<|x|> ", "▁a");
        Tokenizer young = family("tokenizer.model", "{\"tokenizer_class\": \"LlamaTokenizer\", \"legacy\": false}");
        assertThat(young.encode("a</s>a").tokens()).containsExactly("<s>", "▁a", "</s>", "a");
    }

    @Test
    void albert_takes_accents_and_capitals_away_first() throws IOException {
        Tokenizer albert = family("spiece.model", """
                {"tokenizer_class": "AlbertTokenizer", "cls_token": "<s>", "sep_token": "</s>", "bos_token": "<s>",
                 "eos_token": "</s>", "mask_token": "<mask>"}""");
        assertThat(albert.encode("``The  Cát''").tokens())
                .isEqualTo(albert.encode("\"the cat\"").tokens());
        assertThat(albert.encodePair("a", "a", true).typeIds()).containsExactly(0, 0, 0, 1, 1);
    }

    @Test
    void marian_cuts_with_the_source_and_takes_ids_from_the_common_vocabulary() throws IOException {
        var vocabulary = new JsonMapper().createObjectNode().put("</s>", 0).put("<unk>", 1).put(">>fra<<", 2)
                .put("▁only-target", 3);
        List<String> own = IntStream.range(3, count).mapToObj(pieces::token).toList();
        List<String> shared = own.stream().filter(piece -> !piece.equals("▁the")).toList();
        shared.forEach(piece -> vocabulary.put(piece, vocabulary.size()));
        vocabulary.put("<pad>", vocabulary.size());
        Files.writeString(folder.resolve("vocab.json"), vocabulary.toString());
        Tokenizer marian = family("source.spm", "{\"tokenizer_class\": \"MarianTokenizer\"}");
        Encoding encoding = marian.encode(">>fra<< the cat");
        assertThat(encoding.ids()[0]).isEqualTo(2);
        assertThat(encoding.ids()[encoding.size() - 1]).isZero();
        int[] plain = pieces.ids("the cat");
        assertThat(IntStream.of(Arrays.copyOfRange(encoding.ids(), 1, encoding.size() - 1)).toArray())
                .isEqualTo(IntStream.of(plain).map(id -> pieces.token(id).equals("▁the")
                        ? 1
                        : vocabulary.get(pieces.token(id)).intValue()).toArray());
    }

    @Test
    void gpt2_files_follow_the_settings_beside_them() throws IOException {
        Files.writeString(folder.resolve("vocab.json"),
                "{\"a\": 0, \"b\": 1, \"ab\": 2, \"Ġ\": 3, \"Ġa\": 4, \"</s>\": 5, \"<unk>\": 6}");
        Files.writeString(folder.resolve("merges.txt"), "#version: 0.2\na b\nĠ a\n");
        settings("{\"tokenizer_class\": \"GPT2Tokenizer\", \"add_bos_token\": true, \"add_prefix_space\": true, "
                + "\"bos_token\": {\"content\": \"</s>\"}, \"unk_token\": \"</s>\", \"eos_token\": \"</s>\"}");
        Tokenizer opt = Tokenizer.load(folder);
        assertThat(opt.encode("ab a").tokens()).containsExactly("</s>", "Ġ", "ab", "Ġa");
        assertThat(opt.specialTokens()).containsEntry("bos_token", "</s>");
        assertThat(opt.encode("</s>", false).ids()).containsExactly(5);
    }

    @Test
    void bert_files_follow_the_settings_beside_them() throws IOException {
        Files.writeString(folder.resolve("vocab.txt"),
                "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nThe\nthe\nCa\n##fé\nca\n##fe\n");
        settings("{\"tokenizer_class\": \"BertTokenizer\", \"do_lower_case\": false}");
        assertThat(Tokenizer.load(folder).encode("The Café").tokens()).containsExactly("[CLS]", "The", "Ca", "##fé",
                "[SEP]");
        settings("{\"tokenizer_class\": \"BertTokenizer\"}");
        assertThat(Tokenizer.load(folder).encode("The Café").tokens()).containsExactly("[CLS]", "the", "ca", "##fe",
                "[SEP]");
        settings("{\"tokenizer_class\": \"MPNetTokenizer\"}");
        assertThat(Tokenizer.load(folder).encodePair("the", "the", true).tokens()).containsExactly("[CLS]", "the",
                "[SEP]",
                "[SEP]", "the", "[SEP]");
    }

    /// `prefix`, the ids of the pieces moved, `suffix`; also from the saved file, here and in Hugging Face's library.
    private void expect(Tokenizer tokenizer, int[] prefix, IntUnaryOperator moved, int[] suffix) throws IOException {
        Path saved = folder.resolve("saved");
        tokenizer.save(saved);
        Tokenizer again = Tokenizer.load(saved);
        for (String text : TEXTS) {
            int[] expected = Stream.of(IntStream.of(prefix), IntStream.of(pieces.ids(text)).map(moved),
                    IntStream.of(suffix)).flatMapToInt(part -> part).toArray();
            assertThat(tokenizer.encode(text).ids()).as(text).isEqualTo(expected);
            assertThat(again.encode(text).ids()).as(text).isEqualTo(expected);
            assertThat(tokenizer.decode(tokenizer.ids(text), true)).isEqualTo(again.decode(again.ids(text), true));
        }
        try (var theirs = HuggingFaceTokenizer.builder().optTokenizerPath(saved.resolve("tokenizer.json"))
                .optTruncation(false).optPadding(false).build()) {
            for (String text : TEXTS) {
                assertThat(theirs.encode(text, true, false).getIds()).as(text)
                        .isEqualTo(Arrays.stream(tokenizer.encode(text).ids()).asLongStream().toArray());
            }
        } catch (LinkageError | IllegalStateException e) {
            Assumptions.abort("the native library of ai.djl.huggingface:tokenizers does not load here: " + e);
        }
    }

    private Tokenizer family(String modelName, String config) throws IOException {
        copy("family.model", folder.resolve(modelName));
        settings(config);
        return Tokenizer.load(folder);
    }

    private void settings(String config) throws IOException {
        Files.writeString(folder.resolve("tokenizer_config.json"), config);
    }

    private static void copy(String resource, Path to) throws IOException {
        Files.write(to, FamiliesTest.class.getResourceAsStream("/sentencepiece/" + resource).readAllBytes());
    }
}
