package dev.weft.text.chat;

import static org.assertj.core.api.Assertions.assertThat;

import dev.weft.jinja.TemplateException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// Templates in the manner of the published families, with what the Python library makes of conversations by
/// `build/template_cases.py`.
class FamiliesTest {
    private static final Path FOLDER = Path.of("src", "test", "resources", "templates");
    private static final Clock STANDING = Clock.fixed(Instant.parse("2024-07-26T09:05:03.000042Z"), ZoneOffset.UTC);

    record Case(String family, String source, Conversation conversation, JsonNode expected) {
        @Override
        public String toString() {
            return "%s, %s%s".formatted(family, expected.get("conversation").stringValue(),
                    expected.get("prompt").booleanValue() ? ", with the prompt" : "");
        }
    }

    private static JsonNode json(Path file) throws IOException {
        return new JsonMapper().readTree(Files.readAllBytes(file));
    }

    static Stream<Case> cases() throws IOException {
        Map<String, Conversation> conversations = new HashMap<>();
        for (JsonNode one : json(FOLDER.resolve("conversations.json"))) {
            Conversation conversation = Conversation.parse(one.toString());
            for (Map.Entry<String, JsonNode> variable : one.path("variables").properties()) {
                conversation = conversation.with(variable.getKey(), variable.getValue());
            }
            conversations.put(one.get("name").stringValue(), conversation);
        }
        var cases = new ArrayList<Case>();
        try (Stream<Path> files = Files.list(FOLDER)) {
            for (Path file : files.filter(file -> file.toString().endsWith(".jinja")).sorted().toList()) {
                String family = file.getFileName().toString().replace(".jinja", "");
                String source = Files.readString(file);
                StreamSupport.stream(json(FOLDER.resolve(family + ".json")).spliterator(), false).forEach(one -> {
                    Conversation conversation = conversations.get(one.get("conversation").stringValue());
                    cases.add(new Case(family, source, one.get("prompt").booleanValue()
                            ? conversation.withGenerationPrompt()
                            : conversation, one));
                });
            }
        }
        return cases.stream();
    }

    @ParameterizedTest
    @MethodSource("cases")
    void a_familys_template_gives_what_the_python_library_gives(Case one) {
        ChatTemplate template = ChatTemplate.of(one.family, one.source).withClock(STANDING)
                .withSpecialToken("bos_token", "<s>").withSpecialToken("eos_token", "</s>")
                .withSpecialToken("pad_token", "<pad>").withSpecialToken("unk_token", "<unk>");
        JsonNode error = one.expected.path("error");
        RenderedChat turns = null;
        String text;
        try {
            text = template.render(one.conversation);
            if (one.expected.has("spans")) {
                turns = template.renderWithTurns(one.conversation);
            }
        } catch (TemplateException e) {
            assertThat(one.expected.has("error")).as("refused: " + e.getMessage()).isTrue();
            assertThat(e.refusal()).isEqualTo(error.isString() ? error.stringValue() : null);
            return;
        }
        assertThat(one.expected.has("error")).as("gave \"%s\", the Python library an error", text).isFalse();
        assertThat(text).isEqualTo(one.expected.get("output").stringValue());
        if (turns != null) {
            // Python counts code points.
            List<List<Integer>> places = turns.assistantTurns().stream()
                    .map(turn -> List.of(text.codePointCount(0, turn.start()), text.codePointCount(0, turn.end())))
                    .toList();
            var expected = new ArrayList<List<Integer>>();
            one.expected.get("spans").forEach(span -> expected.add(List.of(span.get(0).intValue(),
                    span.get(1).intValue())));
            assertThat(places).isEqualTo(expected);
        }
    }
}
