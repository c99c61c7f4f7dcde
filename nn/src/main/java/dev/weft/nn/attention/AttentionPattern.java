package dev.weft.nn.attention;

import dev.weft.nn.AttentionMask;
import dev.weft.nn.ForwardPass;
import dev.weft.nn.KvState;
import dev.weft.nn.position.Rotary;
import dev.weft.nn.position.ScoreBias;
import dev.weft.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/// What the attention of a layer reaches and how it knows the order, the same for every call.
///
/// @param mask   what the family hides: the future, what is far; what the caller hides comes on top
/// @param rotary turns queries and keys by their positions, or null
/// @param bias   added to the scores by distance, or null
public record AttentionPattern(AttentionMask mask, @Nullable Rotary rotary, @Nullable ScoreBias bias) {
    /// Every position reaches every other.
    public static AttentionPattern everything() {
        return new AttentionPattern(AttentionMask.none(), null, null);
    }

    /// No position reaches the ones after it.
    public static AttentionPattern causal() {
        return new AttentionPattern(AttentionMask.causal(), null, null);
    }

    /// With this as well.
    public AttentionPattern with(AttentionMask more) {
        return new AttentionPattern(mask.and(more), rotary, bias);
    }

    /// With this as well.
    public AttentionPattern with(@Nullable Rotary rotary) {
        return new AttentionPattern(mask, rotary, bias);
    }

    /// With this as well.
    public AttentionPattern with(@Nullable ScoreBias bias) {
        return new AttentionPattern(mask, rotary, bias);
    }

    /// For one call.
    ///
    /// @param hidden `[batch, seq, hidden]`: what enters the first layer
    public PreparedPattern prepare(Tensor hidden, ForwardPass pass) {
        long querySeq = hidden.size(1);
        long keySeq = pass.cached() + querySeq;
        AttentionMask all = mask.and(pass.mask());
        if (bias != null) {
            all = all.and(AttentionMask.bias(bias.of(querySeq, keySeq, pass.mask().keep(), hidden.device())));
        }
        return new PreparedPattern(all.prepare(querySeq, keySeq, hidden.device()),
                rotary == null ? null : angles(rotary, pass.positions(querySeq).to(hidden.device()), pass.cache()),
                mask.window());
    }

    private static Rotary.Angles angles(Rotary rotary, Tensor positions, @Nullable KvState past) {
        return past != null && past.rowsApart() ? rotary.anglesOfRows(positions) : rotary.angles(positions);
    }
}
