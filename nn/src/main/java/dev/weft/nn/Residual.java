package dev.weft.nn;

import dev.weft.tensor.Tensor;
import java.util.function.UnaryOperator;

/// x + part(x), and where the norms stand around it.
///
/// @param entry   on x itself, before the part and the sum see it
/// @param before  on what enters the part
/// @param after   on what the part gives, before it is added
/// @param joined  on the sum
/// @param dropout share of the part's result dropped in training
/// @param scale   what the part's result is multiplied by before it is added
public record Residual(Norm entry, Norm before, Norm after, Norm joined, double dropout, double scale) {
    private Residual(Norm entry, Norm before, Norm after, Norm joined, double dropout) {
        this(entry, before, after, joined, dropout, 1);
    }

    /// Granite's `residual_multiplier`.
    public Residual withScale(double factor) {
        return new Residual(entry, before, after, joined, dropout, factor);
    }

    /// norm(x + part(x)): “Attention Is All You Need”, §3.1.
    public static Residual postNorm(Norm norm, double dropout) {
        return new Residual(Norm.NONE, Norm.NONE, Norm.NONE, norm, dropout);
    }

    /// x + part(norm(x)): GPT-2 and most decoders since. Xiong et al. 2020, <https://arxiv.org/abs/2002.04745>.
    public static Residual preNorm(Norm norm, double dropout) {
        return new Residual(Norm.NONE, norm, Norm.NONE, Norm.NONE, dropout);
    }

    /// x + after(part(before(x))): Gemma 2; with nothing before, OLMo 2.
    public static Residual sandwich(Norm before, Norm after, double dropout) {
        return new Residual(Norm.NONE, before, after, Norm.NONE, dropout);
    }

    /// norm(x) + part(norm(x)): BLOOM, where it is asked for.
    public static Residual normed(Norm norm, double dropout) {
        return new Residual(norm, Norm.NONE, Norm.NONE, Norm.NONE, dropout);
    }

    /// `[..., hidden]` to the same shape.
    public Tensor apply(Tensor x, UnaryOperator<Tensor> part, Dropout drop) {
        return apply(x, part, drop, Trace.SILENT, "");
    }

    /// The same.
    ///
    /// @param added under which name `trace` sees what is added to the stream
    public Tensor apply(Tensor x, UnaryOperator<Tensor> part, Dropout drop, Trace trace, String added) {
        Tensor stream = entry.forward(x);
        Tensor result = after.forward(part.apply(before.forward(stream)));
        Tensor scaled = scale == 1 ? result : result.mul(scale);
        return joined.forward(stream.add(trace.tap(added, drop.apply(scaled, dropout))));
    }
}
