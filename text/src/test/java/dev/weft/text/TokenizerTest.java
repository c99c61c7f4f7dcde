package dev.weft.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.StringReader;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.json.JsonMapper;

class TokenizerTest {
    private static final String MARK = "<|endoftext|>";
    private static final Tokenizer BYTES = BytePairTrainer.ofVocabSize(500).withSpecialTokens(MARK, "<mask>")
            .train(IntStream.range(0, 200).mapToObj(seed -> Texts.wellFormed(new Random(seed))).toList());

    @Property(tries = 500)
    void bytes_decode_to_the_text_they_came_from(@ForAll("texts") String text) {
        assertThat(BYTES.decode(BYTES.ids(text))).isEqualTo(Utf8.wellFormed(text));
    }

    @Property(tries = 500)
    void the_fast_way_gives_the_ids_of_the_whole_encoding(@ForAll("texts") String text) {
        assertThat(BYTES.ids(text)).isEqualTo(BYTES.encode(text, false).ids());
    }

    @Property(tries = 500)
    void places_lie_on_whole_characters_and_cover_the_text(@ForAll("texts") String text) {
        Encoding encoding = BYTES.encode(text);
        int done = 0;
        for (int i = 0; i < encoding.size(); i++) {
            // A character of several tokens is repeated for each of them.
            assertThat(encoding.starts()[i]).isLessThanOrEqualTo(done);
            assertThat(encoding.ends()[i]).isGreaterThanOrEqualTo(done).isGreaterThan(encoding.starts()[i]);
            done = encoding.ends()[i];
            String part = text.substring(encoding.starts()[i], done);
            if (Utf8.wellFormed(text).equals(text)) {
                assertThat(Utf8.wellFormed(part)).isEqualTo(part);
            }
        }
        assertThat(done).isEqualTo(text.length());
    }

    @Property(tries = 500)
    void a_stream_gives_the_decoded_text_and_never_half_a_character(@ForAll("texts") String text,
            @ForAll long seed) {
        int[] ids = BYTES.ids(text);
        int[] odd = new Random(seed).ints(30, 0, BYTES.vocabSize()).toArray();
        for (int[] stream : List.of(ids, odd)) {
            StreamingDecoder decoder = BYTES.streamingDecoder(true);
            var streamed = new StringBuilder();
            for (int id : stream) {
                String certain = decoder.push(id);
                assertThat(Utf8.wellFormed(certain)).isEqualTo(certain);
                streamed.append(certain);
            }
            assertThat(streamed.append(decoder.flush()).toString()).isEqualTo(BYTES.decode(stream, true));
        }
        StreamingDecoder decoder = BYTES.streamingDecoder(false);
        if (Utf8.wellFormed(text).equals(text) && !text.contains("\uFFFD")) {
            Arrays.stream(ids).forEach(id -> assertThat(decoder.push(id)).doesNotContain("\uFFFD"));
        }
    }

    @Property(tries = 300)
    void pieces_of_a_text_have_the_ids_of_the_whole(@ForAll("texts") String a, @ForAll("texts") String b,
            @ForAll @IntRange(min = 1, max = 60) int target) throws Exception {
        String text = a + b;
        for (Tokenizer tokenizer : List.of(BYTES, withStrips(), withPrefixSpace(), CHARACTERS)) {
            var pieces = new ArrayList<String>();
            tokenizer.pieces(new StringReader(text), target).forEachRemaining(pieces::add);
            assertThat(String.join("", pieces)).isEqualTo(text);
            assertThat(pieces).doesNotContain("");
            assertThat(pieces.stream().flatMapToInt(piece -> Arrays.stream(tokenizer.ids(piece))).toArray())
                    .as("pieces %s", pieces).isEqualTo(tokenizer.ids(text));
        }
    }

    @Property(tries = 300)
    void pieces_are_cut_so_for_other_families_too(@ForAll("texts") String a, @ForAll("texts") String b,
            @ForAll @IntRange(min = 1, max = 60) int target) {
        String text = a + " " + b;
        for (Tokenizer tokenizer : OTHER_FAMILIES) {
            var pieces = new ArrayList<String>();
            tokenizer.pieces(new StringReader(text), target).forEachRemaining(pieces::add);
            assertThat(String.join("", pieces)).isEqualTo(text);
            assertThat(pieces.stream().flatMapToInt(piece -> Arrays.stream(tokenizer.ids(piece))).toArray())
                    .as("pieces %s", pieces).isEqualTo(tokenizer.ids(text));
            var words = new ArrayList<String>();
            tokenizer.pieces(new StringReader("word ".repeat(50)), 10).forEachRemaining(words::add);
            assertThat(words).as("there is a safe place to cut").hasSizeGreaterThan(20);
        }
    }

