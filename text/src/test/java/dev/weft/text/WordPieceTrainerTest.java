package dev.weft.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class WordPieceTrainerTest {
    /// What Hugging Face's `WordPieceTrainer` (tokenizers 0.23.2) learns from [TrainingText] with `vocab_size=128`,
    /// `min_frequency=2`, BERT's normalizer and pre-tokenizer. Between pairs that occur equally often it chooses anew in
    /// each run; in twelve runs these were the same.
    private static final String EXPECTED = """
            ##a ##aa ##aae ##ab ##abe ##abte ##ae ##aea ##aeb ##aee ##aen ##an ##ane ##as ##ase ##at ##atae ##b ##ba \
            ##bb ##be ##bn ##bt ##e ##ee ##eea ##eee ##eet ##n ##na ##nb ##ne ##nn ##nt ##s ##sa ##sb ##sba ##se ##sn \
            ##ss ##st ##t ##ta ##tb ##te ##tet ##tn ##ts ##tt , [CLS] [MASK] [PAD] [SEP] [UNK] a aa aaa aab aae aan \
            aanabte aat ab ae aeb aee aet an ane as ase ast at ate b ba baa bae bas bb be bn bs bt e ea eaa eae ean eas \
            eat eb ee eeb eee en ene es esb et n na naa nan nb ne nee nn ns nt s sa sb se sn ss st t ta tan tb te tee tn \
            ts tt""";

    private static List<String> vocabulary(Tokenizer tokenizer) {
        return IntStream.range(0, tokenizer.vocabSize()).mapToObj(tokenizer::token).toList();
    }

    @Test
    void the_vocabulary_is_that_of_the_reference_trainer() {
        List<String> learned = vocabulary(WordPieceTrainer.ofVocabSize(128).train(TrainingText.lines()));
        assertThat(learned).hasSize(128).containsExactlyInAnyOrder(EXPECTED.split(" "));
        assertThat(learned).as("ids: special tokens, characters, characters inside words, merges").startsWith("[PAD]",
                "[UNK]", "[CLS]", "[SEP]", "[MASK]", ",", "a", "b", "e", "n", "s", "t", "##a", "##b", "##e", "##n",
                "##s", "##t");
    }

    @Test
    void what_was_learned_frames_texts_as_bert_does_and_loads_again(@TempDir Path folder) {
        Tokenizer trained = WordPieceTrainer.ofVocabSize(60)
                .train(List.of("play playing played plays", "say saying says"));
        assertThat(trained.encode("Playing!").tokens()).startsWith("[CLS]", "play").endsWith("[UNK]", "[SEP]");
        trained.save(folder);
        Tokenizer loaded = Tokenizer.load(folder);
        assertThat(loaded.json()).isEqualTo(trained.json());
        assertThat(loaded.specialTokens()).containsEntry("unk_token", "[UNK]").containsEntry("cls_token", "[CLS]")
                .containsEntry("pad_token", "[PAD]").containsEntry("mask_token", "[MASK]")
                .containsEntry("sep_token", "[SEP]");
        assertThat(loaded.decode(loaded.ids("playing says"))).isEqualTo("playing says");
        Encoding pair = loaded.encodePair("play", "say");
        assertThat(pair.tokens()).containsExactly("[CLS]", "play", "[SEP]", "say", "[SEP]");
        assertThat(pair.typeIds()).containsExactly(0, 0, 0, 1, 1);
    }

    @Test
    void the_result_depends_neither_on_threads_nor_on_the_order_of_texts() {
        List<String> lines = TrainingText.lines();
        var trainer = WordPieceTrainer.ofVocabSize(300);
        String expected = trainer.withThreads(1).train(lines).json();
        assertThat(trainer.withThreads(3).train(lines).json()).isEqualTo(expected);
        assertThat(trainer.withThreads(2).train(lines.reversed()).json()).isEqualTo(expected);
    }

    @Test
    void a_size_below_the_alphabet_is_refused_with_the_size_that_is_needed() {
        assertThatThrownBy(() -> WordPieceTrainer.ofVocabSize(9).train(List.of("abc ab")))
                .isInstanceOf(IllegalArgumentException.class).hasMessage(
                        "vocabSize 9 is too small: 5 special tokens and 5 spellings of characters need 10; give at least that many, or limit the alphabet");
        assertThat(WordPieceTrainer.ofVocabSize(9).withLimitAlphabet(2).train(List.of("abc ab")).vocabSize())
                .isEqualTo(9);
    }

    @Test
    void the_token_for_the_unknown_must_be_there() {
        assertThatThrownBy(() -> WordPieceTrainer.ofVocabSize(100).withSpecialTokens("<unk>"))
                .hasMessage("WordPiece needs the special token \"[UNK]\", found only [<unk>]");
    }
}
