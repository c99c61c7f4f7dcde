package dev.weft.nn;

import dev.weft.tensor.Autocast;
import dev.weft.tensor.Tensor;
import java.util.List;

/// What each position computes alone: `[..., hidden]` to `[..., hidden]`.
public interface FeedForward {
    /// @param pass a [Trace] sees `pre` before the activation, `up` of a gated part, and `post`, what enters the last projection
    Tensor forward(Tensor x, ForwardPass pass);

    /// down(activation(up(x))): “Attention Is All You Need”, §3.3.
    ///
    /// @param dropout share of the inner activations dropped in training
    record Plain(Projection up, Activation activation, Projection down, double dropout) implements FeedForward {
        public Plain(Projection up, Activation activation, Projection down) {
            this(up, activation, down, 0);
        }

        /// Of weights stored as `[out, in]`.
        ///
        /// @param bias whether both projections have one
        public static Plain load(Weights up, Activation activation, Weights down, int hidden, int inner, boolean bias,
                Init init) {
            return new Plain(Linear.load(up, hidden, inner, bias, init), activation,
                    Linear.load(down, inner, hidden, bias, init));
        }

        @Override
        public Tensor forward(Tensor x, ForwardPass pass) {
            Dropout drop = pass.dropout();
            Trace trace = pass.trace();
            Tensor inner = activation.forward(trace.tap("pre", up.forward(x, drop)));
            return down.forward(trace.tap("post", drop.apply(inner, dropout)), drop);
        }
    }

    /// down(activation(gate(x)) · up(x)). Shazeer 2020, <https://arxiv.org/abs/2002.05202>.
    record Gated(Projection gate, Projection up, Activation activation, Projection down, double dropout)
            implements
                FeedForward {
        public Gated(Projection gate, Projection up, Activation activation, Projection down) {
            this(gate, up, activation, down, 0);
        }

        /// Under the names that most decoders have: `gate_proj`, `up_proj`, `down_proj`.
        public static Gated load(Weights weights, Activation activation, int hidden, int inner, boolean bias,
                Init init) {
            return new Gated(Linear.load(weights.at("gate_proj"), hidden, inner, bias, init),
                    Linear.load(weights.at("up_proj"), hidden, inner, bias, init), activation,
                    Linear.load(weights.at("down_proj"), inner, hidden, bias, init));
        }

        @Override
        public Tensor forward(Tensor x, ForwardPass pass) {
            Dropout drop = pass.dropout();
            Trace trace = pass.trace();
            Tensor in = Autocast.narrowed(x);
            Tensor inner = activation.forward(trace.tap("pre", gate.forward(in, drop)))
                    .mul(trace.tap("up", up.forward(in, drop)));
            return down.forward(trace.tap("post", drop.apply(inner, dropout)), drop);
        }
    }

    /// The same with gate and up, in this order, in one projection: Phi-3, ModernBERT.
    record GatedPacked(Projection gateUp, Activation activation, Projection down, double dropout)
            implements
                FeedForward {
        /// Under the names `gate_up_proj` and `down_proj`, without biases: Phi-3, GLM.
        public static GatedPacked load(Weights weights, Activation activation, int hidden, int inner, Init init) {
            return new GatedPacked(Linear.load(weights.at("gate_up_proj"), hidden, 2 * inner, false, init), activation,
                    Linear.load(weights.at("down_proj"), inner, hidden, false, init), 0);
        }

        @Override
        public Tensor forward(Tensor x, ForwardPass pass) {
            Dropout drop = pass.dropout();
            Trace trace = pass.trace();
            List<Tensor> halves = gateUp.forward(x, drop).chunk(2, -1);
            Tensor inner = activation.forward(trace.tap("pre", halves.get(0))).mul(trace.tap("up", halves.get(1)));
            return down.forward(trace.tap("post", drop.apply(inner, dropout)), drop);
        }
    }
}
