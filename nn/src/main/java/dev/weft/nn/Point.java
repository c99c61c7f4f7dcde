package dev.weft.nn;

/// The points of a model that a [Trace] sees, under the same names in every family. Those of a block stand behind
/// `blocks.I.`; an encoder-decoder has all of them below `encoder.` and `decoder.`, but for [#LOGITS].
public enum Point {
    EMBED_TOKENS("embed.tokens", "[batch, seq, width]",
            "the vectors of the tokens, before positions, segments and norms"), RESID_PRE("blocks.I.resid_pre",
                    "[batch, seq, hidden]", "the stream before a block"), ATTN_IN("blocks.I.attn.in",
                            "[batch, seq, hidden]", "what attention reads, behind the norm before it"), ATTN_Q(
                                    "blocks.I.attn.q", "[batch, heads, seq, headDim]",
                                    "queries as they enter the product: normed and turned"), ATTN_K("blocks.I.attn.k",
                                            "[batch, kvHeads, seq, headDim]", "keys, likewise; of new tokens"), ATTN_V(
                                                    "blocks.I.attn.v", "[batch, kvHeads, seq, headDim]",
                                                    "values of new tokens"), ATTN_SCORES("blocks.I.attn.scores",
                                                            "[batch, heads, query, key]",
                                                            "before the softmax, mask and position biases added"), ATTN_WEIGHTS(
                                                                    "blocks.I.attn.weights",
                                                                    "[batch, heads, query, key]",
                                                                    "after the softmax"), ATTN_Z("blocks.I.attn.z",
                                                                            "[batch, heads, seq, headDim]",
                                                                            "what each head gathers"), ATTN_RESULT(
                                                                                    "blocks.I.attn.result",
                                                                                    "[batch, heads, seq, hidden]",
                                                                                    "each head's share of what attention gives; computed only where asked for"), ATTN_OUT(
                                                                                            "blocks.I.attn.out",
                                                                                            "[batch, seq, hidden]",
                                                                                            "what attention gives, before a norm that follows it"), ATTN_ADDED(
                                                                                                    "blocks.I.attn.added",
                                                                                                    "[batch, seq, hidden]",
                                                                                                    "what of it is added to the stream"), RESID_MID(
                                                                                                            "blocks.I.resid_mid",
                                                                                                            "[batch, seq, hidden]",
                                                                                                            "the stream behind attention; not where both parts stand side by side"), CROSS_IN(
                                                                                                                    "blocks.I.cross.in",
                                                                                                                    "[batch, seq, hidden]",
                                                                                                                    "what cross attention reads of the decoder"), CROSS_Q(
                                                                                                                            "blocks.I.cross.q",
                                                                                                                            "[batch, heads, seq, headDim]",
                                                                                                                            "its queries"), CROSS_K(
                                                                                                                                    "blocks.I.cross.k",
                                                                                                                                    "[batch, heads, source, headDim]",
                                                                                                                                    "its keys; with a cache those of its first use"), CROSS_V(
                                                                                                                                            "blocks.I.cross.v",
                                                                                                                                            "[batch, heads, source, headDim]",
                                                                                                                                            "its values, likewise"), CROSS_SCORES(
                                                                                                                                                    "blocks.I.cross.scores",
                                                                                                                                                    "[batch, heads, query, source]",
                                                                                                                                                    "before the softmax"), CROSS_WEIGHTS(
                                                                                                                                                            "blocks.I.cross.weights",
                                                                                                                                                            "[batch, heads, query, source]",
                                                                                                                                                            "after the softmax"), CROSS_Z(
                                                                                                                                                                    "blocks.I.cross.z",
                                                                                                                                                                    "[batch, heads, seq, headDim]",
                                                                                                                                                                    "what each head gathers"), CROSS_RESULT(
                                                                                                                                                                            "blocks.I.cross.result",
                                                                                                                                                                            "[batch, heads, seq, hidden]",
                                                                                                                                                                            "each head's share; computed only where asked for"), CROSS_OUT(
                                                                                                                                                                                    "blocks.I.cross.out",
                                                                                                                                                                                    "[batch, seq, hidden]",
                                                                                                                                                                                    "what cross attention gives"), CROSS_ADDED(
                                                                                                                                                                                            "blocks.I.cross.added",
                                                                                                                                                                                            "[batch, seq, hidden]",
                                                                                                                                                                                            "what of it is added to the stream"), RESID_CROSS(
                                                                                                                                                                                                    "blocks.I.resid_cross",
                                                                                                                                                                                                    "[batch, seq, hidden]",
                                                                                                                                                                                                    "the stream behind cross attention"), MLP_IN(
                                                                                                                                                                                                            "blocks.I.mlp.in",
                                                                                                                                                                                                            "[batch, seq, hidden]",
                                                                                                                                                                                                            "what the feed-forward part reads"), MLP_PRE(
                                                                                                                                                                                                                    "blocks.I.mlp.pre",
                                                                                                                                                                                                                    "[batch, seq, inner]",
                                                                                                                                                                                                                    "before the activation; of a gated part the gate"), MLP_UP(
                                                                                                                                                                                                                            "blocks.I.mlp.up",
                                                                                                                                                                                                                            "[batch, seq, inner]",
                                                                                                                                                                                                                            "the other factor of a gated part"), MLP_POST(
                                                                                                                                                                                                                                    "blocks.I.mlp.post",
                                                                                                                                                                                                                                    "[batch, seq, inner]",
                                                                                                                                                                                                                                    "what enters the second projection"), MLP_EXPERT_INDICES(
                                                                                                                                                                                                                                            "blocks.I.mlp.expert_indices",
                                                                                                                                                                                                                                            "[batch, seq, perToken]",
                                                                                                                                                                                                                                            "the experts that each token goes to"), MLP_EXPERT_WEIGHTS(
                                                                                                                                                                                                                                                    "blocks.I.mlp.expert_weights",
                                                                                                                                                                                                                                                    "[batch, seq, perToken]",
                                                                                                                                                                                                                                                    "the shares that they have in its result"), MLP_OUT(
                                                                                                                                                                                                                                                            "blocks.I.mlp.out",
                                                                                                                                                                                                                                                            "[batch, seq, hidden]",
                                                                                                                                                                                                                                                            "what the part gives, before a norm that follows it"), MLP_ADDED(
                                                                                                                                                                                                                                                                    "blocks.I.mlp.added",
                                                                                                                                                                                                                                                                    "[batch, seq, hidden]",
                                                                                                                                                                                                                                                                    "what of it is added to the stream"), RESID_POST(
                                                                                                                                                                                                                                                                            "blocks.I.resid_post",
                                                                                                                                                                                                                                                                            "[batch, seq, hidden]",
                                                                                                                                                                                                                                                                            "the stream behind a block"), FINAL_BEFORE(
                                                                                                                                                                                                                                                                                    "final.before",
                                                                                                                                                                                                                                                                                    "[batch, seq, hidden]",
                                                                                                                                                                                                                                                                                    "what enters the last norm, where there is one"), FINAL_SCALE(
                                                                                                                                                                                                                                                                                            "final.scale",
                                                                                                                                                                                                                                                                                            "[batch, seq, 1]",
                                                                                                                                                                                                                                                                                            "what that norm divides by: √(variance + eps), of an RMS norm √(mean square + eps)"), FINAL(
                                                                                                                                                                                                                                                                                                    "final",
                                                                                                                                                                                                                                                                                                    "[batch, seq, hidden]",
                                                                                                                                                                                                                                                                                                    "what the backbone gives"), LOGITS(
                                                                                                                                                                                                                                                                                                            "logits",
                                                                                                                                                                                                                                                                                                            "[batch, …]",
                                                                                                                                                                                                                                                                                                            "what the head gives");

    private final String path;
    private final String shape;
    private final String meaning;

    Point(String path, String shape, String meaning) {
        this.path = path;
        this.shape = shape;
        this.meaning = meaning;
    }

    /// Its name, with `I` for the number of a block.
    public String path() {
        return path;
    }

    /// Its name in a block; of a point that is in none, its name.
    public String in(int block) {
        return path.replace("blocks.I.", "blocks." + block + ".");
    }

    /// Its axes.
    public String shape() {
        return shape;
    }

    /// What is seen there.
    public String meaning() {
        return meaning;
    }
}
