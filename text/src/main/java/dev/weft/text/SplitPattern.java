package dev.weft.text;

import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/// The pattern of a [PreTokenizer.Split] as the file spells it, and as Java's engine understands it.
record SplitPattern(String text, boolean regex, Pattern compiled) {
    private static final Pattern PROPERTY = Pattern.compile("\\\\([pP])\\{(\\^?)([A-Za-z_]+)}");

    /// Oniguruma's meaning, which the files assume: Unicode classes, lines end at line feeds only and `^`, `$` see them.
    private static final int FLAGS = Pattern.UNICODE_CHARACTER_CLASS | Pattern.UNICODE_CASE | Pattern.MULTILINE
            | Pattern.UNIX_LINES;

    static SplitPattern literal(String text) {
        return new SplitPattern(text, false, Pattern.compile(Pattern.quote(text)));
    }

    static SplitPattern regex(String text) {
        return new SplitPattern(text, true, Pattern.compile(translated(text), FLAGS));
    }

    /// Java names scripts with a prefix (`\p{IsHan}`) and negates with a large P.
    private static String translated(String regex) {
        return PROPERTY.matcher(regex).replaceAll(found -> {
            boolean negative = found.group(1).equals("P") != found.group(2).equals("^");
            String name = found.group(3);
            return Matcher
                    .quoteReplacement("\\%s{%s}".formatted(negative ? "P" : "p", isScript(name) ? "Is" + name : name));
        });
    }

    private static boolean isScript(String name) {
        try {
            // Two letters are a general category (`Lu`), not the short name of a script.
            return name.length() > 2 && Character.UnicodeScript.forName(name) != null;
        } catch (IllegalArgumentException notAScript) {
            return false;
        }
    }

    Matcher matcher(String text) {
        return compiled.matcher(text);
    }

    static SplitPattern fromJson(JsonPart json) {
        json.allows("String", "Regex");
        if (json.has("String")) {
            return literal(json.string("String"));
        }
        try {
            return regex(json.string("Regex"));
        } catch (PatternSyntaxException e) {
            throw json.at("Regex").error("Java's engine does not know this regular expression: %s in %s"
                    .formatted(e.getDescription(), e.getPattern()));
        }
    }

    ObjectNode toJson() {
        return JsonNodeFactory.instance.objectNode().put(regex ? "Regex" : "String", text);
    }
}
