package dev.weft.nn;

import dev.weft.tensor.DType;
import dev.weft.tensor.Device;
import dev.weft.tensor.Tensor;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/// Which keys each query sees. Small masks combine with [#and].
///
/// The last query stands at the last key: with a cache there are more keys than queries, and the new queries are the last.
public sealed interface AttentionMask {
    /// Every query sees every key.
    static AttentionMask none() {
        return new None();
    }

    /// No query sees what comes after it.
    static AttentionMask causal() {
        return new Causal();
    }

    /// Nobody sees the keys where `keep` is 0: `[batch, keySeq]` of any type.
    static AttentionMask padding(Tensor keep) {
        return new Padding(keep);
    }

    /// Queries where `keep [batch, querySeq]` is 0 see nobody, which leaves them the average of everything: DeBERTa, whose
    /// convolution and losses look at padding.
    static AttentionMask realQueries(Tensor keep) {
        return new RealQueries(keep);
    }

    /// No query sees keys `size` or more positions before it.
    static AttentionMask window(int size) {
        return new Window(size);
    }

    /// No query sees keys more than `distance` positions away, on either side.
    static AttentionMask nearby(int distance) {
        return new Nearby(distance);
    }

    /// Exactly the places where `allowed` holds: bool, broadcast to `[batch, heads, querySeq, keySeq]`.
    static AttentionMask of(Tensor allowed) {
        return new Allowed(allowed);
    }

    /// Added to the scores, broadcast to `[batch, heads, querySeq, keySeq]`: ALiBi, relative positions.
    static AttentionMask bias(Tensor bias) {
        return new Bias(bias);
    }

    /// What both let through.
    default AttentionMask and(AttentionMask other) {
        return this instanceof None ? other : other instanceof None ? this : new Both(this, other);
    }

    /// The same mask of other tensors, such as these on another device or in other rows.
    default AttentionMask map(UnaryOperator<Tensor> change) {
        return switch (this) {
            case Padding(Tensor keep) -> new Padding(change.apply(keep));
            case RealQueries(Tensor keep) -> new RealQueries(change.apply(keep));
            case Allowed(Tensor allowed) -> new Allowed(change.apply(allowed));
            case Bias(Tensor bias) -> new Bias(change.apply(bias));
            case Both(AttentionMask first, AttentionMask second) -> new Both(first.map(change), second.map(change));
            case None none -> none;
            case Causal causal -> causal;
            case Window window -> window;
            case Nearby nearby -> nearby;
        };
    }

    /// Everything seen.
    record None() implements AttentionMask {}

    /// A query sees no key after it.
    record Causal() implements AttentionMask {}

    /// Keys where `keep [batch, keySeq]` is 0 are seen by none.
    record Padding(Tensor keep) implements AttentionMask {}

    /// Queries where `keep [batch, querySeq]` is 0 gather nothing.
    record RealQueries(Tensor keep) implements AttentionMask {}

    /// A query sees itself and so many keys before it that `size` are seen.
    record Window(int size) implements AttentionMask {}

    /// A query sees keys at most so far before and behind it.
    record Nearby(int distance) implements AttentionMask {}

    /// A query sees the keys where `allowed`, broadcast to `[batch, heads, querySeq, keySeq]`, is true.
    record Allowed(Tensor allowed) implements AttentionMask {}

    /// Adds `bias`, broadcast to `[batch, heads, querySeq, keySeq]`, to the scores.
    record Bias(Tensor bias) implements AttentionMask {}

    /// Hides what either hides, and adds what both add.
    record Both(AttentionMask first, AttentionMask second) implements AttentionMask {}

    /// This mask for given lengths, made once per call and used by every layer.
    default ScoreMask prepare(long querySeq, long keySeq, Device device) {
        Tensor allowed = allowed(querySeq, keySeq, device);
        boolean causalOnly = this instanceof Causal && querySeq == keySeq;
        return new ScoreMask(allowed, biases(), causalOnly && querySeq > 1, hidesRows(), keep() != null);
    }

