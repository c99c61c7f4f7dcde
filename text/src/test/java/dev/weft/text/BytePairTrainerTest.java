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
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.StringLength;
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

    /// What Hugging Face's `BpeTrainer` (tokenizers 0.23.2) learns from [TrainingText] with BERT's pre-tokenizer,
    /// `vocab_size=100`, `min_frequency=3`, `limit_alphabet=12`, `initial_alphabet=["z"]`, `max_token_length=5` and
    /// `end_of_word_suffix="</w>"`.
    private static final String WITH_SUFFIX = """
            <unk> , T a b e n s z À é T</w> n</w> e</w> é</w> a</w> s</w> À</w> b</w> ,</w> Àn bT ss né as ÀT aé ae ne sb \
            Àé TT be Àe Àb Às ns nb Té aa Te ab se ée éé na sT bb ÀÀ ÀÀn aT ÀbT nT sé ne</w> ee ÀT</w> Àb</w> ae</w> eT \
            ÀbTe</w> éT bs</w> nÀ</w> nb</w> nn</w> nT</w> ÀÀ</w> Àe</w> Às</w> né</w> Àé</w> aT</w> Àa</w> sb</w> bn</w> \
            as</w> ss</w> ns</w> Àn</w> aÀ</w> an</w> aé</w> bé sa</w> aa</w> se</w> sT</w> éT</w> sn</w> eb na</w> sÀ</w> \
            éb Te</w> éÀ</w> ab</w> éé</w> ea</w> an""";

    @Test
    void ends_of_words_alphabet_and_lengths_are_those_of_the_reference_trainer() {
        Tokenizer trained = BytePairTrainer.ofVocabSize(100, TrainingPipeline.bert(false)).withMinFrequency(3)
                .withSpecialTokens("<unk>").withLimitAlphabet(12).withInitialAlphabet("z")
                .withMaxTokenLength(5).withEndOfWordSuffix("</w>").train(TrainingText.lines());
        assertThat(IntStream.range(0, 100).mapToObj(trained::token))
                .containsExactlyInAnyOrder(WITH_SUFFIX.split(" "));
        assertThat(trained.encode("ÀbTe").tokens()).as("the longest that may be learned").containsExactly("ÀbTe</w>");
    }

    /// What the same trainer learns in its default form with `vocab_size=100` from words cut before each `▁`.
    private static final String MARKED = """
            ▁ À | ▁ T | ▁ n | ▁ a | ▁ b | ▁ e | ▁ s | ▁ , | ▁ é | T e | n À | s b | , a | n e | s s | , À | n é | T b | \
            , é | s e | n b | T À | T a | T é | , b | , e | n a | s é | s À | s a | é e | À b | é a | é b | e e | s T | \
            ▁À À | a a | À e | À a | , T | n n | T T | a b | é é | n , | b b | e b | T , | s , | À À | b Te | s n | e T | \
            nÀ bTe | ▁ÀÀ nÀbTe | é À | a , | é , | e À | a À | n T | é T | , , | e a | ▁é b | ▁e a | ▁s b | ▁n b | e , | \
            ▁À b | e é | ▁b a | T n | e n | é n | s ,a | ▁e b | ▁é a | À n | ▁s , | ▁b À | , n | ▁b b | ▁s a | ▁, b | \
            ▁T b | ▁e n | T s""";

    @Test
    void words_marked_by_their_beginning_are_merged_as_by_the_reference_trainer() {
        Tokenizer trained = BytePairTrainer.ofVocabSize(100, TrainingPipeline.metaspace()).withSpecialTokens("<unk>")
                .train(TrainingText.lines());
        assertThat(merges(trained)).containsExactly(MARKED.split(" \\| "));
    }

    private static final Tokenizer BYTES = BytePairTrainer.ofVocabSize(400).train(TrainingText.lines());
    private static final Tokenizer LLAMA = BytePairTrainer.llama(400).train(TrainingText.lines());

    @Property(tries = 200)
    void every_text_comes_back_from_bytes_and_with_bytes_to_fall_back_on(@ForAll @StringLength(max = 60) String any) {
        // A mark is a space to Llama.
        String text = Utf8.wellFormed(any).replace("\u2581", "_");
        for (Tokenizer tokenizer : List.of(BYTES, LLAMA)) {
            int[] ids = tokenizer.encode(text, false).ids();
            assertThat(Arrays.stream(ids)).allMatch(id -> id >= 0 && id < tokenizer.vocabSize());
            assertThat(tokenizer.decode(ids)).isEqualTo(text);
        }
    }

    @Test
    void a_llama_vocabulary_has_special_tokens_bytes_characters_and_merges_in_this_order() {
        assertThat(LLAMA.vocabSize()).isEqualTo(400);
        assertThat(LLAMA.encode("Te").tokens()).containsExactly("<s>", "▁Te");
        assertThat(List.of(LLAMA.token(0), LLAMA.token(3), LLAMA.token(258), LLAMA.token(259)))
                .containsExactly("<unk>", "<0x00>", "<0xFF>", ",");
        assertThat(LLAMA.specialTokens()).containsEntry("bos_token", "<s>").containsEntry("eos_token", "</s>");
    }

    @Test
    void the_order_of_files_makes_no_difference(@TempDir Path folder) throws IOException {
        List<String> lines = TrainingText.lines();
        Path first = Files.write(folder.resolve("a.txt"), lines.subList(0, 700));
        Path second = Files.write(folder.resolve("b.txt"), lines.subList(700, 1500));
        for (TokenizerTrainer trainer : List.of(BytePairTrainer.ofVocabSize(500), BytePairTrainer.llama(500),
                WordPieceTrainer.ofVocabSize(200), UnigramTrainer.ofVocabSize(200), new CharacterTrainer())) {
            assertThat(trainer.train(List.of(second, first)).json())
                    .isEqualTo(trainer.train(List.of(first, second)).json());
        }
    }

    @Test
    void a_long_line_without_spaces_is_learned_from_in_bounded_memory() {
        String line = new SplittableRandom(1).ints(12_000_000, 'a', 'a' + 4)
                .collect(StringBuilder::new, StringBuilder::appendCodePoint, StringBuilder::append).toString();
        WordCounts counts = WordCounts.of(Corpus.of(new StringReader(line)), TrainingPipeline.byteLevel(), 2,
                TrainingProgress.NONE);
        assertThat(Arrays.stream(counts.words()).mapToLong(String::length).sum()).isBetween(1L << 20, 1L << 22);
        assertThat(WordCounts.of(Corpus.of(new StringReader(line)), TrainingPipeline.byteLevel(), 1,
                TrainingProgress.NONE).words()).as("whatever the threads").isEqualTo(counts.words());
        Tokenizer trained = BytePairTrainer.ofVocabSize(280).train(new StringReader(line));
        assertThat(trained.vocabSize()).isEqualTo(280);
    }

    @Test
    void a_pair_that_grows_again_is_merged_in_its_turn() {
        // "abc" comes of "ab c" and of "a bc"; what follows it must be counted together.
        var words = new ArrayList<String>();
        List.of("abx", "bcx", "abcd", "zabcd", "bcd").forEach(
                word -> words.addAll(Collections.nCopies(13 - words.size() / 6, word)));
        Tokenizer trained = BytePairTrainer.ofVocabSize(262).train(words);
        assertThat(merges(trained)).isEqualTo(slowly(words, 6, 2, trained));
    }

    @Test
    void an_empty_text_is_refused(@TempDir Path folder) throws IOException {
        Path empty = Files.writeString(folder.resolve("empty.txt"), "");
        for (TokenizerTrainer trainer : List.of(BytePairTrainer.ofVocabSize(500), BytePairTrainer.llama(500),
                WordPieceTrainer.ofVocabSize(200), UnigramTrainer.ofVocabSize(200), new CharacterTrainer())) {
            assertThatThrownBy(() -> trainer.train(List.of(empty))).isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("it is empty, and nothing can be learned from it");
        }
        assertThatThrownBy(() -> BytePairTrainer.llama(262).train(List.of("abcd"))).hasMessage(
                "vocabSize 262 is too small: 3 special tokens, 256 bytes and 5 spellings of characters need 264; give at least that many, or limit the alphabet");
    }

    @Test
    void a_new_vocabulary_can_be_learned_for_the_pipeline_of_another_tokenizer() {
        Tokenizer bert = WordPieceTrainer.ofVocabSize(60).train(List.of("play playing played"));
        Tokenizer other = WordPieceTrainer.ofVocabSize(60).withSpecialTokens("[SEP]", "[UNK]", "[CLS]")
                .withPipeline(TrainingPipeline.of(bert)).train(List.of("say saying says says"));
        assertThat(other.encode("Says").tokens()).containsExactly("[CLS]", "says", "[SEP]");
        assertThat(other.encode("Says").ids()).startsWith(2).endsWith(0);
        Tokenizer bytes = BytePairTrainer.ofVocabSize(400, TrainingPipeline.of(BYTES)).train(TrainingText.lines());
        assertThat(bytes.json()).isEqualTo(BYTES.json());
        assertThatThrownBy(() -> TrainingPipeline.of(new CharacterTrainer().train(List.of("a"))))
                .isInstanceOf(IllegalArgumentException.class).hasMessageContaining("no pre-tokenizer");
    }
}
