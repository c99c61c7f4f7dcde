package dev.weft.jinja;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/// Random templates, rendered here and by jinja2 where `python3` has it. Weft may refuse what it does not support; what it
/// renders is what jinja2 renders, and what jinja2 refuses it refuses.
class RandomTemplatesTest {
    private static final int TEMPLATES = 3000;
    private static final JsonMapper JSON = new JsonMapper();
    private static final Path SCRIPT = Path.of(System.getProperty("weft.root", ".."), "build", "random_templates.py");
    private static final List<String> ATOMS = List.of("1", "0", "-3", "2.5", "7", "1e16", "'a'", "'Hello World'", "''",
            "'x,y,,z'", "' pad '", "'é👋'", "true", "false", "none", "x", "y", "s", "u", "empty", "list", "words",
            "nested", "d", "users", "mixed", "messages", "undefined_a", "big", "[]", "{}", "()", "[1, 'b']",
            "{'k': 1}", "range(4)", "d.a", "users[0].name", "messages[0]['role']", "list[0]");
    private static final List<String> BINARY = List.of("+", "-", "*", "/", "//", "%", "~", "==", "!=", "<", "<=", ">",
            ">=", "in", "not in", "and", "or");
    private static final List<String> FILTERS = List.of("abs", "capitalize", "center(9)", "count", "default('D')",
            "default('D', true)", "dictsort", "first", "float", "indent(2)", "int", "items|list", "join('-')", "join",
            "last", "length", "list", "lower", "map('string')|list", "map(attribute='name')|list", "max", "min",
            "reject('none')|list", "replace('a', 'b')", "reverse|list", "round", "round(1)", "select|list",
            "selectattr('role')|list", "sort", "sort(reverse=true)", "string", "sum", "title", "tojson",
            "tojson(indent=2)", "trim", "truncate(4, true, '..', 0)", "unique|list", "upper", "wordcount",
            "batch(2)|list", "slice(2)|list", "urlencode", "groupby(0)", "filesizeformat", "attr('real')");
    private static final List<String> TESTS = List.of("defined", "undefined", "none", "string", "number", "integer",
            "float", "boolean", "mapping", "sequence", "iterable", "true", "false", "odd", "even", "divisibleby 2",
            "lower", "upper", "eq 1", "in [1, 'a']", "ne 'a'", "gt 1", "callable");
    private static final List<String> METHODS = List.of("upper()", "lower()", "title()", "strip()", "split()",
            "split(',')", "rsplit(',', 1)", "replace('l', 'L', 1)", "startswith('H')", "endswith(('d', 'a'))",
            "find('o')", "count('l')", "items()|list", "keys()|list", "values()|list", "get('a')", "get('q', 3)",
            "index('a')", "zfill(6)", "center(8, '*')", "partition(',')", "splitlines()", "isdigit()", "isalpha()",
            "capitalize()", "swapcase()", "join(words)", "format(1, 2)", "removeprefix('H')", "lstrip('H')",
            "isupper()", "istitle()", "rfind('l')", "ljust(4)", "expandtabs(3)");
    private static final List<String> BLANKS = List.of("", " ", "\n", "  ", "\n  ", " \n", "\t", "a", "b\n", "\n\n");

    private final Random random = new Random(4711);

    @TempDir
    Path folder;

    private <T> T one(List<T> of) {
        return of.get(random.nextInt(of.size()));
    }

    private String expression(int depth) {
        if (depth == 0 || random.nextInt(6) == 0) {
            return one(ATOMS);
        }
        String inner = expression(depth - 1);
        return switch (random.nextInt(12)) {
            case 0, 1 -> inner + " " + one(BINARY) + " " + expression(depth - 1);
            case 2 -> "(" + inner + ")";
            case 3, 4 -> "(" + inner + ")|" + one(FILTERS);
            case 5 -> inner + "|" + one(FILTERS);
            case 6 -> inner + " is " + (random.nextBoolean() ? "not " : "") + one(TESTS);
            case 7 -> "(" + inner + ")." + one(METHODS);
            case 8 -> expression(depth - 1) + " if " + inner + (random.nextBoolean()
                    ? " else " + expression(depth - 1)
                    : "");
            case 9 -> "(" + inner + ")[" + slice() + "]";
            case 10 -> "not " + inner;
            default -> "[" + inner + ", " + expression(depth - 1) + "]";
        };
    }

    private String slice() {
        String number = Integer.toString(random.nextInt(9) - 4);
        return switch (random.nextInt(5)) {
            case 0 -> number;
            case 1 -> number + ":";
            case 2 -> ":" + number;
            case 3 -> "::-1";
            default -> number + ":" + (random.nextInt(9) - 4) + ":" + (random.nextBoolean() ? "2" : "-2");
        };
    }

    private String tag(String content) {
        List<String> signs = List.of("", "", "", "-", "+");
        return "{%" + one(signs) + " " + content + " " + one(signs) + "%}";
    }

