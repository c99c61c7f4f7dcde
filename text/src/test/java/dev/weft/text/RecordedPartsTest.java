package dev.weft.text;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.Stream;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// Normalizers and pre-tokenizers beside what the newest reference library did to every character, of all planes;
/// recorded by `build/tokenizer_part_cases.py`.
class RecordedPartsTest {
    @TestFactory
    Stream<DynamicTest> every_character_of_every_word_has_the_recorded_place() throws IOException {
        try (var lines = new BufferedReader(new InputStreamReader(
                new GZIPInputStream(RecordedPartsTest.class.getResourceAsStream("/parts.jsonl.gz")),
                StandardCharsets.UTF_8))) {
            var mapper = new JsonMapper();
            List<JsonNode> recorded = lines.lines().map(mapper::readTree).toList();
            assertThat(recorded).hasSizeGreaterThan(60);
            return recorded.stream().map(line -> DynamicTest.dynamicTest(
                    line.get("normalizer") + " " + line.get("pre_tokenizer"),
                    () -> line.get("cases").forEach(each -> check(line, each))));
        }
    }

    private static void check(JsonNode line, JsonNode recorded) {
        String text = recorded.get("text").stringValue();
        Piece piece = Piece.of(text);
        if (!line.get("normalizer").isNull()) {
            piece = Normalizer.fromJson(part(line, "normalizer")).apply(piece);
        }
        var characters = new StringBuilder();
        var words = new ArrayList<Integer>();
        var places = new ArrayList<Integer>();
        int[] word = {0};
        Consumer<Piece> add = cut -> {
            for (int from = 0; from < cut.text.length();) {
                int to = from + Character.charCount(cut.text.codePointAt(from));
                words.add(word[0]);
                places.add(text.codePointCount(0, cut.start(from)));
                places.add(text.codePointCount(0, cut.end(to)));
                from = to;
            }
            characters.append(cut.text);
            word[0]++;
        };
        if (line.get("pre_tokenizer").isNull()) {
            add.accept(piece);
        } else {
            PreTokenizer.fromJson(part(line, "pre_tokenizer")).cut(piece, add);
        }
        String about = "'%s' (%s)".formatted(text, text.codePoints().mapToObj("%04X"::formatted).toList());
        assertThat(characters.toString()).as(about).isEqualTo(recorded.get("characters").stringValue());
        assertThat(words).as("words of %s", about).isEqualTo(ints(recorded.get("words")));
        assertThat(places).as("places in %s", about).isEqualTo(ints(recorded.get("offsets")));
    }

    private static List<Integer> ints(JsonNode list) {
        return list.values().stream().map(JsonNode::intValue).toList();
    }

    private static JsonPart part(JsonNode line, String name) {
        return new JsonPart(Path.of("parts.jsonl"), name, line.get(name));
    }
}
