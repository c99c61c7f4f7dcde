package dev.weft.text;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/// Each part of a `tokenizer.json`, alone and with others, does to every character what Hugging Face's own library does:
/// the model of these tokenizers knows characters only, so that tokens, words and places show the whole rewriting.
class ReferencePartsTest {
    private static final JsonMapper MAPPER = new JsonMapper();

    static final List<String> NORMALIZERS = List.of("""
            {"type": "NFC"}""", """
            {"type": "NFD"}""", """
            {"type": "NFKC"}""", """
            {"type": "NFKD"}""", """
            {"type": "Lowercase"}""", """
            {"type": "StripAccents"}""", """
            {"type": "Nmt"}""", """
            {"type": "Prepend", "prepend": "▁"}""", """
            {"type": "Prepend", "prepend": "<a>"}""", """
            {"type": "Strip", "strip_left": true, "strip_right": true}""", """
            {"type": "Strip", "strip_left": true, "strip_right": false}""", """
            {"type": "Strip", "strip_left": false, "strip_right": true}""",
            """
            {"type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true, "strip_accents": null, "lowercase": true}""",
            """
                    {"type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true, "strip_accents": null, "lowercase": false}""",
            """
                    {"type": "BertNormalizer", "clean_text": false, "handle_chinese_chars": true, "strip_accents": true, "lowercase": false}""",
            """
                    {"type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": false, "strip_accents": false, "lowercase": true}""",
            """
                    {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}""", """
                    {"type": "Replace", "pattern": {"String": "e"}, "content": ""}""", """
                    {"type": "Replace", "pattern": {"String": "''"}, "content": "\\""}""", """
                    {"type": "Replace", "pattern": {"String": ""}, "content": "-"}""", """
                    {"type": "Replace", "pattern": {"Regex": "\\\\s+"}, "content": " "}""", """
                    {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": "▁▁▁"}""", """
                    {"type": "Replace", "pattern": {"Regex": "[aeiou]*"}, "content": "👋"}""",
            """
                    {"type": "Sequence", "normalizers": [{"type": "Prepend", "prepend": "▁"}, {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}]}""",
            """
                    {"type": "Sequence", "normalizers": [{"type": "NFD"}, {"type": "StripAccents"}, {"type": "Lowercase"}, {"type": "NFC"}]}""",
            """
                    {"type": "Sequence", "normalizers": [{"type": "Nmt"}, {"type": "NFKC"}, {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": " "}, {"type": "Strip", "strip_left": true, "strip_right": true}, {"type": "Prepend", "prepend": "_"}, {"type": "Prepend", "prepend": "ab"}]}""");

    static final List<String> PRE_TOKENIZERS = List.of("""
            {"type": "BertPreTokenizer"}""", """
            {"type": "Whitespace"}""", """
            {"type": "WhitespaceSplit"}""", """
            {"type": "UnicodeScripts"}""", """
            {"type": "Digits", "individual_digits": true}""", """
            {"type": "Digits", "individual_digits": false}""", """
            {"type": "CharDelimiterSplit", "delimiter": "e"}""", """
            {"type": "Punctuation"}""", """
            {"type": "Punctuation", "behavior": "Removed"}""", """
            {"type": "Punctuation", "behavior": "MergedWithPrevious"}""", """
            {"type": "Punctuation", "behavior": "MergedWithNext"}""", """
            {"type": "Punctuation", "behavior": "Contiguous"}""", """
            {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": true}""", """
            {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "first", "split": true}""", """
            {"type": "Metaspace", "replacement": "_", "prepend_scheme": "never", "split": true}""", """
            {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": false}""", """
            {"type": "Metaspace", "replacement": "▁", "add_prefix_space": true}""",
            """
            {"type": "Sequence", "pretokenizers": [{"type": "WhitespaceSplit"}, {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": true}]}""",
            """
                    {"type": "Sequence", "pretokenizers": [{"type": "Punctuation"}, {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "first", "split": true}]}""",
            """
                    {"type": "Sequence", "pretokenizers": [{"type": "Digits", "individual_digits": true}, {"type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true, "use_regex": true}]}""",
            """
                    {"type": "Split", "pattern": {"String": "e"}, "behavior": "MergedWithNext", "invert": false}""",
            """
                    {"type": "Split", "pattern": {"Regex": "(?=[a-f])"}, "behavior": "MergedWithPrevious", "invert": false}""",
            """
                    {"type": "Split", "pattern": {"Regex": "[a-z]*"}, "behavior": "Contiguous", "invert": true}""");

