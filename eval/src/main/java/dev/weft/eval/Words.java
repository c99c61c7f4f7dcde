package dev.weft.eval;

import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

/// Texts as words and characters, split where Python splits them: the references are written in it.
final class Words {
    private static final Pattern SPACE = Pattern
            .compile("[\\x09-\\x0d\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]+");

    private Words() {}

    /// What lies between white space.
    static List<String> of(String text) {
        return Arrays.stream(SPACE.split(text)).filter(word -> !word.isEmpty()).toList();
    }

    static String withoutSpace(String text) {
        return SPACE.matcher(text).replaceAll("");
    }

    /// Without white space at both ends.
    static String strip(String text) {
        String rest = withoutSpaceAtEnd(text);
        int start = 0;
        while (start < rest.length() && SPACE.matcher(rest.substring(start, start + 1)).matches()) {
            start++;
        }
        return rest.substring(start);
    }

    static String withoutSpaceAtEnd(String text) {
        int end = text.length();
        while (end > 0 && SPACE.matcher(text.substring(end - 1, end)).matches()) {
            end--;
        }
        return text.substring(0, end);
    }

    /// One string for each Unicode character, which may take two of Java's.
    static List<String> characters(String text) {
        return text.codePoints().mapToObj(Character::toString).toList();
    }

    /// How often each run of `order` words occurs; a run is its words with spaces between.
    static Map<String, Integer> ngrams(List<String> words, int order) {
        var counts = new HashMap<String, Integer>();
        for (int start = 0; start + order <= words.size(); start++) {
            counts.merge(String.join(" ", words.subList(start, start + order)), 1, Integer::sum);
        }
        return counts;
    }

    /// How often each run of `order` Unicode characters occurs.
    static Map<String, Integer> ngrams(String text, int order) {
        var counts = new HashMap<String, Integer>();
        int characters = text.codePointCount(0, text.length());
        for (int i = 0, start = 0; i + order <= characters; i++) {
            counts.merge(text.substring(start, text.offsetByCodePoints(start, order)), 1, Integer::sum);
            start = text.offsetByCodePoints(start, 1);
        }
        return counts;
    }

    static long size(Map<String, Integer> ngrams) {
        return ngrams.values().stream().mapToLong(Integer::longValue).sum();
    }

    /// How many are in both, each as often as in the one that has it less.
    static long common(Map<String, Integer> first, Map<String, Integer> second) {
        long common = 0;
        for (Map.Entry<String, Integer> entry : first.entrySet()) {
            common += Math.min(entry.getValue(), second.getOrDefault(entry.getKey(), 0));
        }
        return common;
    }
}
