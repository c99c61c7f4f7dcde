package dev.weft.jinja;

import dev.weft.jinja.Values.DictValue;
import dev.weft.jinja.Values.ListValue;
import dev.weft.jinja.Values.None;
import dev.weft.jinja.Values.TupleValue;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/// The methods of Python's strings.
final class Strings {
    static final Set<String> NAMES = Set.of("capitalize", "casefold", "center", "count", "endswith", "expandtabs",
            "find", "format", "format_map", "index", "isalnum", "isalpha", "isascii", "isdecimal", "isdigit",
            "isidentifier", "islower", "isnumeric", "isprintable", "isspace", "istitle", "isupper", "join", "ljust",
            "lower", "lstrip", "partition", "removeprefix", "removesuffix", "replace", "rfind", "rindex", "rjust",
            "rpartition", "rsplit", "rstrip", "split", "splitlines", "startswith", "strip", "swapcase", "title",
            "upper", "zfill");

    private final Evaluator evaluator;
    private final Python python;

    Strings(Evaluator evaluator) {
        this.evaluator = evaluator;
        python = evaluator.python;
    }

    Object call(String text, String name, Arguments arguments) {
        python.meter.chars(text.length());
        return switch (name) {
            case "capitalize" -> plain(name, arguments, Text.capitalized(text));
            case "casefold" -> plain(name, arguments, Text.lower(Text.upper(text).replace("ẞ", "SS")));
            case "lower" -> plain(name, arguments, Text.lower(text));
            case "upper" -> plain(name, arguments, Text.upper(text));
            case "title" -> plain(name, arguments, Text.titled(text));
            case "swapcase" -> plain(name, arguments, Text.swapped(text));
            case "isalnum" -> plain(name, arguments, Text.all(text, Text::isAlphanumeric));
            case "isalpha" -> plain(name, arguments, Text.all(text, Character::isLetter));
            case "isascii" -> plain(name, arguments, text.chars().allMatch(c -> c < 0x80));
            case "isdecimal" -> plain(name, arguments, Text.all(text, Character::isDigit));
            case "isdigit" -> plain(name, arguments, Text.all(text, Text::isDigit));
            case "isidentifier" -> plain(name, arguments, isIdentifier(text));
            case "islower" -> plain(name, arguments, Text.isCase(text, false));
            case "isupper" -> plain(name, arguments, Text.isCase(text, true));
            case "istitle" -> plain(name, arguments, Text.isTitle(text));
            case "isnumeric" -> plain(name, arguments, Text.all(text, Text::isNumeric));
            case "isprintable" -> plain(name, arguments, text.codePoints().allMatch(Text::isPrintable));
            case "isspace" -> plain(name, arguments, Text.all(text, Text::isSpace));
            case "strip" -> stripped(text, arguments, name, true, true);
            case "lstrip" -> stripped(text, arguments, name, true, false);
            case "rstrip" -> stripped(text, arguments, name, false, true);
            case "center", "ljust", "rjust" -> aligned(text, name, arguments);
            case "zfill" -> zeros(text, arguments);
            case "expandtabs" -> expanded(text, arguments);
            case "startswith" -> affix(text, name, arguments, true);
            case "endswith" -> affix(text, name, arguments, false);
            case "removeprefix" -> {
                String affix = one(name, arguments);
                yield text.startsWith(affix) ? text.substring(affix.length()) : text;
            }
            case "removesuffix" -> {
                String affix = one(name, arguments);
                yield !affix.isEmpty() && text.endsWith(affix)
                        ? text.substring(0, text.length() - affix.length())
                        : text;
            }
            case "count", "find", "index", "rfind", "rindex" -> found(text, name, arguments);
            case "format" -> new Formatting(python).braces(text, arguments, evaluator::attribute);
            case "format_map" -> {
                if (!(arguments.bind(name, 1, "/mapping")[0] instanceof DictValue dict)) {
                    throw new Problem("format_map needs a dict");
                }
                Map<String, Object> named = new HashMap<>();
                for (Map.Entry<Object, Object> entry : dict.entries()) {
                    if (entry.getKey() instanceof String key) {
                        named.put(key, entry.getValue());
                    }
                }
                yield new Formatting(python).braces(text, new Arguments(List.of(), named), evaluator::attribute);
            }
            case "join" -> {
                Object items = arguments.bind(name, 1, "/iterable")[0];
                assert items != null;
                List<Object> parts = python.list(items);
                for (Object part : parts) {
                    Python.wantText(part, "an item to join");
                }
                yield join(text, parts);
            }
            case "partition", "rpartition" -> parted(text, one(name, arguments), name);
            case "replace" -> {
                @Nullable
                Object[] given = arguments.bind(name, 2, "/old", "/new", "/count");
                yield replaced(text, want(given[0], "what replace looks for"), want(given[1], "the replacement"),
                        given[2] == null ? -1 : Python.wantInt(given[2], "the count of replace"));
            }
            case "split", "rsplit" -> {
                @Nullable
                Object[] given = arguments.bind(name, 0, "sep", "maxsplit");
                int most = given[1] == null ? -1 : Python.wantInt(given[1], "maxsplit");
                boolean words = given[0] == null || given[0] instanceof None;
                boolean left = name.equals("split");
                List<Object> parts = words
                        ? words(text, most < 0 ? Integer.MAX_VALUE : most, left)
                        : split(text, want(given[0], "the separator"), most < 0 ? Integer.MAX_VALUE : most, left);
                python.meter.items(parts.size());
                yield new ListValue(parts);
            }
            case "splitlines" -> {
                Object keep = arguments.bind(name, 0, "keepends")[0];
                List<Object> lines = Text.lines(text, keep != null && python.truth(keep));
                python.meter.items(lines.size());
                yield new ListValue(lines);
            }
            default -> throw Problem.of("'%s' of a str is not supported", name);
        };
    }

