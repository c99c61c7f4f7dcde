package dev.weft.cli;

import java.util.Map;
import picocli.CommandLine.Option;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/// How a command shows its results: for people, or with `--json` for programs.
final class Output {
    private static final JsonMapper JSON = new JsonMapper();

    @Option(names = "--json", description = "Print one JSON object instead of text.")
    boolean json;

    /// Named facts, one a line, or one object.
    void facts(Map<String, ?> facts) {
        if (json) {
            ObjectNode node = JSON.createObjectNode();
            facts.forEach((name, value) -> node.set(name.replace(' ', '_'), JSON.valueToTree(value)));
            System.out.println(node);
            return;
        }
        int width = facts.keySet().stream().mapToInt(String::length).max().orElse(0);
        facts.forEach((name, value) -> System.out.println(("%-" + width + "s  %s").formatted(name, value)));
    }

    void object(ObjectNode node) {
        System.out.println(node);
    }
}
