package dev.weft.nn;

import dev.weft.tensor.Tensor;

/// What each position computes alone: `[..., hidden]` to `[..., hidden]`.
public sealed interface FeedForward {
    Tensor forward(Tensor x);

    /// down(activation(up(x))): “Attention Is All You Need”, §3.3.
    record Plain(Projection up, Activation activation, Projection down) implements FeedForward {
        @Override
        public Tensor forward(Tensor x) {
            return down.forward(activation.forward(up.forward(x)));
        }
    }

    /// down(activation(gate(x)) · up(x)). Shazeer 2020, <https://arxiv.org/abs/2002.05202>.
    record Gated(Projection gate, Projection up, Activation activation, Projection down) implements FeedForward {
        @Override
        public Tensor forward(Tensor x) {
            return down.forward(activation.forward(gate.forward(x)).mul(up.forward(x)));
        }
    }
}
