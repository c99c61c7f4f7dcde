package dev.weft.nn;

import dev.weft.tensor.Tensor;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/// What changes from call to call; a model itself keeps weights and nothing else, so it can serve many at once.
///
/// @param positions   `[batch, seq]` of int64, or null: counted from the first position the cache does not hold
/// @param mask        which keys each query sees, beside what the family itself masks (a decoder is causal anyway)
/// @param cache       keys and values of earlier positions, or null
/// @param encoded     what an encoder hands to cross attention, or null
/// @param tokenTypes  `[batch, seq]`, which segment each token belongs to, or null: all to the first
/// @param globals     `[batch, seq]`, 1 where a token sees and is seen by all (Longformer), or null
/// @param trace       watches activations
/// @param dropout     on while training
/// @param activations kept for the backward pass, or computed again in it
public record ForwardPass(@Nullable Tensor positions, AttentionMask mask, @Nullable KvState cache,
        @Nullable Encoded encoded, @Nullable Tensor tokenTypes, @Nullable Tensor globals, Trace trace, Dropout dropout,
        Activations activations) {

    /// Every position seen, no cache, no dropout, nobody watching.
    public static ForwardPass plain() {
        return new ForwardPass(null, AttentionMask.none(), null, null, null, null, Trace.SILENT, Dropout.OFF,
                Activations.KEPT);
    }

    /// With the places of the tokens, `[batch, seq]` of int64.
    public ForwardPass withPositions(@Nullable Tensor positions) {
        return new ForwardPass(positions, mask, cache, encoded, tokenTypes, globals, trace, dropout, activations);
    }

    /// With what is hidden beside what the family hides itself.
    public ForwardPass withMask(AttentionMask mask) {
        return new ForwardPass(positions, mask, cache, encoded, tokenTypes, globals, trace, dropout, activations);
    }

    /// With keys and values of earlier positions, to which new ones are added.
    public ForwardPass withCache(KvState cache) {
        return new ForwardPass(positions, mask, cache, encoded, tokenTypes, globals, trace, dropout, activations);
    }

    /// With what cross attention looks at.
    public ForwardPass withEncoded(Encoded encoded) {
        return new ForwardPass(positions, mask, cache, encoded, tokenTypes, globals, trace, dropout, activations);
    }

    /// With the segment of each token, `[batch, seq]` of int64.
    public ForwardPass withTokenTypes(@Nullable Tensor tokenTypes) {
        return new ForwardPass(positions, mask, cache, encoded, tokenTypes, globals, trace, dropout, activations);
    }

    /// With 1 where a token sees and is seen by all, `[batch, seq]`.
    public ForwardPass withGlobals(@Nullable Tensor globals) {
        return new ForwardPass(positions, mask, cache, encoded, tokenTypes, globals, trace, dropout, activations);
    }

    /// With a listener.
    public ForwardPass withTrace(Trace trace) {
        return new ForwardPass(positions, mask, cache, encoded, tokenTypes, globals, trace, dropout, activations);
    }

    /// With activations dropped as in training.
    public ForwardPass withDropout(Dropout dropout) {
        return new ForwardPass(positions, mask, cache, encoded, tokenTypes, globals, trace, dropout, activations);
    }

    /// With activations kept for the backward pass, or computed again in it.
    public ForwardPass withActivations(Activations activations) {
        return new ForwardPass(positions, mask, cache, encoded, tokenTypes, globals, trace, dropout, activations);
    }

    /// Inside a part of the model.
    public ForwardPass at(String part) {
        return trace == Trace.SILENT ? this : withTrace(trace.at(part));
    }

    /// Inside a part of this number.
    public ForwardPass at(int index) {
        return trace == Trace.SILENT ? this : withTrace(trace.at(index));
    }

    /// Runs one block of a stack: what it computes on the way is freed, or kept, as [#activations] says.
    public Tensor run(UnaryOperator<Tensor> block, Tensor hidden) {
        return activations.run(block, hidden, dropout);
    }

    /// The positions of `seq` new tokens: those given, else the next ones after what the cache holds, `[1, seq]`.
    public Tensor positions(long seq) {
        if (positions != null) {
            return positions;
        }
        long from = cached();
        return Tensor.arange(from, from + seq).unsqueeze(0);
    }

    /// The same for a table of `room` positions.
    ///
    /// @param setting what `config.json` calls their number
    /// @throws IllegalArgumentException if the text is longer
    public Tensor positions(long seq, int room, String setting) {
        if (positions == null && cached() + seq > room) {
            throw new IllegalArgumentException(
                    "The text has %d tokens, this model has room for %d (%s); shorten it".formatted(cached() + seq,
                            room, setting));
        }
        return positions(seq);
    }

    /// How many positions the cache holds.
    public long cached() {
        return cache == null ? 0 : cache.length();
    }
}
