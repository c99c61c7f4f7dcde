package dev.weft.data;

import java.util.Arrays;
import java.util.Collections;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Predicate;

/// One encoded example: what a model takes and is judged by, under the names of the Python library (`input_ids`,
/// `labels`, `start_positions`, …). Its arrays are not to be changed.
public record Example(Map<String, Feature> features) {
    /// A label that counts for nothing.
    public static final int IGNORED = -100;

    public Example {
        features = Collections.unmodifiableMap(new TreeMap<>(features));
    }

    /// What an example holds under a name.
    public sealed interface Feature {
        /// One number for each token: `[batch, seq]` in a batch.
        record Sequence(int[] values) implements Feature {}

        /// A sequence for each of several choices: `[batch, choices, seq]`.
        record Choices(int[][] values) implements Feature {}

        /// A class, or a place: `[batch]` of int64.
        record Whole(int value) implements Feature {}

        /// A number to predict: `[batch]` of float32.
        record Number(float value) implements Feature {}

        /// Numbers of any shape, row by row: `[batch, shape…]` of float32. Pixels, frames, patches, vectors in place of tokens,
        /// or 1 for each of the classes that hold. Where examples differ it is along the first axis, or they bring a mask.
        record Array(float[] values, int... shape) implements Feature {
            public Array {
                if (Arrays.stream(shape).reduce(1, Math::multiplyExact) != values.length) {
                    throw new IllegalArgumentException("%d numbers do not fill the shape %s".formatted(values.length,
                            Arrays.toString(shape)));
                }
            }

            /// `[batch, n]`.
            public static Array of(float... values) {
                return new Array(values, values.length);
            }
        }

        /// Tokens along the longest axis; 0 for what has no such axis.
        default int length() {
            return switch (this) {
                case Sequence(int[] values) -> values.length;
                case Choices(int[][] values) ->
                    Arrays.stream(values).mapToInt(each -> each.length).max().orElse(0);
                case Whole whole -> 0;
                case Number number -> 0;
                case Array array -> array.shape().length == 0 ? 0 : array.shape()[0];
            };
        }

        /// Rows of tokens that it fills in a batch.
        default int rows() {
            return this instanceof Choices(int[][] values) ? values.length : 1;
        }
    }

    /// This example with one feature more.
    public Example with(String name, Feature feature) {
        var more = new TreeMap<>(features);
        more.put(name, feature);
        return new Example(more);
    }

    /// This example with the features of another.
    public Example with(Example other) {
        var more = new TreeMap<>(features);
        more.putAll(other.features);
        return new Example(more);
    }

    /// This example with only the features whose names are wanted.
    public Example only(Predicate<String> wanted) {
        var some = new TreeMap<>(features);
        some.keySet().removeIf(wanted.negate());
        return new Example(some);
    }

    public Example with(String name, int[] values) {
        return with(name, new Feature.Sequence(values));
    }

    public Example with(String name, int value) {
        return with(name, new Feature.Whole(value));
    }

    /// The numbers of a feature that has one for each token.
    ///
    /// @throws IllegalArgumentException if there is no such feature
    public int[] sequence(String name) {
        if (features.get(name) instanceof Feature.Sequence(int[] values)) {
            return values;
        }
        throw new IllegalArgumentException(
                "the example has no sequence \"%s\"; it has %s".formatted(name, features.keySet()));
    }

    /// Tokens of the longest sequence, times the rows it fills: what it costs.
    public int length() {
        return features.entrySet().stream()
                .filter(each -> !(each.getKey().endsWith("labels") && each.getValue() instanceof Feature.Array))
                .mapToInt(each -> each.getValue().length() * each.getValue().rows()).max().orElse(0);
    }
}
