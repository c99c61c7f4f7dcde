package dev.weft.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.text.Normalizer.Form;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.json.JsonMapper;

/// What each part does, in words; that it is what the reference library does is [ReferencePartsTest]'s matter.
class PartsTest {
    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', ignoreLeadingAndTrailingWhitespace = true, textBlock = """
            {"type": "NFC"}                                                       | `e\u0301ﬁ`    | éﬁ
            {"type": "NFD"}                                                       | é             | `e\u0301`
            {"type": "NFKC"}                                                      | ﬁ½            | fi1⁄2
            {"type": "NFKD"}                                                      | Ａé            | `Ae\u0301`
            {"type": "Lowercase"}                                                 | ÀBΣİ          | `àbσi\u0307`
            {"type": "StripAccents"}                                              | `e\u0301é`    | eé
            {"type": "Nmt"}                                                       | `a\u200Bb\u007Fc\ufeff` | `a bc `
            {"type": "Strip", "strip_left": true, "strip_right": false}           | ` \u3000a `   | `a `
            {"type": "Prepend", "prepend": "▁"}                                   | ab            | ▁ab
            {"type": "ByteLevel"}                                                 | ` é`          | ĠÃ©
            {"type": "Replace", "pattern": {"String": "a."}, "content": ""}       | ab.a.c        | ab.c
            {"type": "Replace", "pattern": {"Regex": "a."}, "content": "-"}       | aba.c         | --c
            {"type": "Replace", "pattern": " ", "content": "▁"}                   | a b           | a▁b
            {"type": "BertNormalizer"}                                            | `É\u00ADa\u00A0你` | `ea  你 `
            {"type": "BertNormalizer", "lowercase": false}                        | É             | É
            {"type": "BertNormalizer", "lowercase": false, "strip_accents": true} | É             | E
            {"type": "Sequence", "normalizers": [{"type": "NFD"}, {"type": "StripAccents"}]} | é  | e
            """)
    void a_normalizer_rewrites(String json, String text, String rewritten) {
        Normalizer normalizer = Normalizer.fromJson(part(json));
        assertThat(normalizer.apply(Piece.of(text)).text).isEqualTo(rewritten);
        assertThat(Normalizer.fromJson(part(normalizer.toJson().toString())).toJson()).isEqualTo(normalizer.toJson());
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
            {"type": "BertPreTokenizer"}                                                   | `it's  1.5€`  | it,',s,1,.,5€
            {"type": "Whitespace"}                                                         | `it's a!?`    | it,',s,a,!?
            {"type": "WhitespaceSplit"}                                                    | `it's\u3000 a!?` | it's,a!?
            {"type": "Metaspace", "replacement": "▁"}                                      | `a  b`        | ▁a,▁,▁b
            {"type": "Metaspace", "replacement": "▁", "add_prefix_space": true, "str_rep": "▁"} | a        | ▁a
            {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "never"}           | `a b`         | a,▁b
            {"type": "Metaspace", "replacement": "▁", "split": false}                      | `a b`         | ▁a▁b
            {"type": "Metaspace", "replacement": "▁", "add_prefix_space": false}           | `a b`         | a,▁b
            {"type": "Punctuation"}                                                        | a..b          | a,.,.,b
            {"type": "Punctuation", "behavior": "Contiguous"}                              | a..b          | a,..,b
            {"type": "CharDelimiterSplit", "delimiter": "👋"}                              | a👋b          | a,b
            {"type": "Digits"}                                                             | a12b          | a,12,b
            {"type": "Digits", "individual_digits": true}                                  | a12b          | a,1,2,b
            {"type": "UnicodeScripts"}                                                     | `ab вг漢かカー` | ab ,вг,漢かカー
            {"type": "FixedLength"}                                                        | 1234👋6       | 1234👋,6
            {"type": "FixedLength", "length": 2}                                           | abc           | ab,c
            {"type": "Split", "pattern": "b", "behavior": "Removed"}                       | abc           | a,c
            {"type": "Split", "pattern": {"Regex": "[bc]"}, "behavior": "MergedWithPrevious", "invert": false} | abcd | ab,c,d
            {"type": "Split", "pattern": {"Regex": "[bc]"}, "behavior": "MergedWithNext", "invert": false} | abcd | a,b,cd
            {"type": "ByteLevel"}                                                          | `é 1`         | ĠÃ©,Ġ1
            {"type": "Sequence", "pretokenizers": [{"type": "WhitespaceSplit"}, {"type": "Punctuation"}]} | `a. b` | a,.,b
            """)
    void a_pre_tokenizer_cuts(String json, String text, String words) {
        PreTokenizer preTokenizer = PreTokenizer.fromJson(part(json));
        var found = new ArrayList<String>();
        preTokenizer.cut(Piece.of(text), word -> found.add(word.text));
        assertThat(String.join(",", found)).isEqualTo(words);
        assertThat(PreTokenizer.fromJson(part(preTokenizer.toJson().toString())).toJson())
                .isEqualTo(preTokenizer.toJson());
    }

    @ParameterizedTest
    @CsvSource(delimiter = ';', quoteCharacter = '`', textBlock = """
            {"type": "WordPiece"}                                 ; un|##do|n't|.   ; undon't.
            {"type": "WordPiece", "prefix": "@", "cleanup": false}; a|@b|.          ; ab .
            {"type": "Metaspace", "replacement": "▁"}             ; ▁a▁|▁b          ; a b
            {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "never"} ; ▁a|▁b ; ` a b`
            {"type": "BPEDecoder"}                                ; a</w>|b|c</w>   ; a bc
            {"type": "CTC"}                                       ; h|h|<pad>|h|i   ; hhi
            {"type": "CTC", "word_delimiter_token": "_"}          ; a|_|b           ; a b
            {"type": "ByteFallback"}                              ; <0xC3>|<0xA9>|x ; éx
            {"type": "ByteFallback"}                              ; <0xC3>|<0xA9>|<0xC3>|x ; `\uFFFD\uFFFD\uFFFDx`
            {"type": "Strip", "content": "_", "start": 1, "stop": 2}; __a___|_b     ; _a_b
            {"type": "Replace", "pattern": {"Regex": "a+"}, "content": "-"} ; caab  ; c-b
            {"type": "Fuse"}                                      ; a|b             ; ab
            {"type": "Sequence", "decoders": [{"type": "Fuse"}, {"type": "Strip", "content": "a", "start": 1, "stop": 0}]} ; a|a|b ; ab
            """)
    void a_decoder_reads(String json, String tokens, String text) {
        Decoder decoder = Decoder.fromJson(part(json));
        Decoding decoding = decoder.begin();
        // Twice: the end of one text leaves nothing behind for the next.
        for (int i = 0; i < 2; i++) {
            var out = new StringBuilder();
            Arrays.stream(tokens.split("\\|")).forEach(token -> decoding.push(token, out));
            decoding.end(out);
            assertThat(out).hasToString(text);
        }
        assertThat(Decoder.fromJson(part(decoder.toJson().toString())).toJson()).isEqualTo(decoder.toJson());
    }

    @Test
    void a_stream_gives_text_as_soon_as_it_is_certain() {
        assertThat(
                stream("""
                {"type": "Sequence", "decoders": [{"type": "Replace", "pattern": {"String": "▁"}, "content": " "},
                 {"type": "ByteFallback"}, {"type": "Fuse"}, {"type": "Strip", "content": " ", "start": 1, "stop": 0}]}""",
                        "▁Hi", "▁<", "<0xC3>", "<0xA9>", "▁", "!"))
                .containsExactly("Hi", " <", "", "", "é ", "!", "");
        assertThat(stream("""
                {"type": "BPEDecoder", "suffix": "</w>"}""", "a</w>", "b", "c</w>")).containsExactly("a", " b", "c",
                "");
        assertThat(stream("""
                {"type": "Sequence", "decoders": [{"type": "Fuse"},
                 {"type": "Replace", "pattern": {"String": "aab"}, "content": "-"}]}""", "ca", "aa", "b", "a"))
                .containsExactly("c", "a", "-", "", "a");
    }

    private static List<String> stream(String json, String... tokens) {
        Decoding decoding = Decoder.fromJson(part(json)).begin();
        var parts = new ArrayList<String>();
        for (String token : tokens) {
            var out = new StringBuilder();
            decoding.push(token, out);
            parts.add(out.toString());
        }
        var out = new StringBuilder();
        decoding.end(out);
        parts.add(out.toString());
        return parts;
    }

    @Test
    void what_a_rewriting_leaves_alone_is_the_same_piece() {
        Piece ascii = Piece.of("plain text, and nothing else.");
        for (Normalizer normalizer : List.of(new Normalizer.Bert(true, true, null, true),
                new Normalizer.Unicode(Form.NFKC),
                new Normalizer.Lowercase(), new Normalizer.StripAccents(), new Normalizer.Strip(true, true),
                new Normalizer.Nmt(), new Normalizer.Replace(SplitPattern.regex("z+"), "y"),
                new Normalizer.Precompiled(CharsMap.of(charsMap("é", "e"))))) {
            assertThat(normalizer.apply(ascii)).as("%s", normalizer).isSameAs(ascii);
        }
    }

    @Property(tries = 1000)
    void the_forms_are_those_of_unicode(@ForAll("texts") String text, @ForAll Form form) {
        String whole = Utf8.wellFormed(text).codePoints().filter(ReferenceCharacters::hasForms).collect(
                StringBuilder::new, StringBuilder::appendCodePoint, StringBuilder::append).toString();
        assertThat(UnicodeForms.apply(Piece.of(whole), form).text)
                .isEqualTo(java.text.Normalizer.normalize(whole, form));
    }

    @Property(tries = 500)
    void a_rewritten_text_keeps_places_inside_the_original(@ForAll("texts") String text, @ForAll Form form) {
        Piece piece = new Normalizer.Prepend("_").apply(
                new Normalizer.Bert(true, true, true, true).apply(UnicodeForms.apply(Piece.of(text), form)));
        for (int i = 0; i < piece.text.length(); i++) {
            assertThat(piece.start(i)).isBetween(0, text.length());
            assertThat(piece.end(i + 1)).isBetween(piece.start(i), text.length());
        }
    }

    @Provide
    Arbitrary<String> texts() {
        return Texts.any();
    }

    @Test
    void a_charsmap_replaces_the_shortest_entry_that_a_cluster_begins_with() {
        // The trie of one entry, e to its text: for "e" and a mark, which are one cluster, the mark is lost.
        var map = new Normalizer.Precompiled(CharsMap.of(charsMap("e", "E!")));
        Piece piece = map.apply(Piece.of("xe\u0301ye"));
        assertThat(piece.text).isEqualTo("xE!yE!");
        assertThat(new int[]{piece.start(1), piece.end(2), piece.start(3), piece.end(4), piece.start(4), piece.end(6)})
                .containsExactly(1, 2, 3, 4, 4, 5);
    }

    /// A charsmap of one entry, of one character.
    private static byte[] charsMap(String from, String to) {
        byte[] key = from.getBytes(StandardCharsets.UTF_8);
        int[] units = new int[256 * (key.length + 2)];
        // Node i of the way stands in block i; its children in the next block, at their labels.
        int node = 0;
        for (int i = 0; i <= key.length; i++) {
            int next = 256 * (i + 1);
            int label = i == 0 ? 0 : key[i - 1] & 0xFF;
            units[node] = (node ^ next) << 10 | (i == key.length ? 1 << 8 : 0) | label;
            node = i == key.length ? next : next ^ key[i] & 0xFF;
        }
        units[node] = 1 << 31;
        return blob(units, to + "\0");
    }

    private static byte[] blob(int[] units, String texts) {
        byte[] text = texts.getBytes(StandardCharsets.UTF_8);
        ByteBuffer blob = ByteBuffer.allocate(4 + 4 * units.length + text.length).order(ByteOrder.LITTLE_ENDIAN);
        blob.putInt(4 * units.length);
        for (int unit : units) {
            blob.putInt(unit);
        }
        return blob.put(text).array();
    }

    @Test
    void a_charsmap_that_is_none_is_refused_with_its_reason() {
        assertRefused(new byte[3], "it has 3 bytes, too few for the length of its trie");
        assertRefused(new byte[]{-1, -1, -1, -1, 0},
                "its trie should have 4294967295 bytes, a multiple of 4 up to 1");
        assertRefused(new byte[]{8, 0, 0, 0, 1, 2, 3, 4}, "its trie should have 8 bytes, a multiple of 4 up to 4");
        assertRefused(new byte[]{0, 0, 0, 0}, "its trie should have 0 bytes, a multiple of 4 up to 0");
        assertRefused(blob(new int[]{0, 1 << 8 | 500 << 10}, "a\0"),
                "unit 1 of its trie points outside the 2 bytes of texts");
        assertRefused(blob(new int[]{0, 1 << 8 | 3 << 10, 77}, "a\0"),
                "unit 1 of its trie points outside the 2 bytes of texts");
        byte[] broken = blob(new int[]{0}, "ab");
        broken[broken.length - 1] = (byte) 0xC3;
        assertRefused(broken, "its texts are not UTF-8");
    }

    @Property(tries = 2000)
    void a_hostile_charsmap_is_refused_or_harmless(@ForAll byte[] bytes, @ForAll("texts") String text) {
        ByteBuffer blob = ByteBuffer.allocate(bytes.length + 4).order(ByteOrder.LITTLE_ENDIAN);
        blob.putInt(bytes.length / 8 * 4).put(bytes);
        try {
            CharsMap.of(blob.array()).apply(Piece.of(text));
        } catch (IllegalArgumentException e) {
            assertThat(e).hasMessageStartingWith("not a precompiled charsmap: ");
        }
    }

    private static void assertRefused(byte[] blob, String reason) {
        assertThatThrownBy(() -> CharsMap.of(blob)).isInstanceOf(IllegalArgumentException.class)
                .hasMessage("not a precompiled charsmap: " + reason);
        String json = "{\"type\": \"Precompiled\", \"precompiled_charsmap\": \"%s\"}"
                .formatted(Base64.getEncoder().encodeToString(blob));
        assertThatThrownBy(() -> Normalizer.fromJson(part(json))).hasMessage(
                "tokenizer.json: part.precompiled_charsmap: not a precompiled charsmap: " + reason);
    }

    @ParameterizedTest
    @CsvSource(delimiter = ';', textBlock = """
            {"type": "Upper"}                                                ; part: type "Upper" is not supported; known types: NFC, NFD
            {"type": "Prepend"}                                              ; part: "prepend" is missing
            {"type": "Prepend", "prepend": 1}                                ; part.prepend: expected a string, found NUMBER
            {"type": "Lowercase", "locale": "tr"}                            ; part: option "locale" is not supported
            {"type": "Strip", "strip_left": "yes"}                           ; part.strip_left: expected true or false, found "yes"
            {"type": "Replace", "pattern": {"Regex": "(a"}, "content": ""}   ; part.pattern.Regex: Java's engine does not know this regular expression: Unclosed group
            {"type": "Replace", "pattern": 1, "content": ""}                 ; part.pattern: "Regex" is missing
            {"type": "Precompiled", "precompiled_charsmap": "?"}             ; part.precompiled_charsmap: not base64
            {"type": "Sequence", "normalizers": {}}                          ; part.normalizers: expected a list, found OBJECT
            {"type": "Sequence", "normalizers": [{"type": "NFX"}]}           ; part.normalizers[0]: type "NFX" is not supported
            """)
    void a_mistake_in_a_normalizer_is_named(String json, String message) {
        assertThatThrownBy(() -> Normalizer.fromJson(part(json))).isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith("tokenizer.json: " + message);
    }

    @ParameterizedTest
    @CsvSource(delimiter = ';', textBlock = """
            {"type": "Spaces"}                                              ; part: type "Spaces" is not supported
            {"type": "Metaspace"}                                           ; part: "replacement" is missing
            {"type": "Metaspace", "replacement": "ab"}                      ; part.replacement: expected one character, found "ab"
            {"type": "Metaspace", "replacement": "_", "prepend_scheme": "x"} ; part.prepend_scheme: expected always, first or never, found "x"
            {"type": "Metaspace", "replacement": "_", "prepend_scheme": "first", "add_prefix_space": false} ; part: prepend_scheme is "first" but add_prefix_space false
            {"type": "Punctuation", "behavior": "removed"}                  ; part.behavior: behavior "removed" is not supported
            {"type": "FixedLength", "length": 0}                            ; part.length: a word has 1 character or more, found 0
            {"type": "Digits", "individual": true}                          ; part: option "individual" is not supported
            {"type": "CharDelimiterSplit", "delimiter": ""}                 ; part.delimiter: expected one character, found ""
            """)
    void a_mistake_in_a_pre_tokenizer_is_named(String json, String message) {
        assertThatThrownBy(() -> PreTokenizer.fromJson(part(json))).isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith("tokenizer.json: " + message);
    }

    @ParameterizedTest
    @ValueSource(strings = {"{\"type\": \"Strip\", \"content\": \"ab\"}",
            "{\"type\": \"Strip\", \"content\": \"a\", \"start\": -1}",
            "{\"type\": \"WordPiece\", \"suffix\": \"a\"}", "{\"type\": \"Nothing\"}", "{\"type\": 1}", "{}"})
    void a_mistake_in_a_decoder_is_named(String json) {
        assertThatThrownBy(() -> Decoder.fromJson(part(json))).isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith("tokenizer.json: part");
    }

    private static JsonPart part(String json) {
        return new JsonPart(Path.of("tokenizer.json"), "part", new JsonMapper().readTree(json));
    }

    /// With options that no other test has, so that nothing was looked up before.
    @Test
    void a_nul_is_cleaned_away_also_when_it_is_the_first_character_of_all() {
        assertThat(new Normalizer.Bert(true, false, true, false).apply(Piece.of("\0a\0")).text).isEqualTo("a");
    }
}
