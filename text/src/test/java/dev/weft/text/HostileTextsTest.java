package dev.weft.text;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import tools.jackson.databind.json.JsonMapper;

/// Half a million of the same goes through every part in about the time of half a million letters. What were quadratic
/// would need hours, so that the limit is far from both.
class HostileTextsTest {
    private static final Duration LIMIT = Duration.ofMinutes(1);
    private static final int LENGTH = 1 << 19;

    private static final List<String> UNITS = List.of("a", "A", " ", "\n", "\r\n", "\u0301", "\u0323\u0301",
            "\u0301\u0323",
            "e\u0301", " \u0301", "\u0344", "가", "\u1100", "\u1161", "\u1100\u1161\u11A8", "你", "👋", "\u200D",
            "🏳\uFE0F\u200D🌈",
            "🇩", "▁", "'", "1", "\uFFFD", "\u302E", "\u0600", "क\u094D", "ﷺ");

    @TestFactory
    Stream<DynamicTest> a_normalizer_is_linear() {
        return Stream.concat(ReferencePartsTest.NORMALIZERS.stream(), ReferencePartsTest.charsMaps()).map(json -> {
            Normalizer normalizer = Normalizer.fromJson(part(json));
            return linear(json, text -> normalizer.apply(Piece.of(text)).text.length());
        });
    }

    @TestFactory
    Stream<DynamicTest> a_pre_tokenizer_is_linear() {
        return ReferencePartsTest.PRE_TOKENIZERS.stream().map(json -> {
            PreTokenizer preTokenizer = PreTokenizer.fromJson(part(json));
            return linear(json, text -> {
                int[] length = {0};
                preTokenizer.cut(Piece.of(text), word -> length[0] += word.text.length());
                return length[0];
            });
        });
    }

    @TestFactory
    Stream<DynamicTest> a_decoder_is_linear() {
        return ReferencePartsTest.DECODERS.stream().map(json -> DynamicTest.dynamicTest(json, () -> {
            Decoder decoder = Decoder.fromJson(part(json));
            for (String token : List.of("a", "ab", "aba", "▁", " ", "<0xF0>", "<0x61>", "a</w>", "<pad>", "|", "ð",
                    "Ġ")) {
                Assertions.assertTimeoutPreemptively(LIMIT, () -> {
                    Decoding decoding = decoder.begin();
                    var out = new StringBuilder();
                    for (int i = 0; i < LENGTH / 2; i++) {
                        decoding.push(token, out);
                    }
                    decoding.end(out);
                    assertThat(out.length()).isLessThanOrEqualTo(LENGTH * 4);
                }, token);
            }
        }));
    }

    private interface Cost {
        int of(String text);
    }

    private static DynamicTest linear(String name, Cost cost) {
        return DynamicTest.dynamicTest(name.length() > 200 ? name.substring(0, 200) : name, () -> {
            for (String unit : UNITS) {
                String text = unit.repeat(LENGTH / unit.length());
                int written = Assertions.assertTimeoutPreemptively(LIMIT, () -> cost.of(text),
                        () -> Arrays.toString(unit.codePoints().mapToObj("%04X"::formatted).toArray()));
                assertThat(written).isBetween(0, 64 * LENGTH);
            }
        });
    }

    private static JsonPart part(String json) {
        return new JsonPart(Path.of("tokenizer.json"), "part", new JsonMapper().readTree(json));
    }
}
