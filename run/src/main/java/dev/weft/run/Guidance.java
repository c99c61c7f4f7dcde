package dev.weft.run;

import dev.weft.nn.LanguageModel;
import dev.weft.tensor.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// Classifier-free guidance (Sanchez et al. 2023): scores move away from those that a row would have without its prompt,
/// but for the prompt's last id. It has to be asked at each step, and before all other steps.
final class Guidance implements ScoreStep, AutoCloseable {
    private final double scale;
    private final CachedPasses without;
    private final Sequences rows;

    /// @param copies rows made of each prompt
    private Guidance(LanguageModel model, Prompts prompts, int copies, double scale) {
        this.scale = scale;
        List<int[]> last = new ArrayList<>();
        for (int[] prompt : prompts.ids()) {
            last.add(new int[]{prompt[prompt.length - 1]});
        }
        int[][] begin = new int[prompts.rows() * copies][];
        Arrays.setAll(begin, row -> last.get(row / copies));
        rows = new Sequences(begin);
        without = new CachedPasses(model, Map.of(), Prompts.of(last, 0), copies);
    }

    /// None where nobody asks for it.
    static @Nullable Guidance of(LanguageModel model, Prompts prompts, int copies, Generation options) {
        double scale = options.scores().guidanceScale();
        return scale == 1 ? null : new Guidance(model, prompts, copies, scale);
    }

    @Override
    public Tensor apply(Sequences ids, Tensor scores) {
        if (ids.newTokens() > 0) {
            int[] newest = new int[ids.rows()];
            Arrays.setAll(newest, row -> ids.id(row, ids.length() - 1));
            rows.append(newest);
            for (int row = 0; row < newest.length; row++) {
                if (ids.ended(row)) {
                    rows.end(row);
                }
            }
            if (scores.size(0) < ids.rows()) {
                without.leaveEnded(rows);
            }
        }
        Tensor plain = (rows.newTokens() == 0 ? without.begin() : without.next(rows)).logSoftmax(-1);
        return scores.logSoftmax(-1).sub(plain).mul(scale).add(plain);
    }

    /// Makes row i what row `from[i]` was; both are of the same prompt.
    void reorder(int[] from) {
        rows.reorder(from);
        without.reorder(from);
    }

    @Override
    public void close() {
        without.close();
    }
}