    /// How many keys a query sees at the most, its own among them: what a cache need not hold beyond.
    default long window() {
        return switch (this) {
            case Window(int size) -> size;
            case Both(AttentionMask first, AttentionMask second) -> Math.min(first.window(), second.window());
            case None none -> Long.MAX_VALUE;
            case Causal causal -> Long.MAX_VALUE;
            case Nearby nearby -> Long.MAX_VALUE;
            case Padding padding -> Long.MAX_VALUE;
            case RealQueries queries -> Long.MAX_VALUE;
            case Allowed allowed -> Long.MAX_VALUE;
            case Bias bias -> Long.MAX_VALUE;
        };
    }

    /// Bool, broadcast to `[batch, heads, querySeq, keySeq]`; null where everything is seen.
    private @Nullable Tensor allowed(long querySeq, long keySeq, Device device) {
        return switch (this) {
            case None() -> null;
            // A single new query may see every key, and as far back as its window reaches: a cache hands out no others.
            case Causal() -> querySeq == 1 ? null : distance(querySeq, keySeq, device).ge(0);
            case Window(int size) ->
                querySeq == 1 || keySeq <= size ? null : distance(querySeq, keySeq, device).lt(size);
            case Nearby(int distance) -> distance(querySeq, keySeq, device).abs().lt(distance + 1);
            case Padding(Tensor keep) -> keep.ne(0).unsqueeze(1).unsqueeze(1);
            case RealQueries(Tensor keep) -> keep.ne(0).unsqueeze(1).unsqueeze(-1);
            case Allowed(Tensor allowed) -> allowed.to(DType.BOOL);
            case Bias(Tensor bias) -> null;
            case Both(AttentionMask first, AttentionMask second) -> {
                Tensor one = first.allowed(querySeq, keySeq, device);
                Tensor two = second.allowed(querySeq, keySeq, device);
                yield one == null ? two : two == null ? one : one.and(two);
            }
        };
    }

    private @Nullable Tensor biases() {
        return switch (this) {
            case Bias(Tensor bias) -> bias;
            case Both(AttentionMask first, AttentionMask second) -> {
                Tensor one = first.biases();
                Tensor two = second.biases();
                yield one == null ? two : two == null ? one : one.add(two);
            }
            case None none -> null;
            case Causal causal -> null;
            case Window window -> null;
            case Nearby nearby -> null;
            case Padding padding -> null;
            case RealQueries queries -> null;
            case Allowed allowed -> null;
        };
    }

    /// Whether some query may be left without any key: padding hides all that a window or the past would show it. Padding
    /// alone does so only to a text of nothing but padding.
    private boolean hidesRows() {
        return switch (this) {
            case Allowed(Tensor allowed) -> true;
            case Both(AttentionMask first, AttentionMask second) ->
                keep() != null && limits() || first.hidesRows() || second.hidesRows();
            case None none -> false;
            case Causal causal -> false;
            case Window window -> false;
            case Nearby nearby -> false;
            case Bias bias -> false;
            case Padding padding -> false;
            case RealQueries queries -> false;
        };
    }

    private boolean limits() {
        return switch (this) {
            case Causal causal -> true;
            case Window window -> true;
            // Every query sees itself, so that only padding may be left without a key; like the reference it then has the
            // average of everything, which losses over all positions see.
            case Nearby nearby -> false;
            case Both(AttentionMask first, AttentionMask second) -> first.limits() || second.limits();
            case None none -> false;
            case Allowed allowed -> false;
            case Bias bias -> false;
            case Padding padding -> false;
            case RealQueries queries -> false;
        };
    }

    /// The caller's `[batch, keySeq]` of a [#padding] mask in here, not 0 where a token is real; null if there is none.
    default @Nullable Tensor keep() {
        return switch (this) {
            case Padding(Tensor keep) -> keep;
            case Both(AttentionMask first, AttentionMask second) ->
                first.keep() == null ? second.keep() : first.keep();
            case None none -> null;
            case Causal causal -> null;
            case RealQueries queries -> null;
            case Window window -> null;
            case Nearby nearby -> null;
            case Allowed allowed -> null;
            case Bias bias -> null;
        };
    }

    /// How far each key lies before each query, `[querySeq, keySeq]`; negative after it.
    private static Tensor distance(long querySeq, long keySeq, Device device) {
        Tensor queries = Tensor.arange(keySeq - querySeq, keySeq).unsqueeze(1);
        return queries.sub(Tensor.arange(0, keySeq).unsqueeze(0)).to(device);
    }
}
