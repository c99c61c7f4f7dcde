package dev.weft.run;

import dev.weft.tensor.Tensor;
import java.util.Arrays;

/// The ids so far, one row per text, all equally long: padding, prompt, what was generated. What a [ScoreStep] sees.
public final class Sequences {
    private final int promptLength;
    private int[][] rows;
    private final boolean[] ended;
    private int length;

    /// @param prompts padded to one length; copied
    Sequences(int[][] prompts) {
        promptLength = prompts[0].length;
        length = promptLength;
        rows = new int[prompts.length][];
        ended = new boolean[prompts.length];
        for (int row = 0; row < rows.length; row++) {
            rows[row] = Arrays.copyOf(prompts[row], length + 16);
        }
    }

    public int rows() {
        return rows.length;
    }

    /// Ids in each row, padding and prompt included.
    public int length() {
        return length;
    }

    /// Ids of the prompt in each row, padding included.
    public int promptLength() {
        return promptLength;
    }

    /// Ids generated so far.
    public int newTokens() {
        return length - promptLength;
    }

    public int id(int row, int position) {
        return rows[row][checked(position)];
    }

    /// A copy of one row.
    public int[] row(int row) {
        return Arrays.copyOf(rows[row], length);
    }

    /// A copy of what was generated in one row.
    public int[] generated(int row) {
        return Arrays.copyOfRange(rows[row], promptLength, length);
    }

    /// Whether what was generated in a row begins with the first `count` of these ids.
    public boolean beginsWith(int row, int[] ids, int count) {
        return count <= newTokens()
                && Arrays.equals(rows[row], promptLength, promptLength + count, ids, 0, count);
    }

    /// Whether the text of a row is over: what follows in it is padding.
    public boolean ended(int row) {
        return ended[row];
    }

    /// `[rows, length]` of int64.
    public Tensor tensor() {
        long[] values = new long[rows.length * length];
        for (int row = 0; row < rows.length; row++) {
            for (int i = 0; i < length; i++) {
                values[row * length + i] = rows[row][i];
            }
        }
        return Tensor.of(values, rows.length, length);
    }

    private int checked(int position) {
        if (position < 0 || position >= length) {
            throw new IndexOutOfBoundsException("position %d of %d".formatted(position, length));
        }
        return position;
    }

    /// Adds one id to each row.
    void append(int[] ids) {
        for (int row = 0; row < rows.length; row++) {
            if (length == rows[row].length) {
                rows[row] = Arrays.copyOf(rows[row], 2 * length);
            }
            rows[row][length] = ids[row];
        }
        length++;
    }

    /// The text of this row is over.
    void end(int row) {
        ended[row] = true;
    }

    /// Makes row i what row `from[i]` was.
    void reorder(int[] from) {
        int[][] old = rows;
        rows = new int[from.length][];
        for (int row = 0; row < from.length; row++) {
            rows[row] = old[from[row]].clone();
        }
    }
}
