package dev.weft.run;

import dev.weft.nn.ForwardPass;
import dev.weft.nn.KvCache;
import dev.weft.nn.LanguageModel;
import dev.weft.nn.attention.AttentionMask;
import dev.weft.tensor.Device;
import dev.weft.tensor.Gradients;
import dev.weft.tensor.Tensor;
import dev.weft.tensor.TensorScope;
import java.util.Arrays;
import java.util.List;

/// A model, a batch of prompts padded on the left, and a cache: gives the scores of the next token of each row.
///
/// Positions are counted from a row's first real token, so that each row gets what it would get alone.
final class Decoder implements AutoCloseable {
    private final LanguageModel model;
    private final Device device;
    private final KvCache cache = new KvCache();
    private final int width;
    private int[] padding;

    /// @throws IllegalArgumentException if a prompt is empty, longer than the model's context, or has an unknown id
    Decoder(LanguageModel model, Device device, List<int[]> prompts) {
        this.model = model;
        this.device = device;
        width = prompts.stream().mapToInt(prompt -> prompt.length).max().orElse(0);
        if (prompts.stream().anyMatch(prompt -> prompt.length == 0)) {
            throw new IllegalArgumentException("The prompt is empty; give at least one token to go on from");
        }
        if (width > model.maxPositions()) {
            throw new IllegalArgumentException("The prompt has %d tokens, this model has room for %d; shorten it"
                    .formatted(width, model.maxPositions()));
        }
        for (int[] prompt : prompts) {
            for (int id : prompt) {
                if (id < 0 || id >= model.vocabSize()) {
                    throw new IllegalArgumentException(
                            "The prompt holds the id %d, the model knows 0 to %d; its tokenizer is another"
                                    .formatted(id, model.vocabSize() - 1));
                }
            }
        }
        padding = prompts.stream().mapToInt(prompt -> width - prompt.length).toArray();
    }

    /// Length of the longest prompt.
    int width() {
        return width;
    }

    int padding(int row) {
        return padding[row];
    }

    /// Ids that the model still has positions for.
    int room() {
        return model.maxPositions() - width;
    }

    /// Scores after the prompts, `[rows][vocab]`.
    float[][] prompt(List<int[]> prompts) {
        int[] ids = new int[prompts.size() * width];
        for (int row = 0; row < prompts.size(); row++) {
            System.arraycopy(prompts.get(row), 0, ids, row * width + padding[row], prompts.get(row).length);
        }
        return scores(ids, prompts.size(), width);
    }

    /// Scores after one more id in each row.
    float[][] next(int[] ids) {
        return scores(ids, ids.length, 1);
    }

    /// Makes row i what row `rows[i]` was.
    void reorder(int[] rows) {
        cache.reorder(rows);
        padding = Arrays.stream(rows).map(row -> padding[row]).toArray();
    }

    private float[][] scores(int[] ids, int rows, int seq) {
        try (var token = TensorScope.open(); var off = Gradients.off()) {
            long from = cache.length();
            ForwardPass pass = ForwardPass.plain().withCache(cache);
            if (Arrays.stream(padding).anyMatch(count -> count > 0)) {
                Tensor before = Tensor.of(padding, rows, 1);
                Tensor all = Tensor.arange(0, from + seq).unsqueeze(0);
                Tensor real = before.le(all);
                Tensor positions = Tensor.arange(from, from + seq).unsqueeze(0).sub(before);
                pass = pass.withMask(AttentionMask.padding(real.to(device)))
                        .withPositions(positions.maximum(Tensor.of(new long[]{0}, 1)));
            }
            Tensor hidden = model.hidden(Tensor.of(ids, rows, seq).to(device), pass);
            float[] flat = model.score(hidden.narrow(1, seq - 1, 1)).toFloats();
            int vocab = flat.length / rows;
            var scores = new float[rows][];
            for (int row = 0; row < rows; row++) {
                scores[row] = Arrays.copyOfRange(flat, row * vocab, (row + 1) * vocab);
            }
            return scores;
        }
    }

    @Override
    public void close() {
        cache.close();
    }
}