    static final List<String> DECODERS = List.of("""
            {"type": "WordPiece", "prefix": "##", "cleanup": true}""", """
            {"type": "WordPiece", "prefix": "##", "cleanup": false}""", """
            {"type": "WordPiece", "prefix": "", "cleanup": true}""", """
            {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": true}""", """
            {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "never", "split": true}""", """
            {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "first", "split": false}""", """
            {"type": "BPEDecoder", "suffix": "</w>"}""", """
            {"type": "CTC", "pad_token": "<pad>", "word_delimiter_token": "|", "cleanup": true}""", """
            {"type": "CTC", "pad_token": "<pad>", "word_delimiter_token": "|", "cleanup": false}""", """
            {"type": "ByteFallback"}""", """
            {"type": "Fuse"}""", """
            {"type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true, "use_regex": true}""", """
            {"type": "Strip", "content": "a", "start": 1, "stop": 0}""", """
            {"type": "Replace", "pattern": {"String": "▁"}, "content": " "}""", """
            {"type": "Replace", "pattern": {"String": "ab"}, "content": "-"}""", """
            {"type": "Replace", "pattern": {"Regex": "a+"}, "content": "<>"}""",
            """
            {"type": "Sequence", "decoders": [{"type": "Replace", "pattern": {"String": "▁"}, "content": " "}, {"type": "ByteFallback"}, {"type": "Fuse"}, {"type": "Strip", "content": " ", "start": 1, "stop": 0}]}""",
            """
                    {"type": "Sequence", "decoders": [{"type": "Fuse"}, {"type": "Replace", "pattern": {"String": "aba"}, "content": "<>"}]}""",
            """
                    {"type": "Sequence", "decoders": [{"type": "ByteFallback"}, {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": true}]}""",
            """
                    {"type": "Sequence", "decoders": [{"type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true, "use_regex": true}, {"type": "WordPiece", "prefix": "a", "cleanup": true}]}""",
            """
                    {"type": "Sequence", "decoders": [{"type": "CTC", "pad_token": "<pad>", "word_delimiter_token": "|", "cleanup": true}, {"type": "BPEDecoder", "suffix": "b"}]}""",
            """
                    {"type": "Sequence", "decoders": [{"type": "Replace", "pattern": {"String": "▁"}, "content": " "}, {"type": "Fuse"}, {"type": "Replace", "pattern": {"Regex": "^ "}, "content": ""}]}""");

    private static final List<String> PIECES = List.of("a", "b", "ab", "aba", "▁", "▁a", "▁▁", "a▁b", "##a", "##b",
            "##",
            "a</w>", "</w>", "b</w>a", "<pad>", "|", "a|b", ".", "!", "'", "s", "n't", "'m", " ", " a", "Ġ", "Ġa", "ð",
            "Ł", "ij", "ħ", "<0x61>", "<0xF0>", "<0x9F>", "<0x91>", "<0x8B>", "<0xE2>", "<0xzz>", "<0xC3>", "<0xA9>",
            "é",
            "👋", "do", "not", "aaa");

    private record Pair(Tokenizer ours, HuggingFaceTokenizer theirs) implements AutoCloseable {
        @Override
        public void close() {
            theirs.close();
        }
    }

    @BeforeAll
    static void loadTheLibrary() {
        try {
            pair(tokenizer(List.of("a"))).close();
        } catch (LinkageError | IllegalStateException e) {
            Assumptions.abort("the native library of ai.djl.huggingface:tokenizers does not load here: " + e);
        }
    }

    @TestFactory
    Stream<DynamicTest> a_normalizer_gives_the_same_characters_and_places() {
        return Stream.concat(NORMALIZERS.stream(), charsMaps()).map(normalizer -> test(normalizer, json -> {
            json.set("normalizer", MAPPER.readTree(normalizer));
        }));
    }

