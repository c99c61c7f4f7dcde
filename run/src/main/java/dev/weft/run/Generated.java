package dev.weft.run;

import java.util.Arrays;
import java.util.List;

/// What came of a batch of prompts.
///
/// @param prompts what it began with
/// @param texts   for each prompt as many as were asked for, best first
public record Generated(Prompts prompts, List<Text> texts) {
    /// One continuation.
    ///
    /// @param prompt which prompt it goes on from
    /// @param ids    what was generated, up to and with the end id if there is one
    /// @param logProbabilities of each of the ids, given those before it, after all steps: −∞ to 0
    /// @param score  of beam search: log probability over length to the power of the length penalty; otherwise NaN
    public record Text(int prompt, int[] ids, float[] logProbabilities, Finish finish, double score) {}

    /// The only text of the only prompt, or the first of all.
    public Text first() {
        return texts.getFirst();
    }

    /// Prompts and what was generated in one array, as the Python library returns it: `[texts][length]`, padded on both
    /// sides.
    public int[][] sequences(int padId) {
        int longest = texts.stream().mapToInt(text -> text.ids().length).max().orElse(0);
        return texts.stream().map(text -> {
            int[] row = Arrays.copyOf(prompts.ids()[text.prompt()], prompts.length() + longest);
            System.arraycopy(text.ids(), 0, row, prompts.length(), text.ids().length);
            Arrays.fill(row, prompts.length() + text.ids().length, row.length, padId);
            return row;
        }).toArray(int[][]::new);
    }
}