    private static final List<Tokenizer> OTHER_FAMILIES = Stream
            .of("""
                    "normalizer": {"type": "BertNormalizer"}, "pre_tokenizer": {"type": "BertPreTokenizer"}""", """
                    "normalizer": {"type": "Nmt"}, "pre_tokenizer": {"type": "Metaspace", "replacement": "▁"}""", """
                    "normalizer": {"type": "NFKC"}, "pre_tokenizer": {"type": "Sequence", "pretokenizers":
                     [{"type": "WhitespaceSplit"}, {"type": "Metaspace", "replacement": "▁"}]}""", """
                    "normalizer": {"type": "NFC"}, "pre_tokenizer": {"type": "Sequence", "pretokenizers":
                     [{"type": "Split", "behavior": "Isolated", "pattern": {"Regex": %s}},
                      {"type": "ByteLevel", "add_prefix_space": false, "use_regex": false}]}"""
                    .formatted(new JsonMapper().writeValueAsString(SplitPatternTest.IN_USE.get("o200k"))))
            .map(TokenizerTest::ofWords).toList();

    /// A tokenizer whose ids show which words and characters there are: the last character of a word has its own.
    private static Tokenizer ofWords(String parts) {
        var vocabulary = new StringBuilder("\"<unk>\": 0");
        int next = 1;
        for (int c = '!'; c < 0x180; c++) {
            String character = c == '"' || c == '\\' ? "\\" + (char) c : Character.toString(c);
            vocabulary.append(", \"%s\": %d, \"%s</w>\": %d".formatted(character, next++, character, next++));
        }
        vocabulary.append(", \"▁\": %d, \"▁</w>\": %d".formatted(next++, next));
        try {
            Path file = Files.createTempFile("weft-text", ".json");
            try {
                return Tokenizer.load(Files.writeString(file, """
                        {%s, "model": {"type": "BPE", "unk_token": "<unk>", "end_of_word_suffix": "</w>",
                         "vocab": {%s}, "merges": []}}""".formatted(parts, vocabulary)));
            } finally {
                Files.delete(file);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static final Tokenizer CHARACTERS = new CharacterTrainer().withUnkToken("<unk>")
            .withSpecialTokens("<unk>", MARK)
            .train(List.of("abc <|endoftext|>"));

    private static Tokenizer withStrips() throws Exception {
        return changed("\"lstrip\" : false,\n    \"rstrip\" : false", "\"lstrip\" : true,\n    \"rstrip\" : true");
    }

    private static Tokenizer withPrefixSpace() throws Exception {
        return changed("\"add_prefix_space\" : false", "\"add_prefix_space\" : true");
    }

    private static Tokenizer changed(String from, String to) throws Exception {
        String json = BYTES.json().replace("\r\n", "\n");
        assertThat(json).contains(from);
        Path file = Files.createTempFile("weft-text", ".json");
        try {
            return Tokenizer.load(Files.writeString(file, json.replace(from, to)));
        } finally {
            Files.delete(file);
        }
    }

    @Test
    void pieces_are_about_as_long_as_asked_and_are_read_when_asked_for() {
        var reader = new StringReader("word and word. ".repeat(100_000)) {
            int read;

            @Override
            public int read(char[] chars, int offset, int length) throws IOException {
                int n = super.read(chars, offset, length);
                read += Math.max(0, n);
                return n;
            }
        };
        var pieces = BYTES.pieces(reader, 1000);
        for (int i = 1; i <= 100; i++) {
            assertThat(pieces.next().length()).isBetween(900, 1000);
            assertThat(reader.read).isLessThan(i * 1000 + 40_000);
        }
    }

    @Test
    void a_word_of_a_megabyte_is_merged_as_short_words_are() {
        Tokenizer doubling = BytePairTrainer.ofVocabSize(256 + 10).withMinFrequency(1).withThreads(1)
                .train(List.of("a".repeat(1024)));
        int[] ids = doubling.ids("a".repeat((1 << 20) + 5));
        assertThat(ids).hasSize(1024 + 2);
        assertThat(doubling.token(ids[0])).isEqualTo("a".repeat(1024));
        assertThat(doubling.token(ids[1025])).isEqualTo("a");
    }

    @Property(tries = 200)
    void long_and_short_words_are_merged_alike(@ForAll long seed) {
        var random = new Random(seed);
        var words = new ArrayList<String>();
        for (int i = 0; i < 50; i++) {
            words.add(random.ints(1 + random.nextInt(60), 'a', 'd').collect(StringBuilder::new,
                    StringBuilder::appendCodePoint, StringBuilder::append).toString());
        }
        Tokenizer tokenizer = BytePairTrainer.ofVocabSize(300).train(words);
        String word = String.join("", words.subList(0, 1 + random.nextInt(5)));
        assertThat(tokenizer.encode(word).tokens()).isEqualTo(slowly(tokenizer, word));
    }

    /// The definition, word for word: of all neighbours merge the pair learned first, the leftmost of these.
    private static String[] slowly(Tokenizer tokenizer, String word) {
        var merges = new JsonMapper().readTree(tokenizer.json()).get("model").get("merges").values().stream()
                .map(merge -> merge.stringValue()).toList();
        var symbols = new ArrayList<>(Arrays.asList(word.split("")));
        while (true) {
            int best = Integer.MAX_VALUE;
            int at = -1;
            for (int i = 0; i + 1 < symbols.size(); i++) {
                int rank = merges.indexOf(symbols.get(i) + " " + symbols.get(i + 1));
                if (rank >= 0 && rank < best) {
                    best = rank;
                    at = i;
                }
            }
            if (at < 0) {
                return symbols.toArray(String[]::new);
            }
            symbols.set(at, symbols.get(at) + symbols.remove(at + 1));
        }
    }

    @Test
    void special_tokens_in_a_text_are_recognised_and_can_be_left_out_again() {
        int mark = BYTES.id(MARK).orElseThrow();
        int[] ids = BYTES.ids("one" + MARK + "two");
        assertThat(ids).contains(mark);
        assertThat(BYTES.decode(ids)).isEqualTo("one" + MARK + "two");
        assertThat(BYTES.decode(ids, true)).isEqualTo("onetwo");
        assertThat(BYTES.isSpecial(mark)).isTrue();
    }

    @Test
    void a_lone_surrogate_is_a_replacement_character_and_keeps_its_place() {
        Encoding encoding = BYTES.encode("a\uD83Db");
        assertThat(BYTES.decode(encoding.ids())).isEqualTo("a\uFFFDb");
        assertThat(encoding.ends()[encoding.size() - 1]).isEqualTo(3);
    }

    @Test
    void ids_without_a_token_give_no_text_and_negative_ids_are_refused() {
        assertThat(BYTES.token(100_000)).isNull();
        assertThat(BYTES.decode(new int[]{100_000})).isEmpty();
        assertThatThrownBy(() -> BYTES.decode(new int[]{-1})).isInstanceOf(IllegalArgumentException.class)
                .hasMessage("a token id is 0 or more, found -1");
    }

    @Test
    void what_was_saved_loads_as_the_same_tokenizer(@TempDir Path folder) throws Exception {
        BYTES.save(folder);
        Tokenizer loaded = Tokenizer.load(folder);
        assertThat(loaded.json()).isEqualTo(BYTES.json()).isEqualTo(Files.readString(folder.resolve("tokenizer.json")));
        assertThat(loaded.specialTokens()).containsEntry("eos_token", MARK).containsEntry("mask_token", "<mask>");
        assertThat(loaded.vocabSize()).isEqualTo(BYTES.vocabSize());
        var config = new JsonMapper().readTree(Files.readString(folder.resolve("tokenizer_config.json")));
        assertThat(config.get("tokenizer_class").stringValue()).isEqualTo("PreTrainedTokenizerFast");
        assertThat(config.get("eos_token").stringValue()).isEqualTo(MARK);
        try (var files = Files.list(folder)) {
            assertThat(files).as("no temporary file stays").hasSize(2);
        }
    }

    @Test
    void saving_again_keeps_what_the_config_said(@TempDir Path folder) throws Exception {
        BYTES.withSpecialToken("pad_token", "<mask>").save(folder);
        Path config = folder.resolve("tokenizer_config.json");
        Files.writeString(config, Files.readString(config).replaceFirst("\\{", "{\"model_max_length\": 77,"));
        Tokenizer.load(folder).withSpecialToken("eos_token", "<mask>").save(folder);
        assertThat(Tokenizer.load(folder).specialTokens()).containsEntry("eos_token", "<mask>")
                .containsEntry("pad_token", "<mask>");
        assertThat(Files.readString(config)).contains("77");
    }

    @Test
    void a_pair_of_texts_is_framed_as_the_file_says() {
        Encoding pair = SharedData.tokenizer("roberta-base").encodePair("a question", "its context");
        assertThat(pair.tokens()).containsExactly("<s>", "a", "Ġquestion", "</s>", "</s>", "its", "Ġcontext", "</s>");
        assertThat(pair.sequenceIds()).containsExactly(-1, 0, 0, -1, -1, 1, 1, -1);
        assertThat(pair.specialTokensMask()).containsExactly(true, false, false, true, true, false, false, true);
        assertThat(pair.starts()).containsExactly(0, 0, 2, 0, 0, 0, 4, 0);
        assertThat(pair.wordIds()).containsExactly(-1, 0, 1, -1, -1, 0, 1, -1);
    }

    @Provide
    Arbitrary<String> texts() {
        return Texts.any();
    }
}
