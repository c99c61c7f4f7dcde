package dev.weft.nn;

/// Which projection or embedding a place in the tree of weights gets: the plain one, or one wrapped or replaced by its name.
///
/// This is how adapters and quantization enter a model without its family knowing of them.
@FunctionalInterface
public interface ProjectionPlan {
    ProjectionPlan PLAIN = (weights, plain) -> plain;

    /// @param weights the place, whose [Weights#full] gives names
    Projection choose(Weights weights, Linear plain);

    /// The same for look-ups: tokens, positions, segments.
    default Embedding choose(Weights weights, Embedding plain) {
        return plain;
    }
}
