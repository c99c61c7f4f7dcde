package dev.weft.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import dev.weft.text.Truncation.Side;
import dev.weft.text.Truncation.Strategy;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/// Truncation, windows and padding, beside Hugging Face's own library.
class LengthsTest {
    @TempDir
    private static Path folder;
    private static Tokenizer tokenizer;

    @BeforeAll
    static void train() throws IOException {
        Tokenizer bytes = BytePairTrainer.ofVocabSize(500).withSpecialTokens("<s>", "</s>", "<pad>")
                .train(IntStream.range(0, 200).mapToObj(seed -> Texts.wellFormed(new Random(seed))).toList());
        ObjectNode json = (ObjectNode) new JsonMapper().readTree(bytes.json());
        json.set("post_processor", new JsonMapper().readTree("""
                {"type": "TemplateProcessing",
                 "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}},
                            {"SpecialToken": {"id": "</s>", "type_id": 0}}],
                 "pair": [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}},
                          {"SpecialToken": {"id": "</s>", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}},
                          {"SpecialToken": {"id": "</s>", "type_id": 1}}],
                 "special_tokens": {"<s>": {"id": "<s>", "ids": [0], "tokens": ["<s>"]},
                                    "</s>": {"id": "</s>", "ids": [1], "tokens": ["</s>"]}}}"""));
        Files.writeString(folder.resolve("tokenizer.json"), json.toString());
        Files.writeString(folder.resolve("tokenizer_config.json"),
                "{\"pad_token\": \"<pad>\", \"bos_token\": \"<s>\", \"padding_side\": \"left\", \"model_max_length\": 512}");
        tokenizer = Tokenizer.load(folder);
    }

    @Test
    void texts_are_cut_as_the_reference_library_cuts_them() {
        compared((random, pair, options) -> {
            Strategy strategy = Strategy.values()[random.nextInt(3)];
            Truncation truncation = Truncation.to(4 + random.nextInt(20)).with(strategy);
            options.optTruncation(true).optMaxLength(truncation.maxLength());
            switch (strategy) {
                case LONGEST_FIRST -> {
                }
                case ONLY_FIRST -> options.optTruncateFirstOnly();
                case ONLY_SECOND -> options.optTruncateSecondOnly();
            }
            Tokenizer cutting = tokenizer.with(truncation);
            return (first, second) -> List
                    .of(second == null ? cutting.encode(first) : cutting.encodePair(first, second));
        });
    }

    @Test
    void windows_are_those_of_the_reference_library() {
        compared((random, pair, options) -> {
            Strategy strategy = Strategy.values()[random.nextInt(3)];
            int stride = random.nextInt(4);
            var windows = Truncation.windows(stride + 5 + random.nextInt(20), stride).with(strategy);
            options.optTruncation(true).optMaxLength(windows.maxLength()).optStride(stride)
                    .optWithOverflowingTokens(true);
            // A single text is always spread here.
            switch (pair ? strategy : Strategy.ONLY_FIRST) {
                case LONGEST_FIRST -> {
                }
                case ONLY_FIRST -> options.optTruncateFirstOnly();
                case ONLY_SECOND -> options.optTruncateSecondOnly();
            }
            WindowTokenizer spreading = tokenizer.with(windows);
            return (first, second) -> second == null ? spreading.encode(first) : spreading.encodePair(first, second);
        });
    }

    private interface Ours {
        List<Encoding> encode(String first, String second);
    }

    private interface Setting {
        Ours choose(Random random, boolean pair, HuggingFaceTokenizer.Builder options);
    }

    private static void compared(Setting setting) {
        var random = new Random(Long.getLong("weft.test.seed", 2017));
        int refused = 0;
        for (int i = 0; i < 150; i++) {
            try {
                HuggingFaceTokenizer.Builder options = HuggingFaceTokenizer.builder()
                        .optTokenizerPath(folder.resolve("tokenizer.json")).optPadding(false);
                String first = Texts.wellFormed(random);
                String second = random.nextBoolean() ? Texts.wellFormed(random) : null;
                Ours ours = setting.choose(random, second != null, options);
                try (HuggingFaceTokenizer theirs = options.build()) {
                    List<Encoding> found;
                    try {
                        found = ours.encode(first, second);
                    } catch (IllegalArgumentException e) {
                        refused++;
                        if (e.getMessage().contains("stride")) {
                            // This ends the process there.
                            continue;
                        }
                        assertThatThrownBy(() -> theirs(theirs, first, second)).as(e.getMessage())
                                .isInstanceOf(RuntimeException.class);
                        continue;
                    }
                    List<ai.djl.huggingface.tokenizers.Encoding> expected = theirs(theirs, first, second);
                    // Theirs hands out what was cut off, asked or not.
                    if (found.size() > 1) {
                        assertThat(found).hasSameSizeAs(expected);
                    }
                    same(found, expected);
                }
            } catch (LinkageError | IOException e) {
                Assumptions.abort("the native library of ai.djl.huggingface:tokenizers does not load here: " + e);
            }
        }
        assertThat(refused).isLessThan(75);
    }