    private static Object plain(String name, Arguments arguments, Object value) {
        arguments.bind(name, 0);
        return value;
    }

    private static String want(@Nullable Object value, String what) {
        assert value != null;
        return Python.wantText(value, what);
    }

    private static String one(String name, Arguments arguments) {
        return want(arguments.bind(name, 1, "/text")[0], "the argument of " + name);
    }

    private static boolean isIdentifier(String text) {
        if (text.isEmpty()) {
            return false;
        }
        int first = text.codePointAt(0);
        return (first == '_' || Character.isUnicodeIdentifierStart(first)) && text.codePoints().skip(1)
                .allMatch(c -> Character.isUnicodeIdentifierPart(c) && !Character.isIdentifierIgnorable(c));
    }

    private static String stripped(String text, Arguments arguments, String name, boolean left, boolean right) {
        Object chars = arguments.bind(name, 0, "/chars")[0];
        return Text.strip(text, chars == null || chars instanceof None ? null : want(chars, "what is stripped"), left,
                right);
    }

    private String aligned(String text, String name, Arguments arguments) {
        @Nullable
        Object[] given = arguments.bind(name, 1, "/width", "/fillchar");
        Object wanted = given[0];
        assert wanted != null;
        int width = Python.wantInt(wanted, "the width");
        String fill = given[1] == null ? " " : want(given[1], "the fill character");
        if (Text.length(fill) != 1) {
            throw new Problem("the fill character must be one character");
        }
        return aligned(text, name, width, fill);
    }

    String aligned(String text, String name, int width, String fill) {
        int missing = width - Text.length(text);
        if (missing <= 0) {
            return text;
        }
        python.meter.chars(width * (long) fill.length());
        // Python puts the odd blank left when the width is odd, and right when it is even.
        int left = name.equals("ljust")
                ? 0
                : name.equals("rjust") ? missing : missing / 2 + (missing & width & 1);
        return fill.repeat(left) + text + fill.repeat(missing - left);
    }

    private String zeros(String text, Arguments arguments) {
        Object width = arguments.bind("zfill", 1, "/width")[0];
        assert width != null;
        int missing = Python.wantInt(width, "the width") - Text.length(text);
        if (missing <= 0) {
            return text;
        }
        python.meter.chars(missing);
        boolean signed = text.startsWith("+") || text.startsWith("-");
        return signed ? text.charAt(0) + "0".repeat(missing) + text.substring(1) : "0".repeat(missing) + text;
    }

    private String expanded(String text, Arguments arguments) {
        Object size = arguments.bind("expandtabs", 0, "tabsize")[0];
        int every = size == null ? 8 : Python.wantInt(size, "the size of tabs");
        python.meter.chars(text.chars().filter(c -> c == '\t').count() * Math.max(0, every));
        var out = new StringBuilder();
        int[] column = {0};
        text.codePoints().forEach(c -> {
            if (c == '\t') {
                int blanks = every > 0 ? every - column[0] % every : 0;
                out.repeat(' ', blanks);
                column[0] += blanks;
            } else {
                out.appendCodePoint(c);
                column[0] = c == '\n' || c == '\r' ? 0 : column[0] + 1;
            }
        });
        return out.toString();
    }

    private static boolean affix(String text, String name, Arguments arguments, boolean start) {
        @Nullable
        Object[] given = arguments.bind(name, 1, "/prefix", "/start", "/end");
        int size = Text.length(text);
        int from = place(given[1], 0, size);
        int to = Math.min(size, place(given[2], size, size));
        Predicate<String> fits = affix -> {
            int length = Text.length(affix);
            if (from > to || length > to - from) {
                return false;
            }
            int at = Text.unit(text, start ? from : to - length);
            return text.startsWith(affix, at);
        };
        Object wanted = given[0];
        assert wanted != null;
        return wanted instanceof TupleValue tuple
                ? tuple.items().stream().anyMatch(one -> fits.test(want(one, "each of the tuple")))
                : fits.test(want(wanted, "the argument of " + name));
    }

    private static int place(@Nullable Object given, int otherwise, int size) {
        if (given == null || given instanceof None) {
            return otherwise;
        }
        int place = Python.wantInt(given, "a place");
        return place < 0 ? Math.max(0, place + size) : place;
    }

