package dev.weft.nn.block;

import dev.weft.nn.ForwardPass;
import dev.weft.nn.Norm;
import dev.weft.nn.Point;
import dev.weft.nn.Trace;
import dev.weft.nn.attention.AttentionPattern;
import dev.weft.nn.attention.PreparedPattern;
import dev.weft.tensor.Tensor;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.function.IntFunction;

/// Blocks one after the other and a norm at the end.
///
/// A [Trace] sees the [Point]s from `blocks.0.resid_pre` to `final`.
public final class Stack {
    private record Layer(Block block, AttentionPattern pattern) {}

    private final List<Layer> layers = new ArrayList<>();
    private final Norm last;

    /// @param reaches what each layer's attention reaches; layers with equal ones share its preparation
    public Stack(int layers, IntFunction<Block> blocks, IntFunction<AttentionPattern> reaches, Norm last) {
        for (int layer = 0; layer < layers; layer++) {
            this.layers.add(new Layer(blocks.apply(layer), reaches.apply(layer)));
        }
        this.last = last;
    }

    /// All layers reach the same.
    public Stack(int layers, IntFunction<Block> blocks, AttentionPattern pattern, Norm last) {
        this(layers, blocks, layer -> pattern, last);
    }

    private Tensor normed(Tensor stream, Trace trace) {
        if (last == Norm.NONE) {
            return trace.tap("final", stream);
        }
        Tensor before = trace.tap("final.before", stream);
        if (trace.listens("final.scale")) {
            Tensor scale = last.scale(before);
            if (scale != null) {
                trace.tap("final.scale", scale);
            }
        }
        return trace.tap("final", last.forward(before));
    }

    /// What follows the last block; [Norm#NONE] where nothing does.
    public Norm norm() {
        return last;
    }

    /// How many blocks.
    public int layers() {
        return layers.size();
    }

    /// Embeddings `[batch, seq, hidden]` to the same shape.
    public Tensor forward(Tensor embedded, ForwardPass pass) {
        Tensor hidden = embedded;
        // All before the first block: each adds to the cache, whose length decides what is reached.
        var sights = new HashMap<AttentionPattern, PreparedPattern>();
        layers.forEach(layer -> sights.computeIfAbsent(layer.pattern(), pattern -> pattern.prepare(embedded, pass)));
        for (int i = 0; i < layers.size(); i++) {
            Layer layer = layers.get(i);
            PreparedPattern prepared = sights.get(layer.pattern());
            ForwardPass inside = pass.at("blocks").at(i);
            hidden = pass.run(x -> inside.trace().tap("resid_post",
                    layer.block().forward(inside.trace().tap("resid_pre", x), prepared, inside)), hidden);
        }
        return normed(hidden, pass.trace());
    }
}