    private static List<ai.djl.huggingface.tokenizers.Encoding> theirs(HuggingFaceTokenizer theirs, String first,
            String second) {
        var main = second == null ? theirs.encode(first, true, true) : theirs.encode(first, second, true, true);
        return Stream.concat(Stream.of(main), Arrays.stream(main.getOverflowing())).toList();
    }

    private static void same(List<Encoding> ours, List<ai.djl.huggingface.tokenizers.Encoding> theirs) {
        for (int i = 0; i < ours.size(); i++) {
            Encoding mine = ours.get(i);
            assertThat(longs(mine.ids())).isEqualTo(theirs.get(i).getIds());
            assertThat(longs(mine.typeIds())).isEqualTo(theirs.get(i).getTypeIds());
            assertThat(longs(mine.wordIds())).isEqualTo(theirs.get(i).getWordIds());
            assertThat(longs(mine.attentionMask())).isEqualTo(theirs.get(i).getAttentionMask());
        }
    }

    private static long[] longs(int[] ints) {
        return Arrays.stream(ints).asLongStream().toArray();
    }

    @Test
    void windows_share_their_stride_and_together_hold_every_token_in_its_place() {
        String question = "How long?";
        String page = "The warp is tied to the loom. ".repeat(20);
        Encoding whole = tokenizer.encodePair(question, page);

        List<Encoding> windows = tokenizer.with(Truncation.windows(40, 10)).encodePair(question, page);

        int asked = tokenizer.encode(question, false).size();
        int done = asked + 2;
        for (Encoding window : windows) {
            assertThat(window.size()).isLessThanOrEqualTo(40);
            for (int i = asked + 2; i < window.size() - 1; i++) {
                int at = done - (done > asked + 2 ? 10 : 0) + i - asked - 2;
                assertThat(window.starts()[i]).isEqualTo(whole.starts()[at]);
                assertThat(window.ids()[i]).isEqualTo(whole.ids()[at]);
            }
            done += window.size() - asked - 3 - (done > asked + 2 ? 10 : 0);
        }
        assertThat(done).isEqualTo(whole.size() - 1);
    }

    @Test
    void the_left_end_can_be_cut_and_spread_too() {
        String text = "over and under and over and under";
        int[] all = tokenizer.encode(text, false).ids();

        int[] cut = tokenizer.with(Truncation.to(6).at(Side.LEFT)).encode(text).ids();
        List<Encoding> windows = tokenizer.with(Truncation.windows(6, 1).at(Side.LEFT)).encode(text);

        assertThat(Arrays.copyOfRange(cut, 1, 5)).isEqualTo(Arrays.copyOfRange(all, all.length - 4, all.length));
        assertThat(windows.getFirst().ids()).isEqualTo(cut);
        assertThat(windows.getLast().starts()[1]).isZero();
    }

    @Test
    void a_batch_is_filled_up_to_its_longest_text_or_a_multiple_at_either_end() {
        List<String> texts = List.of("a", "a b c d e f g", "");
        int longest = tokenizer.encode(texts.get(1)).size();

        List<Encoding> batch = tokenizer.with(Padding.longest().multipleOf(8).at(tokenizer.paddingSide()))
                .encodeAll(texts);

        assertThat(batch).allSatisfy(each -> assertThat(each.size()).isEqualTo(Math.ceilDiv(longest, 8) * 8));
        for (int i = 0; i < texts.size(); i++) {
            Encoding alone = tokenizer.encode(texts.get(i));
            int padding = batch.get(i).size() - alone.size();
            assertThat(Arrays.copyOfRange(batch.get(i).ids(), padding, batch.get(i).size())).isEqualTo(alone.ids());
            assertThat(Arrays.stream(batch.get(i).attentionMask()).sum()).isEqualTo(alone.size());
            assertThat(batch.get(i).attentionMask()[0]).isEqualTo(padding > 0 ? 0 : 1);
            assertThat(batch.get(i).ids()[0]).isEqualTo(padding > 0 ? 2 : 0);
        }
        assertThat(tokenizer.with(Padding.to(12)).encode("a").size()).isEqualTo(12);
    }

    @Test
    void words_that_came_apart_keep_their_numbers_and_their_own_places() {
        List<String> words = List.of("EU", "rejects", "German👋🏽", "call");

        Encoding encoding = tokenizer.encodeWords(words);

        var read = new StringBuilder[]{new StringBuilder(), new StringBuilder(), new StringBuilder(),
                new StringBuilder()};
        for (int i = 1; i < encoding.size() - 1; i++) {
            int word = encoding.wordIds()[i];
            int done = read[word].length();
            read[word].append(words.get(word), Math.max(done, encoding.starts()[i]),
                    Math.max(done, encoding.ends()[i]));
        }
        assertThat(read).extracting(StringBuilder::toString).containsExactlyElementsOf(words);
        assertThat(encoding.wordIds()).startsWith(-1, 0).endsWith(3, -1);
    }

