package dev.weft.nn;

import dev.weft.nn.attention.AttentionMask;
import dev.weft.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/// What changes from call to call; a model itself keeps weights and nothing else, so it can serve many at once.
///
/// @param positions `[batch, seq]` of int64, or null: counted from the first position the cache does not hold
/// @param mask      which keys each query sees, beside what the family itself masks (a decoder is causal anyway)
/// @param cache     keys and values of earlier positions, or null
/// @param trace     watches activations
/// @param dropout   on while training
public record ForwardPass(@Nullable Tensor positions, AttentionMask mask, @Nullable KvCache cache, Trace trace,
        Dropout dropout) {

    /// Every position seen, no cache, no dropout, nobody watching.
    public static ForwardPass plain() {
        return new ForwardPass(null, AttentionMask.none(), null, Trace.SILENT, Dropout.OFF);
    }

    public ForwardPass withPositions(@Nullable Tensor positions) {
        return new ForwardPass(positions, mask, cache, trace, dropout);
    }

    public ForwardPass withMask(AttentionMask mask) {
        return new ForwardPass(positions, mask, cache, trace, dropout);
    }

    public ForwardPass withCache(KvCache cache) {
        return new ForwardPass(positions, mask, cache, trace, dropout);
    }

    public ForwardPass withTrace(Trace trace) {
        return new ForwardPass(positions, mask, cache, trace, dropout);
    }

    public ForwardPass withDropout(Dropout dropout) {
        return new ForwardPass(positions, mask, cache, trace, dropout);
    }

    /// Inside a part of the model.
    public ForwardPass at(String part) {
        return trace == Trace.SILENT ? this : withTrace(trace.at(part));
    }

    public ForwardPass at(int index) {
        return at(Integer.toString(index));
    }

    /// The positions of `seq` new tokens: those given, else the next ones after what the cache holds, `[1, seq]`.
    public Tensor positions(long seq) {
        if (positions != null) {
            return positions;
        }
        long from = cache == null ? 0 : cache.length();
        return Tensor.arange(from, from + seq).unsqueeze(0);
    }
}
