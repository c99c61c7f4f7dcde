package dev.weft.nn;

import dev.weft.nn.attention.Reach;
import dev.weft.nn.attention.Sight;
import dev.weft.tensor.Tensor;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.function.IntFunction;

/// Blocks one after the other and a norm at the end.
///
/// A [Trace] sees `blocks.I.resid_pre` before each block and `final` after the norm.
public final class Stack {
    private record Layer(Block block, Reach reach) {}

    private final List<Layer> layers = new ArrayList<>();
    private final Norm last;

    /// @param reaches what each layer's attention reaches; layers with equal ones share its preparation
    public Stack(int layers, IntFunction<Block> blocks, IntFunction<Reach> reaches, Norm last) {
        for (int layer = 0; layer < layers; layer++) {
            this.layers.add(new Layer(blocks.apply(layer), reaches.apply(layer)));
        }
        this.last = last;
    }

    /// All layers reach the same.
    public Stack(int layers, IntFunction<Block> blocks, Reach reach, Norm last) {
        this(layers, blocks, layer -> reach, last);
    }

    public int layers() {
        return layers.size();
    }

    /// Embeddings `[batch, seq, hidden]` to the same shape.
    public Tensor forward(Tensor embedded, ForwardPass pass) {
        Tensor hidden = embedded;
        // All before the first block: each adds to the cache, whose length decides what is reached.
        var sights = new HashMap<Reach, Sight>();
        layers.forEach(layer -> sights.computeIfAbsent(layer.reach(), reach -> reach.prepare(embedded, pass)));
        for (int i = 0; i < layers.size(); i++) {
            Layer layer = layers.get(i);
            Sight sight = sights.get(layer.reach());
            ForwardPass inside = pass.at("blocks").at(i);
            hidden = pass.run(x -> layer.block().forward(inside.trace().tap("resid_pre", x), sight, inside), hidden);
        }
        return pass.trace().tap("final", last.forward(hidden));
    }
}
