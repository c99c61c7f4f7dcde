package dev.weft.data;

import java.util.List;

/// Encoded examples that are read by their number. Safe to share between threads.
public interface Examples {
    int count();

    /// @throws IndexOutOfBoundsException if there is none of that number
    Example read(int number);

    /// Of each example, [Example#length()], without reading it.
    int[] lengths();

    /// Examples in memory.
    static Examples of(List<Example> examples) {
        List<Example> copy = List.copyOf(examples);
        int[] lengths = copy.stream().mapToInt(Example::length).toArray();
        return new Examples() {
            @Override
            public int count() {
                return copy.size();
            }

            @Override
            public Example read(int number) {
                return copy.get(number);
            }

            @Override
            public int[] lengths() {
                return lengths.clone();
            }
        };
    }
}