    private String statements(int depth, boolean inLoop) {
        var out = new StringBuilder();
        for (int i = random.nextInt(3) + 1; i > 0; i--) {
            out.append(one(BLANKS)).append(statement(depth, inLoop)).append(one(BLANKS));
        }
        return out.toString();
    }

    private String statement(int depth, boolean inLoop) {
        String name = one(List.of("a", "b", "x", "s"));
        int kind = random.nextInt(depth == 0 ? 3 : 11);
        return switch (kind) {
            case 0, 1 -> random.nextBoolean() ? "{{ " + expression(2) + " }}" : "{{- " + name + " -}}";
            case 2 -> tag("set " + name + " = " + expression(1));
            case 3, 4 ->
                tag("for " + name + " in " + one(List.of("list", "words", "range(3)", "d", "nested", expression(1)))
                        + (random.nextInt(4) == 0 ? " if " + name + " != 1" : "")) + statements(depth - 1, true)
                        + (random.nextInt(4) == 0 ? tag("else") + statements(depth - 1, inLoop) : "") + tag("endfor");
            case 5, 6 -> tag("if " + expression(1)) + statements(depth - 1, inLoop)
                    + (random.nextInt(3) == 0 ? tag("elif " + name) + statements(depth - 1, inLoop) : "")
                    + (random.nextInt(2) == 0 ? tag("else") + statements(depth - 1, inLoop) : "") + tag("endif");
            case 7 -> tag("macro m(" + name + ", k=" + expression(1) + ")") + statements(depth - 1, false)
                    + tag("endmacro") + "{{ m(" + expression(1) + ") }}";
            case 8 -> tag("set " + name) + statements(depth - 1, false) + tag("endset") + "{{ " + name + " }}";
            case 9 -> tag("filter " + one(List.of("upper", "trim", "length", "title"))) + statements(depth - 1, false)
                    + tag("endfilter");
            default -> inLoop
                    ? one(List.of("{{ loop.index }}", "{{ loop.last }}", "{{ loop.previtem }}", "{% break %}",
                            "{% if loop.first %}{% continue %}{% endif %}", "{{ loop.revindex0 }}"))
                    : tag("with " + name + " = " + expression(1)) + statements(depth - 1, false) + tag("endwith");
        };
    }

    private static JsonNode jinja2(ObjectNode asked, Path folder) throws IOException, InterruptedException {
        Path in = Files.writeString(folder.resolve("in.json"), asked.toString());
        Path out = folder.resolve("out.json");
        Process python;
        try {
            python = new ProcessBuilder("python3", SCRIPT.toString()).redirectInput(in.toFile())
                    .redirectOutput(out.toFile()).redirectError(folder.resolve("err.txt").toFile()).start();
        } catch (IOException e) {
            Assumptions.abort("there is no python3: " + e.getMessage());
            throw e;
        }
        boolean ended = python.waitFor(120, TimeUnit.SECONDS);
        python.destroyForcibly();
        String problem = Files.readString(folder.resolve("err.txt"));
        Assumptions.assumeFalse(problem.contains("No module named 'jinja2'"), "python3 has no jinja2");
        assertThat(ended && python.exitValue() == 0).as(problem).isTrue();
        return JSON.readTree(Files.readString(out, StandardCharsets.UTF_8));
    }

    @Test
    void random_templates_give_what_jinja2_gives() throws IOException, InterruptedException {
        List<String> templates = new ArrayList<>();
        for (int i = 0; i < TEMPLATES; i++) {
            templates.add(i % 2 == 0 ? "{{ " + expression(3) + " }}" : statements(2, false));
        }
        Map<String, JsonNode> variables = TemplateTest.members(TemplateTest.json("variables.json"));
        ObjectNode asked = JSON.createObjectNode();
        asked.set("variables", TemplateTest.json("variables.json"));
        asked.set("templates", JSON.valueToTree(templates));
        JsonNode expected = jinja2(asked, folder);

        var different = new ArrayList<String>();
        int rendered = 0;
        int refused = 0;
        for (int i = 0; i < TEMPLATES; i++) {
            String found = null;
            String problem = "";
            try {
                found = Template.of("t", templates.get(i)).render(variables);
            } catch (TemplateException e) {
                problem = e.getMessage();
            }
            String wanted = expected.get(i).isNull() ? null : expected.get(i).stringValue();
            if (found != null && !found.equals(wanted)) {
                different.add("%s%n  here:   %s%n  jinja2: %s".formatted(templates.get(i), found, wanted));
            } else if (found == null && wanted != null && !problem.contains("cannot be sliced")
                    && !wanted.matches("(?s).*(0x[0-9a-f]{6}|<built-in|<bound|<class).*")) {
                refused++;
                different.add("%s%n  here:   %s%n  jinja2: %s".formatted(templates.get(i), problem, wanted));
            } else if (found != null) {
                rendered++;
            }
        }
        assertThat(different).as("%d of %d differ, %d of them refused here", different.size(), TEMPLATES, refused)
                .isEmpty();
        assertThat(rendered).isGreaterThan(TEMPLATES / 5);
    }
}
