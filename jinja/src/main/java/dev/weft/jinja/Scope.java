package dev.weft.jinja;

import dev.weft.jinja.Values.Undefined;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// The variables of a block while it runs, and those around it.
final class Scope {
    private final @Nullable Scope parent;
    private final @Nullable Frame frame;
    private final Map<String, Object> values = new HashMap<>();

    Scope(@Nullable Scope parent, @Nullable Frame frame) {
        this.parent = parent;
        this.frame = frame;
    }

    void set(String name, Object value) {
        values.put(name, value);
    }

    Object get(String name) {
        for (Scope scope = this; scope != null; scope = scope.parent) {
            Object value = scope.values.get(name);
            if (value != null) {
                return value;
            }
            if (scope.frame != null && scope.frame.hides(name)) {
                break;
            }
        }
        return Undefined.name(name);
    }
}
