package dev.weft.run.pipeline;

import dev.weft.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// Where a model looked in a text while it wrote each piece of its answer: the weights of its cross-attention, averaged
/// over heads. Bahdanau et al. 2014, <https://arxiv.org/abs/1409.0473>, figure 3; for the Transformer see Garg et al. 2019,
/// <https://arxiv.org/abs/1909.02074>, who find the last layer but one to be the one that aligns words.
///
/// @param answer  what the model made of the text
/// @param source  pieces of the text as one can read them, special tokens by their names
/// @param target  pieces of the answer
/// @param weights `[target, source]`; each row adds up to 1
public record Alignment(String answer, List<String> source, List<String> target, double[][] weights) {
    private static final Pattern CROSS = Pattern.compile("decoder\\.(?:.*\\.)?blocks\\.(\\d+)\\.cross\\.weights");

    /// Whether a model computes such weights under this name of a trace.
    static boolean isWeights(String name) {
        return CROSS.matcher(name).matches();
    }

    /// The average over heads, and over layers unless one is chosen.
    ///
    /// @param traced by name, `[1, heads, target, source]` each
    /// @param layer  counted from 1
    /// @return       `[target, source]`
    static double[][] averaged(Map<String, Tensor> traced, OptionalInt layer) {
        var layers = new TreeMap<Integer, Tensor>();
        traced.forEach((name, weights) -> {
            Matcher named = CROSS.matcher(name);
            if (named.matches()) {
                layers.put(Integer.parseInt(named.group(1)) + 1, weights);
            }
        });
        if (layers.isEmpty()) {
            throw new IllegalArgumentException(
                    "this model has no decoder that looks at a text, so there is no alignment");
        }
        if (layer.isPresent() && !layers.containsKey(layer.getAsInt())) {
            throw new IllegalArgumentException("this model's decoder has the layers 1 to %d, found layer %d"
                    .formatted(layers.lastKey(), layer.getAsInt()));
        }
        var chosen = layer.isPresent() ? List.of(layers.get(layer.getAsInt())) : new ArrayList<>(layers.values());
        int columns = (int) chosen.getFirst().size(3);
        var weights = new double[(int) chosen.getFirst().size(2)][columns];
        for (Tensor each : chosen) {
            float[] mean = each.select(0, 0).mean(0, false).toFloats();
            for (int row = 0; row < weights.length; row++) {
                for (int column = 0; column < columns; column++) {
                    weights[row][column] += mean[row * columns + column] / chosen.size();
                }
            }
        }
        return weights;
    }
}
