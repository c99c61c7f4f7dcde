package dev.weft.recipe;

import java.util.Arrays;
import java.util.Locale;
import java.util.stream.Collectors;

/// A value that is one of several names.
final class Choice {
    private Choice() {}

    /// @throws IllegalArgumentException if it is none of them
    static <E extends Enum<E>> E of(Class<E> type, String key, String value) {
        return Arrays.stream(type.getEnumConstants()).filter(each -> each.name().equalsIgnoreCase(value)).findFirst()
                .orElseThrow(() -> new IllegalArgumentException("%s is one of %s, found \"%s\"".formatted(key,
                        Arrays.stream(type.getEnumConstants()).map(each -> each.name().toLowerCase(Locale.ROOT))
                                .collect(Collectors.joining(", ")),
                        value)));
    }
}
