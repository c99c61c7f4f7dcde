package dev.weft.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.StringReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class BytePairTrainerTest {
    @Property(tries = 100)
    void training_learns_the_merges_of_the_definition(@ForAll long seed) {
        var random = new Random(seed);
        var words = new ArrayList<String>();
        for (int i = 0; i < 40; i++) {
            words.add(random.ints(1 + random.nextInt(12), 'a', 'a' + 1 + random.nextInt(5)).collect(StringBuilder::new,
                    StringBuilder::appendCodePoint, StringBuilder::append).toString());
        }
        Tokenizer trained = BytePairTrainer.ofVocabSize(280).withSpecialTokens("<s>").withThreads(2).train(words);
        assertThat(merges(trained)).isEqualTo(slowly(words, 280 - 257, 2, trained));
    }

    /// Counts all pairs anew for every merge; of equals the one with the smaller ids.
    private static List<String> slowly(List<String> words, int count, int minFrequency, Tokenizer ids) {
        List<List<String>> all = new ArrayList<>();
        words.forEach(word -> all.add(new ArrayList<>(Arrays.asList(word.split("")))));
        var merges = new ArrayList<String>();
        while (merges.size() < count) {
            Map<List<String>, Integer> counts = new HashMap<>();
            for (List<String> word : all) {
                for (int i = 0; i + 1 < word.size(); i++) {
                    counts.merge(List.of(word.get(i), word.get(i + 1)), 1, Integer::sum);
                }
            }
            var best = counts.entrySet().stream().filter(entry -> entry.getValue() >= minFrequency)
                    .min(Comparator.comparing((Map.Entry<List<String>, Integer> entry) -> -entry.getValue())
                            .thenComparing(entry -> ids.id(entry.getKey().get(0)).orElseThrow())
                            .thenComparing(entry -> ids.id(entry.getKey().get(1)).orElseThrow()));
            if (best.isEmpty()) {
                break;
            }
            List<String> pair = best.get().getKey();
            merges.add(String.join(" ", pair));
            for (List<String> word : all) {
                for (int i = 0; i + 1 < word.size(); i++) {
                    if (word.get(i).equals(pair.get(0)) && word.get(i + 1).equals(pair.get(1))) {
                        word.set(i, word.get(i) + word.remove(i + 1));
                    }
                }
            }
        }
        return merges;
    }

    private static List<String> merges(Tokenizer tokenizer) {
        return new JsonMapper().readTree(tokenizer.json()).get("model").get("merges").values().stream()
                .map(JsonNode::stringValue).toList();
    }

    @Test
    void the_result_does_not_depend_on_threads_or_on_how_the_text_arrives(@TempDir Path folder) throws IOException {
        Path file = SharedData.path("tinyshakespeare/train.txt");
        var trainer = BytePairTrainer.ofVocabSize(1000).withSpecialTokens("<|endoftext|>");
        String text = Files.readString(file);
        String expected = trainer.withThreads(1).train(List.of(file)).json();
        assertThat(trainer.withThreads(7).train(List.of(file)).json()).isEqualTo(expected);
        assertThat(trainer.train(new StringReader(text)).json()).isEqualTo(expected);
        assertThat(trainer.train(List.of(text)).json()).isEqualTo(expected);
    }

    @Test
    void shakespeare_gives_as_many_tokens_as_asked_for() {
        Tokenizer trained = BytePairTrainer.ofVocabSize(4096)
                .train(List.of(SharedData.path("tinyshakespeare/train.txt")));
        assertThat(trained.vocabSize()).isEqualTo(4096);
        // The first of those that Hugging Face's BpeTrainer 0.23.2 learns from this text.
        assertThat(merges(trained)).startsWith("Ġ t", "h e", "Ġ a", "o u", "Ġ s", "Ġ m", "i n");
    }

    @Test
    void special_tokens_come_first_then_the_bytes_then_what_was_learned() {
        Tokenizer trained = BytePairTrainer.ofVocabSize(300).withSpecialTokens("<a>", "<b>").withThreads(1)
                .train(List.of("low low lower lowest"));
        assertThat(trained.token(0)).isEqualTo("<a>");
        assertThat(trained.token(1)).isEqualTo("<b>");
        assertThat(trained.token(2)).isEqualTo("!");
        assertThat(trained.token(258)).isEqualTo("lo");
        assertThat(trained.token(259)).isEqualTo("low");
        assertThat(trained.vocabSize()).as("no pair is left that occurs twice").isLessThan(300);
    }

    @Test
    void pairs_rarer_than_the_minimum_are_not_merged() {
        var corpus = List.of("abab abab cd");
        assertThat(merges(BytePairTrainer.ofVocabSize(300).withMinFrequency(3).withThreads(1).train(corpus)))
                .containsExactly("a b");
        assertThat(merges(BytePairTrainer.ofVocabSize(300).withMinFrequency(1).withThreads(1).train(corpus)))
                .contains("c d");
    }

    @Test
    void sizes_that_cannot_be_are_refused() {
        assertThatThrownBy(() -> BytePairTrainer.ofVocabSize(256).withSpecialTokens("<s>"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("vocabSize 256 is too small: 256 bytes and 1 special tokens need 257");
        assertThatThrownBy(() -> BytePairTrainer.ofVocabSize(300).withSpecialTokens("<s>", "<s>"))
                .isInstanceOf(IllegalArgumentException.class).hasMessage("special token \"<s>\" is given twice");
    }

    @Test
    void a_file_that_is_not_text_is_named(@TempDir Path folder) throws IOException {
        Path file = Files.write(folder.resolve("latin1.txt"), "Käse".getBytes(StandardCharsets.ISO_8859_1));
        assertThatThrownBy(() -> BytePairTrainer.ofVocabSize(300).train(List.of(file)))
                .hasMessageContaining(file.toString()).hasMessageContaining("UTF-8");
        assertThatThrownBy(() -> new CharacterTrainer().train(List.of(file))).hasMessageContaining(file.toString())
                .hasMessageContaining("UTF-8");
    }
}