    @TestFactory
    Stream<DynamicTest> a_pre_tokenizer_gives_the_same_words_and_places() {
        return PRE_TOKENIZERS.stream().map(preTokenizer -> test(preTokenizer, json -> {
            json.set("pre_tokenizer", MAPPER.readTree(preTokenizer));
        }));
    }

    @TestFactory
    Stream<DynamicTest> a_pre_tokenizer_behind_a_normalizer_gives_the_same_words_and_places() {
        return NORMALIZERS.stream().flatMap(normalizer -> PRE_TOKENIZERS.stream()
                .filter(preTokenizer -> Math.floorMod((normalizer + preTokenizer).hashCode(), 6) == 0)
                .map(preTokenizer -> test(normalizer + preTokenizer, json -> {
                    json.set("normalizer", MAPPER.readTree(normalizer));
                    json.set("pre_tokenizer", MAPPER.readTree(preTokenizer));
                })));
    }

    /// The charsmap of a published T5, where it lies beside the project.
    static Stream<String> charsMaps() {
        Path t5 = Path.of(System.getProperty("weft.shared", "../../shared"), "data", "tokenizers", "t5-small",
                "tokenizer.json");
        return Files.exists(t5)
                ? Stream.of(JsonPart.read(t5).at("normalizer").node().toString())
                : Stream.empty();
    }

    private interface Change {
        void to(ObjectNode json);
    }

    private static DynamicTest test(String name, Change change) {
        return DynamicTest.dynamicTest(name.length() > 200 ? name.substring(0, 200) : name, () -> {
            ObjectNode json = tokenizer(characters());
            change.to(json);
            try (Pair pair = pair(json)) {
                var random = new Random(Long.getLong("weft.test.seed", 2024));
                for (int i = 0; i < Integer.getInteger("weft.test.tries", 150); i++) {
                    compare(pair, i < SPECIAL.size() ? SPECIAL.get(i) : known(Texts.wellFormed(random)));
                }
            }
        });
    }

    /// These parts ask for properties of characters, whose tables are the library's own: here every character counts.
    @TestFactory
    Stream<DynamicTest> every_character_is_of_the_kind_the_library_takes_it_for() {
        return Stream.concat(Stream.of("BertPreTokenizer", "Punctuation", "WhitespaceSplit", "UnicodeScripts").map(
                type -> everyCharacter("pre_tokenizer", "{\"type\": \"%s\"}".formatted(type))),
                Stream.of("""
                        {"type": "StripAccents"}""", """
                        {"type": "Nmt"}""",
                        """
                        {"type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true, "strip_accents": false, "lowercase": false}""")
                        .map(normalizer -> everyCharacter("normalizer", normalizer)));
    }

    private static DynamicTest everyCharacter(String place, String part) {
        return DynamicTest.dynamicTest(part, () -> {
            ObjectNode json = tokenizer(characters());
            json.set(place, MAPPER.readTree(part));
            try (Pair pair = pair(json)) {
                for (int block = 0; block < 0x110000; block += 0x400) {
                    var text = new StringBuilder();
                    for (int c = block; c < block + 0x400; c++) {
                        if (c < 0xD800 || c > 0xDFFF) {
                            text.append('a').appendCodePoint(c);
                        }
                    }
                    compare(pair, text.toString());
                }
            }
        });
    }

    private static final List<String> SPECIAL = List.of("", " ", "   ", "a", "e\u0301\u0323x", "\u0344\u0344",
            "\u0301a",
            " \u0301b", "\u1100\u1161\u11A8\u1161", "각\u11A8", "가\u11A8\u0301", "ｶﾞ ﾊﾟ", "ﷺx", "q\u0323\u0307\u0323",
            "\u0958\u09CB\u09BE\u09C7\u09BE", "Å\u0323", "ệ", "\r\n\r\n", "a\r\nb", "🏳️\u200D🌈 x",
            "e\u0308\u0301\u0327e",
            "ﬀ\u0301", "\u00AD\u200Ba", "½⅓", "ǅ", "İstanbul", "ΣΑΣ", "_a_b__", "▁a▁▁b", "a  b", "''a'''b''''",
            "\u302E가\u302F", "x\u302E\u302Ay");