    @Test
    void many_texts_at_once_give_what_each_gives_alone() {
        var random = new Random(5);
        List<String> texts = Stream.generate(() -> Texts.wellFormed(random)).limit(300).toList();

        List<Encoding> all = tokenizer.encodeAll(texts);

        for (int i = 0; i < texts.size(); i++) {
            assertThat(all.get(i).ids()).isEqualTo(tokenizer.encode(texts.get(i)).ids());
        }
    }

    @Test
    void tokens_are_added_at_run_time_and_written_with_the_rest() throws IOException {
        Tokenizer more = tokenizer.withAddedTokens(true, "<|user|>", "<s>").withAddedTokens(false, "loomery");

        assertThat(more.vocabSize()).isEqualTo(tokenizer.vocabSize() + 2);
        int[] ids = more.encode("a<|user|>loomery", false).ids();
        assertThat(Arrays.copyOfRange(ids, 1, 3)).containsExactly(tokenizer.vocabSize(), tokenizer.vocabSize() + 1);
        assertThat(more.decode(ids, true)).isEqualTo("aloomery");
        more.save(folder.resolve("more"));
        assertThat(Tokenizer.load(folder.resolve("more")).encode("a<|user|>loomery", false).ids()).isEqualTo(ids);
    }

    @Test
    void the_configuration_beside_a_vocabulary_settles_which_tokens_are_special() throws IOException {
        Path settled = Files.createDirectories(folder.resolve("settled"));
        Files.copy(folder.resolve("tokenizer.json"), settled.resolve("tokenizer.json"));
        Files.writeString(settled.resolve("tokenizer_config.json"), """
                {"eos_token": {"__type": "AddedToken", "content": "<end>", "lstrip": true, "normalized": false},
                 "additional_special_tokens": ["<one>"],
                 "added_tokens_decoder": {"1": {"content": "</s>", "lstrip": false, "rstrip": true, "single_word": false,
                    "normalized": false, "special": true}, "900": {"content": "<far>", "special": false}}}""");
        Files.writeString(settled.resolve("special_tokens_map.json"), "{\"eos_token\": \"</s>\"}");

        Tokenizer listed = Tokenizer.load(settled);
        int size = tokenizer.vocabSize();
        assertThat(listed.specialTokens()).containsEntry("eos_token", "<end>");
        assertThat(listed.encode("a</s>  <end><one><far>", false).ids()).endsWith(1, size + 1, size + 2, size);
        assertThat(listed.isSpecial(size)).isFalse();
        assertThat(listed.isSpecial(size + 2)).isTrue();

        Files.writeString(settled.resolve("tokenizer_config.json"), "{\"eos_token\": \"<s>\"}");
        assertThat(Tokenizer.load(settled).specialTokens()).containsEntry("eos_token", "</s>");
    }

    @Test
    void lengths_without_room_are_refused_with_the_numbers() {
        assertThatThrownBy(() -> tokenizer.with(Truncation.to(2)).encode("a")).hasMessage(
                "max_length 2 has no room for text: this tokenizer puts 2 special tokens around it");
        assertThatThrownBy(() -> Truncation.to(0)).hasMessageContaining("asked for 0");
        assertThatThrownBy(() -> Truncation.windows(8, 8)).hasMessageContaining("found a stride of 8");
        assertThatThrownBy(() -> tokenizer.with(Truncation.windows(8, 6)).encode("a b c d e f g h i j k"))
                .hasMessageContaining("windows of 8 tokens leave 6 for the text, not more than the stride of 6");
        assertThatThrownBy(() -> tokenizer.with(Truncation.to(5).with(Strategy.ONLY_SECOND)).encode("a b c d e f g"))
                .hasMessageContaining("there is no second text");
        assertThatThrownBy(
                () -> tokenizer.with(Truncation.to(5).with(Strategy.ONLY_SECOND)).encodePair("a b c d e f g", "h"))
                .hasMessageContaining("are too many for max_length 5, and the second text has only 1 to give");
        assertThatThrownBy(() -> new CharacterTrainer().train(List.of("abc")).with(Padding.longest()))
                .hasMessageContaining("has no pad_token");
        assertThatThrownBy(() -> tokenizer.encodeAllPairs(List.of("a"), List.of()))
                .hasMessageContaining("found 1 and 0");
    }

    @Test
    void a_configuration_with_wrong_names_for_ids_is_refused() throws IOException {
        Path wrong = Files.createDirectories(folder.resolve("wrong"));
        Files.copy(folder.resolve("tokenizer.json"), wrong.resolve("tokenizer.json"));
        Files.writeString(wrong.resolve("tokenizer_config.json"),
                "{\"added_tokens_decoder\": {\"x\": {\"content\": \"a\"}}}");

        assertThatThrownBy(() -> Tokenizer.load(wrong))
                .hasMessageContaining(
                        "tokenizer_config.json: added_tokens_decoder: expected an id from 0 to 8388607 as name, found \"x\"");
        assertThat(tokenizer.modelMaxLength()).hasValue(512);
    }
}
