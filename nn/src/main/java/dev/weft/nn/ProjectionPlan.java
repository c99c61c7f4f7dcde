package dev.weft.nn;

/// Which projection a place in the tree of weights gets: the plain one, or by its name one that is wrapped, quantized or
/// only a part.
///
/// This is how adapters, quantization and sharding enter a model without its family knowing of them. A plan reads the
/// weights itself, so that a projection in another form never has a float copy. Plans are composed by asking another one for
/// what is to be wrapped.
@FunctionalInterface
public interface ProjectionPlan {
    /// `weight` and `bias` as the file has them.
    ProjectionPlan PLAIN = (place, spec) -> spec.read(place);

    /// Reads what is needed of the weights at `place`, whose [Weights#full] gives names.
    Projection load(Weights place, ProjectionSpec spec);

    /// The same for look-ups of `entries` vectors: tokens, positions, segments.
    ///
    /// @param hidden length of each vector
    default Embedding embedding(Weights place, int entries, int hidden, Init init) {
        return Embedding.read(place, entries, hidden, init);
    }
}
