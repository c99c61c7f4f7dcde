package dev.weft.adapt;

import dev.weft.checkpoint.Json;
import java.util.List;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/// Which projections of a model are meant, by PEFT's rules for `target_modules`.
public sealed interface Targets {
    /// What PEFT calls [AllLinear].
    String ALL_LINEAR = "all-linear";

    /// Every projection but the output head.
    record AllLinear() implements Targets {
        @Override
        public boolean names(String module) {
            return true;
        }
    }

    /// Those whose name is one of these or ends in a dot and one of these.
    record Names(List<String> names) implements Targets {
        public Names {
            names = List.copyOf(names);
        }

        @Override
        public String toString() {
            return String.join(", ", names);
        }

        @Override
        public boolean names(String module) {
            return names.stream().anyMatch(name -> module.equals(name) || module.endsWith("." + name));
        }
    }

    /// Those whose whole name a regular expression matches.
    record Matching(Pattern pattern) implements Targets {
        @Override
        public boolean names(String module) {
            return pattern.matcher(module).matches();
        }
    }

    /// Whether a projection is named, `model.layers.0.self_attn.q_proj` for instance.
    boolean names(String module);

    /// No projection.
    static Targets none() {
        return of();
    }

    /// By their names or the ends of their names; the one name `all-linear` means all.
    static Targets of(String... names) {
        return names.length == 1 && names[0].equals(ALL_LINEAR) ? new AllLinear() : new Names(List.of(names));
    }

    /// The value of `key` in an `adapter_config.json`: a list of names, a regular expression, `all-linear`, or nothing.
    static Targets fromJson(Json json, String key) {
        if (!json.has(key)) {
            return none();
        }
        if (json.node().get(key).isArray()) {
            return new Names(json.texts(key));
        }
        String text = json.text(key);
        try {
            return text.equals(ALL_LINEAR) ? new AllLinear() : new Matching(Pattern.compile(text));
        } catch (PatternSyntaxException e) {
            throw new IllegalArgumentException(json.mustBe(key, "a regular expression").getMessage(), e);
        }
    }

    /// Puts the value that [#fromJson] reads.
    default void toJson(ObjectNode json, String key) {
        switch (this) {
            case AllLinear() -> json.put(key, ALL_LINEAR);
            case Matching(Pattern pattern) -> json.put(key, pattern.pattern());
            case Names(List<String> names) -> {
                if (names.isEmpty()) {
                    json.putNull(key);
                } else {
                    ArrayNode list = json.putArray(key);
                    names.forEach(list::add);
                }
            }
        }
    }
}