    /// Without characters that only newer tables of Unicode know: the library's are older than the JDK's.
    private static String known(String text) {
        var known = new StringBuilder();
        text.codePoints().filter(c -> Character.isBmpCodePoint(c) || c >= 0x1F300 && c < 0x1F600).filter(
                c -> Character.isDefined(c) || c < 0x300).forEach(known::appendCodePoint);
        return known.toString();
    }

    private static List<String> characters() {
        var characters = new ArrayList<String>();
        for (int c = ' '; c < 0x180; c++) {
            characters.add(Character.toString(c));
        }
        for (String more : List.of("▁", "\u0301", "\u0323", "你", "好", "가", "ア", "😀", "👋", "п", "р")) {
            characters.add(more);
        }
        return characters;
    }

    private static ObjectNode tokenizer(List<String> pieces) {
        ObjectNode json = MAPPER.createObjectNode().put("version", "1.0");
        for (String none : List.of("truncation", "padding", "normalizer", "pre_tokenizer", "post_processor",
                "decoder")) {
            json.putNull(none);
        }
        json.putArray("added_tokens");
        ObjectNode model = json.putObject("model").put("type", "BPE").putNull("dropout").put("unk_token", "<unk>")
                .putNull("continuing_subword_prefix").putNull("end_of_word_suffix").put("fuse_unk", false)
                .put("byte_fallback", false).put("ignore_merges", false);
        ObjectNode vocabulary = model.putObject("vocab").put("<unk>", 0);
        pieces.forEach(piece -> vocabulary.put(piece, vocabulary.size()));
        model.putArray("merges");
        return json;
    }

