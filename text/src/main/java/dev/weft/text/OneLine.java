package dev.weft.text;

import java.util.regex.Pattern;

/// What a file or a text holds may be anything; a message about it is one line.
final class OneLine {
    private static final Pattern ODD = Pattern.compile("[\\p{Cc}\\x{2028}\\x{2029}]");

    private OneLine() {}

    /// The same with numbers in place of what would begin another line or write over this one.
    static String of(String message) {
        return ODD.matcher(message).replaceAll(odd -> "\\\\u%04x".formatted((int) odd.group().charAt(0)));
    }
}
