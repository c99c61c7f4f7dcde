package dev.weft.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Tokenizers written as SentencePiece's models, alone and as Marian's folder.
class SentencePieceWritingTest {
    private static final Tokenizer UNIGRAM = UnigramTrainer.ofVocabSize(400).withPipeline(
            TrainingPipeline.sentencePiece()).train(TrainingText.lines());
    private static final Tokenizer PAIRS = BytePairTrainer.llama(600).withPipeline(TrainingPipeline.sentencePiece())
            .train(TrainingText.lines());

    @TempDir
    private Path folder;

    @ParameterizedTest
    @ValueSource(strings = {"bpe", "bpe-plain", "bpe-across", "unigram", "unigram-suffix", "unigram-folded", "char"})
    void a_model_that_was_read_is_written_with_the_same_pieces_and_rules(String name) throws IOException {
        byte[] before = SentencePieceTest.class.getResourceAsStream("/sentencepiece/" + name + ".model").readAllBytes();
        SentencePieceModel model = SentencePieceModel.read(Path.of(name), before);

        SentencePieceModel again = SentencePieceModel.read(Path.of(name), model.bytes());

        assertThat(again.pieces()).isEqualTo(model.pieces());
        assertThat(again.type()).isEqualTo(model.type());
        assertThat(again.byteFallback()).isEqualTo(model.byteFallback());
        assertThat(again.unkSurface()).isEqualTo(model.unkSurface());
        assertThat(again.rules()).usingRecursiveComparison().isEqualTo(model.rules());
    }

    @Test
    void a_trained_tokenizer_and_its_model_file_give_the_same_ids_and_texts() {
        for (Tokenizer trained : List.of(UNIGRAM, PAIRS)) {
            Path file = folder.resolve("a.model");
            trained.saveSentencePiece(file);
            Tokenizer read = Tokenizer.load(file);
            for (String line : lines()) {
                int[] ids = trained.ids(line);
                assertThat(read.ids(line)).as(line).isEqualTo(ids);
                assertThat(read.decode(ids)).isEqualTo(trained.decode(ids)).isEqualTo(line);
            }
        }
    }

    @Test
    void a_tokenizer_json_of_the_same_gives_the_same_ids() {
        for (Tokenizer trained : List.of(UNIGRAM, PAIRS)) {
            trained.save(folder);
            Tokenizer read = Tokenizer.load(folder);
            for (String line : lines()) {
                assertThat(read.encode(line).ids()).as(line).isEqualTo(trained.encode(line).ids());
            }
            Path file = folder.resolve("b.model");
            read.saveSentencePiece(file);
            Tokenizer model = Tokenizer.load(file);
            for (String line : lines()) {
                assertThat(model.ids(line)).as(line).isEqualTo(trained.ids(line));
            }
        }
    }

    @Test
    void marians_folder_has_its_own_order_and_comes_back_as_it_was() {
        Tokenizer marian = UNIGRAM.asMarian("en", "de");
        marian.save(folder);
        assertThat(folder.toFile().list()).containsExactlyInAnyOrder("source.spm", "target.spm", "vocab.json",
                "tokenizer_config.json", "special_tokens_map.json");
        Tokenizer read = Tokenizer.load(folder);
        assertThat(read.vocabSize()).isEqualTo(marian.vocabSize()).isEqualTo(UNIGRAM.vocabSize());
        assertThat(read.token(0)).isEqualTo("</s>");
        assertThat(read.token(1)).isEqualTo("<unk>");
        assertThat(read.token(read.vocabSize() - 1)).isEqualTo("<pad>");
        assertThat(read.specialTokens()).containsEntry("eos_token", "</s>").containsEntry("pad_token", "<pad>");
        Tokenizer model = Tokenizer.load(folder.resolve("target.spm"));
        for (String line : lines()) {
            int[] ids = marian.encode(line).ids();
            assertThat(read.encode(line).ids()).as(line).isEqualTo(ids).endsWith(0);
            assertThat(read.decode(ids, true)).isEqualTo(line);
            assertThat(model.ids(line)).isEqualTo(marian.ids(line));
        }
        assertThat(read.encode("a \u4e16 b</s>").ids()).contains(1).isEqualTo(marian.encode("a \u4e16 b</s>").ids());

        read.save(folder.resolve("again"));
        assertThat(folder.resolve("again/source.spm")).hasSameBinaryContentAs(folder.resolve("source.spm"));
        assertThat(folder.resolve("again/vocab.json")).hasSameBinaryContentAs(folder.resolve("vocab.json"));
        assertThat(folder.resolve("again/tokenizer_config.json"))
                .hasSameBinaryContentAs(folder.resolve("tokenizer_config.json"));
    }

    @Test
    void pairs_of_bytes_serve_marian_too() {
        Tokenizer marian = PAIRS.asMarian("en", "de");
        marian.save(folder);
        Tokenizer read = Tokenizer.load(folder);
        String text = "The world \u4e16 of \ud83d\ude00";
        assertThat(read.encode(text).ids()).isEqualTo(marian.encode(text).ids()).doesNotContain(1);
        assertThat(read.decode(read.encode(text).ids(), true)).isEqualTo(text);
    }

    @Test
    void a_marian_folder_whose_languages_have_two_models_is_saved_as_one_json(@TempDir Path other) throws IOException {
        UNIGRAM.asMarian("en", "de").save(folder);
        PAIRS.saveSentencePiece(folder.resolve("target.spm"));
        Tokenizer.load(folder).save(other);
        assertThat(other.toFile().list()).containsExactlyInAnyOrder("tokenizer.json", "tokenizer_config.json");
    }

    @Test
    void what_a_model_file_cannot_say_is_refused_with_the_reason() {
        assertThatThrownBy(() -> UnigramTrainer.ofVocabSize(400).train(TrainingText.lines())
                .saveSentencePiece(folder.resolve("a.model")))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage(
                        "this tokenizer rewrites text by Nmt, which a SentencePiece model cannot say; train one with "
                                + "TrainingPipeline.sentencePiece()");
        assertThatThrownBy(() -> BytePairTrainer.ofVocabSize(400).train(TrainingText.lines()).asMarian("en", "de"))
                .hasMessageContaining("cuts words by ByteLevel");
        assertThatThrownBy(() -> BytePairTrainer.llama(600).train(TrainingText.lines()).asMarian("en", "de"))
                .hasMessageContaining("which this tokenizer does not");
        assertThatThrownBy(() -> WordPieceTrainer.ofVocabSize(400).withPipeline(TrainingPipeline.llama())
                .train(TrainingText.lines()).saveSentencePiece(folder.resolve("a.model")))
                .hasMessage("WordPiece is no model of SentencePiece");
        assertThatThrownBy(() -> UnigramTrainer.ofVocabSize(400).withPipeline(TrainingPipeline.sentencePiece())
                .withSpecialTokens("</s>").train(TrainingText.lines()))
                .hasMessage("no piece is left for the unknown, as <unk> is; SentencePiece needs one");
        assertThat(Files.exists(folder.resolve("a.model"))).isFalse();
    }

    /// No spaces at the ends or doubled, of which nothing is kept.
    private static List<String> lines() {
        return TrainingText.lines().stream().map(line -> line.strip().replaceAll(" +", " "))
                .filter(line -> !line.isEmpty()).limit(300).toList();
    }
}