    private static Pair pair(JsonNode json) {
        try {
            Path file = Files.writeString(Files.createTempFile("weft-text", ".json"), json.toString());
            try {
                Tokenizer ours = Tokenizer.load(file);
                Path again = Files.writeString(Files.createTempFile("weft-text", ".json"), ours.json());
                // The library reads what was written here, not what was read.
                try {
                    return new Pair(ours, HuggingFaceTokenizer.builder().optTokenizerPath(again).optTruncation(false)
                            .optPadding(false).build());
                } finally {
                    Files.delete(again);
                }
            } finally {
                Files.delete(file);
            }
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    private static void compare(Pair pair, String text) {
        compare(pair.ours.encode(text, false), pair.theirs.encode(text, false, false), text, text);
    }

    /// `text` and `second` are the same where there is no second text.
    private static void compare(Encoding ours, ai.djl.huggingface.tokenizers.Encoding theirs, String text,
            String second) {
        String about = "'%s' (%s)".formatted(text, text.codePoints().mapToObj("%04X"::formatted).toList());
        assertThat(String.join("\0", ours.tokens())).as(about).isEqualTo(String.join("\0", theirs.getTokens()));
        assertThat(Arrays.stream(ours.wordIds()).asLongStream().toArray()).as("words of %s", about)
                .isEqualTo(theirs.getWordIds());
        assertThat(Arrays.stream(ours.typeIds()).asLongStream().toArray()).as("segments of %s", about)
                .isEqualTo(theirs.getTypeIds());
        long[] special = new long[ours.size()];
        Arrays.setAll(special, i -> ours.specialTokensMask()[i] ? 1 : 0);
        assertThat(special).as("special tokens of %s", about).isEqualTo(theirs.getSpecialTokenMask());
        var spans = theirs.getCharTokenSpans();
        int[] starts = new int[spans.length];
        int[] ends = new int[spans.length];
        for (int i = 0; i < spans.length; i++) {
            // The library counts code points, and gives no place to special tokens.
            if (spans[i] != null) {
                String of = ours.sequenceIds()[i] == 1 ? second : text;
                starts[i] = of.offsetByCodePoints(0, spans[i].getStart());
                ends[i] = of.offsetByCodePoints(0, spans[i].getEnd());
            }
        }
        assertThat(ours.starts()).as("starts in %s", about).isEqualTo(starts);
        assertThat(ours.ends()).as("ends in %s", about).isEqualTo(ends);
    }

    private static final List<String> POST_PROCESSORS = List.of("""
            {"type": "BertProcessing", "sep": ["b", 67], "cls": ["a", 66]}""",
            """
            {"type": "RobertaProcessing", "sep": ["b", 67], "cls": ["a", 66], "trim_offsets": true, "add_prefix_space": true}""",
            """
                    {"type": "RobertaProcessing", "sep": ["b", 67], "cls": ["a", 66], "trim_offsets": true, "add_prefix_space": false}""",
            """
                    {"type": "RobertaProcessing", "sep": ["b", 67], "cls": ["a", 66], "trim_offsets": false, "add_prefix_space": true}""",
            """
                    {"type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true, "use_regex": true}""", """
                    {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true}""", """
                    {"type": "ByteLevel", "add_prefix_space": true, "trim_offsets": false, "use_regex": true}""",
            """
                    {"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "a", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}, {"SpecialToken": {"id": "b", "type_id": 0}}], "pair": [{"SpecialToken": {"id": "a", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}, {"Sequence": {"id": "A", "type_id": 2}}, {"SpecialToken": {"id": "b", "type_id": 3}}], "special_tokens": {"a": {"id": "a", "ids": [66], "tokens": ["a"]}, "b": {"id": "b", "ids": [67, 68], "tokens": ["b", "c"]}}}""",
            """
                    {"type": "Sequence", "processors": [{"type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true, "use_regex": true}, {"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "a", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}], "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}], "special_tokens": {"a": {"id": "a", "ids": [66], "tokens": ["a"]}}}]}""");

    @TestFactory
    Stream<DynamicTest> a_post_processor_frames_one_text_and_two_alike() {
        return POST_PROCESSORS.stream().flatMap(processor -> Stream.of("""
                {"type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true, "use_regex": true}""", """
                {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": true}""").map(words -> {
            return DynamicTest.dynamicTest(processor + words, () -> {
                ObjectNode json = tokenizer(characters());
                json.set("pre_tokenizer", MAPPER.readTree(words));
                json.set("post_processor", MAPPER.readTree(processor));
                try (Pair pair = pair(json)) {
                    var random = new Random(Long.getLong("weft.test.seed", 2026));
                    for (int i = 0; i < 60; i++) {
                        String first = known(Texts.wellFormed(random));
                        String second = known(Texts.wellFormed(random));
                        for (boolean special : new boolean[]{false, true}) {
                            compare(pair.ours.encode(first, special), pair.theirs.encode(first, special, false), first,
                                    first);
                            compare(pair.ours.encodePair(first, second, special),
                                    pair.theirs.encode(first, second, special, false), first, second);
                        }
                    }
                }
            });
        }));
    }

    @TestFactory
    Stream<DynamicTest> a_decoder_gives_the_same_text_at_once_and_as_a_stream() {
        return DECODERS.stream().map(decoder -> DynamicTest.dynamicTest(decoder, () -> {
            ObjectNode json = tokenizer(PIECES);
            json.set("decoder", MAPPER.readTree(decoder));
            try (Pair pair = pair(json)) {
                var random = new Random(Long.getLong("weft.test.seed", 2025));
                for (int i = 0; i < 1500; i++) {
                    int[] ids = random.ints(1 + random.nextInt(14), 0, PIECES.size() + 1).toArray();
                    String about = Arrays.toString(Arrays.stream(ids).mapToObj(pair.ours::token).toArray());
                    String theirs = pair.theirs.decode(Arrays.stream(ids).asLongStream().toArray(), false);
                    assertThat(pair.ours.decode(ids)).as(about).isEqualTo(theirs);
                    StreamingDecoder stream = pair.ours.streamingDecoder(false);
                    var streamed = new StringBuilder();
                    for (int id : ids) {
                        String part = stream.push(id);
                        assertThat(Utf8.wellFormed(part)).as(about).isEqualTo(part);
                        streamed.append(part);
                    }
                    assertThat(streamed.append(stream.flush()).toString()).as(about).isEqualTo(theirs);
                }
            }
        }));
    }
}
