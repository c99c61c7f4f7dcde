package dev.weft.nn;

import dev.weft.tensor.Kernels;
import dev.weft.tensor.Tensor;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;

/// The nonlinearities of feed-forward parts, under the names that `config.json` has for them.
public enum Activation {
    /// x · Φ(x). Hendrycks & Gimpel 2016, <https://arxiv.org/abs/1606.08415>.
    GELU("gelu", "gelu_python") {
        @Override
        public Tensor forward(Tensor x) {
            return Kernels.gelu(x, false);
        }
    },
    /// x/2 · (1 + tanh(√(2/π)(x + 0.044715x³))): the approximation of the same paper, used by GPT-2.
    GELU_TANH("gelu_new", "gelu_pytorch_tanh", "gelu_fast", "gelu_accurate") {
        @Override
        public Tensor forward(Tensor x) {
            return Kernels.gelu(x, true);
        }
    },
    /// x · σ(1.702x): the coarser approximation of the same paper, used by CLIP.
    QUICK_GELU("quick_gelu") {
        @Override
        public Tensor forward(Tensor x) {
            return x.mul(x.mul(1.702).sigmoid());
        }
    },
    RELU("relu") {
        @Override
        public Tensor forward(Tensor x) {
            return x.relu();
        }
    },
    /// max(0, x)². So et al. 2021, <https://arxiv.org/abs/2109.08668>.
    SQUARED_RELU("relu2") {
        @Override
        public Tensor forward(Tensor x) {
            Tensor positive = x.relu();
            return positive.mul(positive);
        }
    },
    /// x · σ(x), also called swish.
    SILU("silu", "swish") {
        @Override
        public Tensor forward(Tensor x) {
            return Kernels.silu(x);
        }
    },
    TANH("tanh") {
        @Override
        public Tensor forward(Tensor x) {
            return x.tanh();
        }
    },
    SIGMOID("sigmoid") {
        @Override
        public Tensor forward(Tensor x) {
            return x.sigmoid();
        }
    },
    IDENTITY("linear") {
        @Override
        public Tensor forward(Tensor x) {
            return x;
        }
    };

    private final List<String> names;

    Activation(String... names) {
        this.names = List.of(names);
    }

    /// `[...]` to the same shape.
    public abstract Tensor forward(Tensor x);

    /// The name under which it is written.
    public String configName() {
        return names.getFirst();
    }

    /// By a name of `config.json`.
    public static Activation parse(String name) {
        for (Activation candidate : values()) {
            if (candidate.names.contains(name)) {
                return candidate;
            }
        }
        throw new IllegalArgumentException("Unknown activation '" + name + "'; known are "
                + Arrays.stream(values()).flatMap(each -> each.names.stream()).collect(Collectors.joining(", ")));
    }
}
