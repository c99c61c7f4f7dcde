package dev.weft.text;

import java.util.Arrays;

/// From a pair of ids to a number from 0 up: an open-addressing hash table without boxes.
final class PairTable {
    private long[] keys;
    private int[] values;
    private int size;

    PairTable(int expected) {
        int capacity = Integer.highestOneBit(Math.max(16, expected)) * 4;
        keys = new long[capacity];
        values = new int[capacity];
        Arrays.fill(values, -1);
    }

    static long pair(int left, int right) {
        return (long) left << 32 | right;
    }

    /// The number of a pair, or -1.
    int find(int left, int right) {
        return values[slot(pair(left, right))];
    }

    void put(long pair, int value) {
        if (size * 2 >= keys.length) {
            grow();
        }
        int slot = slot(pair);
        if (values[slot] < 0) {
            size++;
        }
        keys[slot] = pair;
        values[slot] = value;
    }

    private int slot(long pair) {
        int mask = keys.length - 1;
        int slot = (int) (pair * 0x9E3779B97F4A7C15L >>> 32) & mask;
        while (values[slot] >= 0 && keys[slot] != pair) {
            slot = slot + 1 & mask;
        }
        return slot;
    }

    private void grow() {
        long[] oldKeys = keys;
        int[] oldValues = values;
        keys = new long[oldKeys.length * 2];
        values = new int[keys.length];
        Arrays.fill(values, -1);
        for (int i = 0; i < oldKeys.length; i++) {
            if (oldValues[i] >= 0) {
                int slot = slot(oldKeys[i]);
                keys[slot] = oldKeys[i];
                values[slot] = oldValues[i];
            }
        }
    }
}
