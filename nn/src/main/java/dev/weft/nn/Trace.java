package dev.weft.nn;

import dev.weft.tensor.Tensor;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Predicate;

/// Watches, and may replace, what passes through a model.
///
/// Parts name what they compute: `h.3.attn.weights`, `h.3.resid_pre`. Nobody listening costs nothing. A tensor seen here
/// lives as long as its scope; keep it, or copy its numbers, to look at it later.
public interface Trace {
    /// Nobody listens.
    Trace SILENT = new Trace() {
        @Override
        public Tensor tap(String name, Tensor value) {
            return value;
        }

        @Override
        public boolean listens(String name) {
            return false;
        }

        @Override
        public Trace at(String part) {
            return this;
        }
    };

    /// Shows `value` to the listener.
    ///
    /// @return what the model goes on with: the same tensor, or the listener's
    Tensor tap(String name, Tensor value);

    /// Whether `name` is wanted here: what costs extra to compute is left out when not.
    boolean listens(String name);

    /// This trace inside a part of the model.
    default Trace at(String part) {
        Trace outer = this;
        return new Trace() {
            @Override
            public Tensor tap(String name, Tensor value) {
                return outer.tap(part + "." + name, value);
            }

            @Override
            public boolean listens(String name) {
                return outer.listens(part + "." + name);
            }
        };
    }

    /// This trace inside a part of this number.
    default Trace at(int index) {
        return at(Integer.toString(index));
    }

    /// Keeps every value whose full name is wanted.
    static Recording recording(Predicate<String> wanted) {
        return new Recording(wanted);
    }

    /// Values by full name, in the order they passed; outside every scope until closed.
    final class Recording implements Trace, AutoCloseable {
        private final Predicate<String> wanted;
        private final Map<String, Tensor> values = new LinkedHashMap<>();

        private Recording(Predicate<String> wanted) {
            this.wanted = wanted;
        }

        @Override
        public Tensor tap(String name, Tensor value) {
            if (wanted.test(name)) {
                Tensor seen = value.detach().unscoped();
                Tensor before = values.put(name, seen);
                if (before != null) {
                    before.close();
                }
            }
            return value;
        }

        @Override
        public boolean listens(String name) {
            return wanted.test(name);
        }

        /// What was kept, by full name.
        public Map<String, Tensor> values() {
            return values;
        }

        @Override
        public void close() {
            values.values().forEach(Tensor::close);
            values.clear();
        }
    }
}
