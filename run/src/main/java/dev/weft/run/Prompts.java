package dev.weft.run;

import dev.weft.tensor.Tensor;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;

/// What a batch begins with: rows of ids of one length, padded on the left.
///
/// @param ids  `[rows][length]`
/// @param real false where there is padding, `[rows][length]`
public record Prompts(int[][] ids, boolean[][] real) {
    /// @throws IllegalArgumentException if there is no row, a row is empty, or padding stands on the right
    public Prompts {
        if (ids.length == 0) {
            throw new IllegalArgumentException("There are no prompts; give at least one");
        }
        for (int row = 0; row < ids.length; row++) {
            if (realLength(real[row]) == 0) {
                throw new IllegalArgumentException(
                        "Prompt %d is empty; begin with at least one id, for instance that of the beginning of a text"
                                .formatted(row));
            }
            if (!real[row][real[row].length - 1]) {
                throw new IllegalArgumentException(
                        "Prompt %d ends with padding; a decoder's prompts must be padded on the left".formatted(row));
            }
        }
    }

    /// Padded as need be.
    public static Prompts of(List<int[]> prompts, int padId) {
        int length = prompts.stream().mapToInt(prompt -> prompt.length).max().orElse(0);
        int[][] ids = new int[prompts.size()][length];
        boolean[][] real = new boolean[prompts.size()][length];
        for (int row = 0; row < ids.length; row++) {
            int[] prompt = prompts.get(row);
            int begin = length - prompt.length;
            Arrays.fill(ids[row], 0, begin, padId);
            System.arraycopy(prompt, 0, ids[row], begin, prompt.length);
            Arrays.fill(real[row], begin, length, true);
        }
        return new Prompts(ids, real);
    }

    /// The same id at the beginning of so many rows: an answer to a text that was encoded.
    static Prompts starts(int id, int rows) {
        return of(Collections.nCopies(rows, new int[]{id}), id);
    }

    /// @param ids  `[batch, seq]`
    /// @param keep `[batch, seq]`, 0 where there is padding
    public static Prompts of(Tensor ids, Tensor keep) {
        int rows = (int) ids.size(0);
        int length = (int) ids.size(1);
        int[] flatIds = ids.toInts();
        boolean[] flatReal = keep.ne(0).toBooleans();
        int[][] rowsOfIds = new int[rows][];
        boolean[][] real = new boolean[rows][];
        for (int row = 0; row < rows; row++) {
            rowsOfIds[row] = Arrays.copyOfRange(flatIds, row * length, (row + 1) * length);
            real[row] = Arrays.copyOfRange(flatReal, row * length, (row + 1) * length);
        }
        return new Prompts(rowsOfIds, real);
    }

    /// How many prompts there are.
    public int rows() {
        return ids.length;
    }

    /// With padding.
    public int length() {
        return ids[0].length;
    }

    /// Without padding.
    public int realLength(int row) {
        return realLength(real[row]);
    }

    boolean padded() {
        for (int row = 0; row < rows(); row++) {
            if (realLength(row) < length()) {
                return true;
            }
        }
        return false;
    }

    private static int realLength(boolean[] real) {
        int count = 0;
        for (boolean each : real) {
            count += each ? 1 : 0;
        }
        return count;
    }
}
