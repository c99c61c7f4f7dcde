package dev.weft.examples;

import dev.weft.run.Generation;
import dev.weft.run.TextGenerator;
import dev.weft.grammar.Constraint;
import java.nio.file.Path;
import java.util.List;

/// Lets a model write only what can be read: JSON by a schema, or one of a few words.
public final class Constrain {
    private Constrain() {}

    /// `Constrain models/qwen2-instruct "Ada is 36."`
    public static void main(String... args) {
        try (var writer = TextGenerator.open(Path.of(args[0]))) {
            System.out.println(person(writer, args[1], writer.defaults().withMaxNewTokens(200)));
            System.out.println(mood(writer, args[1], writer.defaults().withMaxNewTokens(200)));
        }
    }

    static String person(TextGenerator writer, String text, Generation options) {
        Constraint person = Constraint.jsonSchema("""
                {"type": "object", "required": ["name"], "properties": {
                  "name": {"type": "string", "maxLength": 40},
                  "age": {"type": "integer", "minimum": 0}}}""");
        TextGenerator strict = writer.withConstraint(person); // once; keep it for all requests
        return strict.generate(text + "\nAs JSON: ", options);
    }

    static String mood(TextGenerator writer, String text, Generation options) {
        Constraint mood = Constraint.choice(List.of("good", "bad")).after("</think>");
        return writer.withConstraint(mood).generate(text + "\nIs that good or bad? ", options);
    }
}