    private Object found(String text, String name, Arguments arguments) {
        @Nullable
        Object[] given = arguments.bind(name, 1, "/sub", "/start", "/end");
        String wanted = want(given[0], "what " + name + " looks for");
        int size = Text.length(text);
        int from = place(given[1], 0, size);
        int to = Math.min(size, place(given[2], size, size));
        int place = -1;
        if (from <= to && from <= size) {
            python.meter.search(text, wanted);
            int begin = Text.unit(text, from);
            String part = text.substring(begin, text.offsetByCodePoints(begin, to - from));
            if (name.equals("count")) {
                return Python.integer(wanted.isEmpty() ? to - from + 1L : occurrences(part, wanted));
            }
            int at = name.startsWith("r") ? part.lastIndexOf(wanted) : part.indexOf(wanted);
            place = at < 0 ? -1 : from + part.codePointCount(0, at);
        } else if (name.equals("count")) {
            return Python.integer(0);
        }
        if (place < 0 && name.endsWith("index")) {
            throw new Problem("the substring was not found");
        }
        return Python.integer(place);
    }

    private static int occurrences(String text, String part) {
        int count = 0;
        for (int at = text.indexOf(part); at >= 0; at = text.indexOf(part, at + part.length())) {
            count++;
        }
        return count;
    }

    String join(String separator, List<Object> parts) {
        var out = new StringBuilder();
        for (int i = 0; i < parts.size(); i++) {
            out.append(i == 0 ? "" : separator).append(python.str(parts.get(i)));
            python.meter.output(out.length() / 2);
        }
        python.meter.chars(out.length());
        return out.toString();
    }

    private TupleValue parted(String text, String separator, String name) {
        python.meter.search(text, separator);
        if (separator.isEmpty()) {
            throw new Problem("the separator is empty");
        }
        boolean left = name.equals("partition");
        int at = left ? text.indexOf(separator) : text.lastIndexOf(separator);
        if (at < 0) {
            return left ? TupleValue.of(text, "", "") : TupleValue.of("", "", text);
        }
        return TupleValue.of(text.substring(0, at), separator, text.substring(at + separator.length()));
    }

    String replaced(String text, String old, String with, int count) {
        long most = count < 0 ? Long.MAX_VALUE : count;
        python.meter.search(text, old);
        long places = Math.min(most, old.isEmpty() ? Text.length(text) + 1L : occurrences(text, old));
        if (places == 0) {
            return text;
        }
        python.meter.chars(text.length() + places * (with.length() - (long) old.length()));
        var out = new StringBuilder();
        int from = 0;
        for (long i = 0; i < places; i++) {
            if (old.isEmpty()) {
                int to = i == 0 ? 0 : from + Character.charCount(text.codePointAt(from));
                out.append(text, from, to).append(with);
                from = to;
            } else {
                int at = text.indexOf(old, from);
                out.append(text, from, at).append(with);
                from = at + old.length();
            }
        }
        return out.append(text, from, text.length()).toString();
    }

    private List<Object> split(String text, String separator, int most, boolean left) {
        python.meter.search(text, separator);
        if (separator.isEmpty()) {
            throw new Problem("the separator is empty");
        }
        var parts = new ArrayList<Object>();
        if (left) {
            int from = 0;
            for (int at = text.indexOf(separator); at >= 0 && parts.size() < most; at = text.indexOf(separator, from)) {
                parts.add(text.substring(from, at));
                from = at + separator.length();
            }
            parts.add(text.substring(from));
            return parts;
        }
        int to = text.length();
        for (int at = text.lastIndexOf(separator); at >= 0 && parts.size() < most; at = to >= separator.length()
                ? text.lastIndexOf(separator, to - separator.length())
                : -1) {
            parts.add(text.substring(at + separator.length(), to));
            to = at;
        }
        parts.add(text.substring(0, to));
        Collections.reverse(parts);
        return parts;
    }

    private static List<Object> words(String text, int most, boolean left) {
        var words = new ArrayList<Object>();
        int from = 0;
        int to = text.length();
        while (true) {
            if (left) {
                from = edge(text, from, to, true, true);
            } else {
                to = edge(text, to, from, false, true);
            }
            if (from >= to) {
                break;
            }
            if (words.size() == most) {
                words.add(text.substring(from, to));
                break;
            }
            int at = left ? edge(text, from, to, true, false) : edge(text, to, from, false, false);
            words.add(left ? text.substring(from, at) : text.substring(at, to));
            from = left ? at : from;
            to = left ? to : at;
        }
        if (!left) {
            Collections.reverse(words);
        }
        return words;
    }

    /// Where white space, or what is none, ends that begins here, going forwards or backwards.
    private static int edge(String text, int from, int to, boolean forwards, boolean space) {
        int at = from;
        while (at != to && Text.isSpace(text.charAt(forwards ? at : at - 1)) == space) {
            at += forwards ? 1 : -1;
        }
        return at;
    }
}
