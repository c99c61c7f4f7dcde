package dev.weft.run;

import dev.weft.tensor.Tensor;
import java.util.Arrays;

/// The ids so far, one row per text, all equally long: padding, prompt, what was generated. What a [ScoreStep] sees.
public final class Sequences {
    private final int promptLength;
    private int[][] rows;
    /// Log probabilities of the ids, at their places; NaN where nobody gave one.
    private float[][] logs;
    private boolean[] ended;
    private int length;

    private Sequences(int[][] rows, int promptLength, int length) {
        this.rows = rows;
        this.logs = new float[rows.length][];
        this.ended = new boolean[rows.length];
        this.promptLength = promptLength;
        this.length = length;
    }

    /// @param prompts padded to one length; copied
    Sequences(int[][] prompts) {
        promptLength = prompts[0].length;
        length = promptLength;
        rows = new int[prompts.length][];
        logs = new float[prompts.length][length + 16];
        ended = new boolean[prompts.length];
        for (int row = 0; row < rows.length; row++) {
            rows[row] = Arrays.copyOf(prompts[row], length + 16);
        }
    }

    /// How many texts there are.
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

    /// One id of a row, prompts included.
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

    /// Whether what was generated in a row begins with the first `count` of these ids.
    public boolean beginsWith(int row, int[] ids, int count) {
        return count <= newTokens()
                && Arrays.equals(rows[row], promptLength, promptLength + count, ids, 0, count);
    }

    /// Whether the text of a row is over: what follows in it is padding.
    public boolean ended(int row) {
        return ended[row];
    }

    /// The text of this row is over.
    void end(int row) {
        ended[row] = true;
    }

    /// A copy of the log probabilities of what was generated in one row.
    float[] logProbabilities(int row) {
        return Arrays.copyOfRange(logs[row], promptLength, length);
    }

    /// Adds one id to each row.
    void append(int[] ids) {
        float[] none = new float[ids.length];
        Arrays.fill(none, Float.NaN);
        append(ids, none);
    }

    /// Adds one id to each row, and its log probability.
    void append(int[] ids, float[] logProbabilities) {
        for (int row = 0; row < rows.length; row++) {
            if (length == rows[row].length) {
                rows[row] = Arrays.copyOf(rows[row], 2 * length);
                logs[row] = Arrays.copyOf(logs[row], 2 * length);
            }
            rows[row][length] = ids[row];
            logs[row][length] = logProbabilities[row];
        }
        length++;
    }

    /// Forgets all beyond `length`.
    void truncate(int length) {
        this.length = length;
    }

    /// Only these rows, to look at.
    Sequences select(int[] rows) {
        int[][] begin = new int[rows.length][];
        Arrays.setAll(begin, row -> this.rows[rows[row]]);
        return new Sequences(begin, promptLength, length);
    }

    /// Makes row i what row `from[i]` was.
    void reorder(int[] from) {
        int[][] old = rows;
        float[][] oldLogs = logs;
        boolean[] oldEnded = ended;
        rows = new int[from.length][];
        logs = new float[from.length][];
        ended = new boolean[from.length];
        for (int row = 0; row < from.length; row++) {
            rows[row] = old[from[row]].clone();
            logs[row] = oldLogs[from[row]].clone();
            ended[row] = oldEnded[from[row]];
        }
    }
}
