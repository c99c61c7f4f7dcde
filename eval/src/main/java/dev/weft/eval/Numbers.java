package dev.weft.eval;

import java.util.Arrays;
import java.util.Comparator;
import java.util.stream.IntStream;

/// A row of doubles that grows.
final class Numbers {
    private double[] values = new double[16];
    private int size;

    void add(double value) {
        if (size == values.length) {
            values = Arrays.copyOf(values, 2 * size);
        }
        values[size++] = value;
    }

    int size() {
        return size;
    }

    double at(int index) {
        return values[index];
    }

    double[] toArray() {
        return Arrays.copyOf(values, size);
    }

    /// The places in ascending order of value; equal ones stay in theirs.
    int[] order() {
        return IntStream.range(0, size).boxed().sorted(Comparator.comparingDouble(i -> values[i]))
                .mapToInt(Integer::intValue).toArray();
    }

    /// The rank of each value from 1; equal values share the mean of their ranks.
    double[] ranks() {
        int[] order = order();
        var ranks = new double[size];
        for (int from = 0; from < size;) {
            int to = from;
            while (to < size && values[order[to]] == values[order[from]]) {
                to++;
            }
            for (int i = from; i < to; i++) {
                ranks[order[i]] = (from + 1 + to) / 2.0;
            }
            from = to;
        }
        return ranks;
    }
}
