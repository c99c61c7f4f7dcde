package dev.weft.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CancellationException;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.CharRange;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class UnigramTrainerTest {
    /// Nats a character of the held-out Shakespeare, best cut, for 4,000 pieces learned by Hugging Face's
    /// `UnigramTrainer` (tokenizers 0.23.2; Metaspace, pieces of up to 16 characters) from the rest.
    private static final double REFERENCE = -2.0597;

    private static final Tokenizer BYTES = UnigramTrainer.ofVocabSize(450).withByteFallback(true)
            .train(TrainingText.lines());

    private static Map<String, Double> scores(Tokenizer tokenizer) {
        var scores = new HashMap<String, Double>();
        for (JsonNode entry : new JsonMapper().readTree(tokenizer.json()).get("model").get("vocab").values()) {
            scores.put(entry.get(0).stringValue(), entry.get(1).doubleValue());
        }
        return scores;
    }

    @Test
    void held_out_text_is_at_least_as_likely_as_under_the_reference_trainers_pieces() throws IOException {
        Tokenizer trained = UnigramTrainer.ofVocabSize(4002)
                .train(List.of(SharedData.path("tinyshakespeare/train.txt")));
        assertThat(trained.vocabSize()).isEqualTo(4002);
        Map<String, Double> scores = scores(trained);
        double sum = 0;
        long characters = 0;
        for (String line : Files.readAllLines(SharedData.path("tinyshakespeare/val.txt"))) {
            characters += line.length();
            for (String token : trained.encode(line, false).tokens()) {
                sum += scores.get(token);
            }
        }
        assertThat(sum / characters).isGreaterThan(REFERENCE * 1.01);
    }

    @Test
    void the_result_depends_neither_on_threads_nor_on_the_order_of_texts() {
        List<String> lines = TrainingText.lines();
        var trainer = UnigramTrainer.ofVocabSize(400);
        String expected = trainer.withThreads(1).train(lines).json();
        assertThat(trainer.withThreads(3).train(lines).json()).isEqualTo(expected);
        assertThat(trainer.withThreads(2).train(lines.reversed()).json()).isEqualTo(expected);
    }

    @Test
    void special_tokens_come_first_then_bytes_then_pieces_the_most_probable_first() {
        assertThat(BYTES.vocabSize()).isEqualTo(450);
        assertThat(BYTES.token(0)).isEqualTo("<pad>");
        assertThat(BYTES.token(1)).isEqualTo("</s>");
        assertThat(BYTES.token(3)).isEqualTo("<0x00>");
        assertThat(BYTES.token(258)).isEqualTo("<0xFF>");
        Map<String, Double> scores = scores(BYTES);
        for (int id = 260; id < 450; id++) {
            assertThat(scores.get(BYTES.token(id))).isLessThanOrEqualTo(scores.get(BYTES.token(id - 1)));
        }
        double probabilities = scores.values().stream().mapToDouble(score -> score).filter(score -> score < 0)
                .map(Math::exp).sum();
        assertThat(probabilities).isEqualTo(1, within(0.02));
        assertThat(BYTES.encode("ab").tokens()).endsWith("</s>");
    }

    @Property(tries = 200)
    void with_bytes_every_text_that_nfkc_leaves_alone_comes_back(
            @ForAll @CharRange(from = '!', to = '~') @CharRange(from = 'а', to = 'я') @CharRange(from = '一', to = '龥') String any) {
        String text = any + "👋🏽 é";
        int[] ids = BYTES.ids(text);
        assertThat(Arrays.stream(ids)).allMatch(id -> id >= 0 && id < BYTES.vocabSize());
        assertThat(BYTES.decode(ids)).isEqualTo(text);
    }

    @Test
    void what_was_saved_loads_as_the_same_tokenizer(@TempDir Path folder) {
        BYTES.save(folder);
        assertThat(Tokenizer.load(folder).json()).isEqualTo(BYTES.json());
        assertThat(Tokenizer.load(folder).specialTokens()).containsEntry("eos_token", "</s>")
                .containsEntry("pad_token", "<pad>").containsEntry("unk_token", "<unk>");
    }

    @Test
    void pieces_are_no_longer_than_allowed() {
        Tokenizer trained = UnigramTrainer.ofVocabSize(400).withMaxPieceLength(3).train(TrainingText.lines());
        assertThat(scores(trained).keySet()).filteredOn(piece -> !piece.startsWith("<"))
                .allMatch(piece -> piece.length() <= 3).anyMatch(piece -> piece.length() == 3);
    }

    @Test
    void a_size_below_the_alphabet_and_an_empty_text_are_refused() {
        assertThatThrownBy(() -> UnigramTrainer.ofVocabSize(6).train(List.of("abc")))
                .isInstanceOf(IllegalArgumentException.class).hasMessage(
                        "vocabSize 6 is too small: 3 special tokens and 4 spellings of characters need 7; give at least that many, or limit the alphabet");
        assertThatThrownBy(() -> UnigramTrainer.ofVocabSize(100).train(List.of("", " \n")))
                .isInstanceOf(IllegalArgumentException.class).hasMessageContaining("empty");
    }

    @Test
    void an_interrupted_thread_stops_learning() {
        var heard = new HashMap<String, Long>();
        assertThatThrownBy(() -> UnigramTrainer.ofVocabSize(300).train(Corpus.of(TrainingText.lines()),
                (step, done, total) -> {
                    heard.put(step, done);
                    if (step.startsWith("learning")) {
                        Thread.currentThread().interrupt();
                    }
                })).isInstanceOf(CancellationException.class).hasMessageContaining("interrupted");
        assertThat(Thread.interrupted()).as("the mark stays").isTrue();
        assertThat(heard).containsKeys("counting words", "finding pieces", "learning pieces");
    }

    @Test
    void digamma_is_that_of_the_tables() {
        // Abramowitz and Stegun, table 6.1.
        assertThat(UnigramLearner.digamma(1)).isEqualTo(-0.5772156649, within(1e-9));
        assertThat(UnigramLearner.digamma(1.5)).isEqualTo(0.0364899740, within(1e-9));
        assertThat(UnigramLearner.digamma(2)).isEqualTo(0.4227843351, within(1e-9));
    }
}
