package dev.weft.jinja;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// What a function was called with.
record Arguments(List<Object> positional, Map<String, Object> named) {
    static final Arguments NONE = new Arguments(List.of(), Map.of());

    static Arguments of(Object... positional) {
        return new Arguments(List.of(positional), Map.of());
    }

    /// The arguments in the order of the parameters' names; null for those not given.
    ///
    /// @param required how many of the names must be given
    /// @param names    a slash before a name: cannot be given by name
    @Nullable
    Object[] bind(String function, int required, String... names) {
        if (positional.size() > names.length) {
            throw Problem.of("%s takes %d argument(s) at most, found %d", function, names.length, positional.size());
        }
        @Nullable
        Object[] bound = positional.toArray(new @Nullable Object[names.length]);
        var left = new LinkedHashMap<>(named);
        for (int i = 0; i < names.length; i++) {
            if (left.containsKey(names[i])) {
                if (i < positional.size()) {
                    throw Problem.of("%s was given '%s' twice", function, names[i]);
                }
                bound[i] = left.remove(names[i]);
            }
            if (i < required && bound[i] == null) {
                throw Problem.of("%s needs the argument '%s'", function, names[i].replace("/", ""));
            }
        }
        if (!left.isEmpty()) {
            throw Problem.of("%s has no argument '%s'", function, left.keySet().iterator().next());
        }
        return bound;
    }

    Object only(String function) {
        Object value = bind(function, 1, "value")[0];
        assert value != null;
        return value;
    }

    Arguments from(int first) {
        return new Arguments(positional.subList(Math.min(first, positional.size()), positional.size()), named);
    }
}
