package dev.weft.run;

import dev.weft.tensor.Gradients;
import dev.weft.tensor.Tensor;
import dev.weft.tensor.TensorScope;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/// Contrastive search (Su et al. 2022, §3.2): of the most probable ids the one with the highest (1 − α) · probability −
/// α · likeness, where likeness is the largest cosine between what the model computes for this id and for any before it.
///
/// All candidates are run at once, as rows of one batch; the cache of the one that is chosen becomes that of all.
final class ContrastiveSearch implements NextIds {
    private final CachedPasses passes;
    private final Prompts prompts;
    private final List<ScoreStep> steps;
    private final double alpha;
    private final int candidates;
    /// As many rows of each prompt as candidates, all alike between two steps.
    private final Sequences tried;
    /// What was computed for each id so far, of length 1: `[prompts, seq, hidden]`, unscoped.
    private @Nullable Tensor context;
    /// `[prompts, vocab]`, unscoped.
    private @Nullable Tensor scores;

    /// @param passes with `top_k` rows of each prompt; closed with this
    ContrastiveSearch(CachedPasses passes, Prompts prompts, Generation options, List<ScoreStep> steps) {
        this.passes = passes;
        this.prompts = prompts;
        this.steps = steps;
        alpha = options.sampling().penaltyAlpha();
        candidates = options.sampling().topK();
        int[][] begin = new int[prompts.rows() * candidates][];
        Arrays.setAll(begin, row -> prompts.ids()[row / candidates]);
        tried = new Sequences(begin);
    }

    @Override
    public Chosen next(Sequences soFar) {
        try (var off = Gradients.off(); var scope = TensorScope.open()) {
            int rows = prompts.rows();
            if (context == null) {
                Tensor first = passes.begin();
                int[] one = IntStream.range(0, rows).map(row -> row * candidates).toArray();
                keep(normal(passes.hidden()), first.indexSelect(0, index(one, first)));
            }
            Tensor logs = ScoreStep.all(steps, soFar, scores).logSoftmax(-1);
            Tensor.Ranked best = logs.topK(candidates, -1);
            int[] ids = best.indices().toInts();
            float[] ownLogs = best.values().toFloats();
            tried.append(ids);
            Tensor after = passes.next(tried);
            Tensor hidden = passes.hidden();
            // [prompts, candidates, hidden]
            Tensor newest = normal(hidden.narrow(1, hidden.size(1) - 1, 1)).reshape(rows, candidates, hidden.size(2));
            float[] likeness = context.matmul(newest.transpose(1, 2)).maskedFill(padding(), -2).transpose(1, 2)
                    .max(-1, false)
                    .toFloats();
            int[] chosen = new int[rows];
            for (int row = 0; row < rows; row++) {
                chosen[row] = row * candidates;
                for (int i = row * candidates; i < (row + 1) * candidates; i++) {
                    chosen[row] = score(ownLogs, likeness, i) > score(ownLogs, likeness, chosen[row]) ? i : chosen[row];
                }
            }
            Tensor places = index(chosen, newest);
            keep(Tensor.cat(List.of(context, newest.flatten(0, 1).indexSelect(0, places).unsqueeze(1)), 1),
                    after.indexSelect(0, places));
            int[] origins = IntStream.range(0, rows * candidates).map(row -> chosen[row / candidates]).toArray();
            tried.reorder(origins);
            passes.reorder(origins);
            return new Chosen(Arrays.stream(chosen).map(i -> ids[i]).toArray(), picked(ownLogs, chosen));
        }
    }

    private double score(float[] logs, float[] likeness, int i) {
        return (1 - alpha) * Math.exp(logs[i]) - alpha * likeness[i];
    }

    private static float[] picked(float[] values, int[] places) {
        float[] picked = new float[places.length];
        for (int i = 0; i < picked.length; i++) {
            picked[i] = values[places[i]];
        }
        return picked;
    }

    private static Tensor index(int[] rows, Tensor like) {
        return Tensor.of(rows, rows.length).to(like.device());
    }

    private static Tensor normal(Tensor hidden) {
        return hidden.div(hidden.mul(hidden).sum(-1, true).sqrt());
    }

    /// Where padding lies, whose numbers mean nothing and may be none: `[prompts, seq, 1]`.
    private Tensor padding() {
        int length = (int) context.size(1);
        boolean[] padding = new boolean[prompts.rows() * length];
        for (int i = 0; i < padding.length; i++) {
            boolean[] real = prompts.real()[i / length];
            padding[i] = i % length < real.length && !real[i % length];
        }
        return Tensor.of(padding, prompts.rows(), length, 1).to(context.device());
    }

    private void keep(Tensor newContext, Tensor newScores) {
        close(context);
        close(scores);
        context = newContext.unscoped();
        scores = newScores.unscoped();
    }

    private static void close(@Nullable Tensor tensor) {
        if (tensor != null) {
            tensor.close();
        }
    }

    @Override
    public void close() {
        close(context);
        close(scores);
        context = null;
        scores = null;
        passes.close();
    }
}
