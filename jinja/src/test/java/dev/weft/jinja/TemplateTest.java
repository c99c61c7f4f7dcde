package dev.weft.jinja;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// Small templates with what jinja2 makes of them, by `build/template_cases.py`.
class TemplateTest {
    static final Path FOLDER = Path.of("src", "test", "resources", "templates");
    static final Clock STANDING = Clock.fixed(Instant.parse("2024-07-26T09:05:03.000042Z"), ZoneOffset.UTC);

    static JsonNode json(String name) throws IOException {
        return new JsonMapper().readTree(Files.readAllBytes(FOLDER.resolve(name)));
    }

    static Map<String, JsonNode> members(JsonNode object) {
        var members = new LinkedHashMap<String, JsonNode>();
        object.properties().forEach(entry -> members.put(entry.getKey(), entry.getValue()));
        return members;
    }

    record Case(String template, Map<String, JsonNode> variables, JsonNode expected) {
        @Override
        public String toString() {
            return template;
        }
    }

    static Stream<Case> cases() throws IOException {
        Map<String, JsonNode> variables = members(json("variables.json"));
        return StreamSupport.stream(json("expressions.json").spliterator(), false)
                .map(one -> new Case(one.get("template").stringValue(), variables, one));
    }

    @ParameterizedTest
    @MethodSource("cases")
    void a_template_gives_what_jinja2_gives(Case one) {
        String found;
        try {
            found = Template.of("t", one.template).render(one.variables, TemplateLimits.USUAL, STANDING, false).text();
        } catch (TemplateException e) {
            JsonNode error = one.expected.path("error");
            assertThat(one.expected.has("error") || one.expected.has("refused")).as("refused: " + e.getMessage())
                    .isTrue();
            assertThat(e.refusal()).isEqualTo(error.isString() ? error.stringValue() : null);
            return;
        }
        assertThat(one.expected.has("output")).as("gave \"%s\", jinja2 an error", found).isTrue();
        assertThat(found).isEqualTo(one.expected.get("output").stringValue());
    }
}
