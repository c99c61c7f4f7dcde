package dev.weft.models.backbone;

import dev.weft.nn.Embedding;
import dev.weft.nn.ForwardPass;
import dev.weft.nn.AttentionMask;
import dev.weft.tensor.DType;
import dev.weft.tensor.Tensor;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/// What a model is given, by the names that the Python library has for it: `input_ids`, `pixel_values`, `attention_mask`.
///
/// A backbone takes of it what it knows. Of texts that is `input_ids [batch, seq]`, or in their place the vectors themselves,
/// `inputs_embeds [batch, seq, hidden]`.
///
/// @param named tensors by name
public record Inputs(Map<String, Tensor> named) {
    /// Labels, from which heads compute a loss.
    public static final Set<String> LABELS = Set.of("labels", "shift_labels", "start_positions", "end_positions",
            "next_sentence_label", "sentence_order_label");

    private static final String IDS = "input_ids";
    private static final String VECTORS = "inputs_embeds";
    /// What backbones of text know.
    static final Set<String> TEXT = Set.of(IDS, VECTORS, "attention_mask", "position_ids", "token_type_ids",
            "global_attention_mask", "decoder_input_ids", "decoder_inputs_embeds", "decoder_attention_mask");

    public Inputs {
        named = Map.copyOf(named);
    }

    /// Token ids `[batch, seq]` and nothing else.
    public static Inputs ofIds(Tensor ids) {
        return new Inputs(Map.of(IDS, ids));
    }

    /// Vectors in place of tokens, `[batch, seq, hidden]`, and nothing else.
    public static Inputs ofVectors(Tensor vectors) {
        return new Inputs(Map.of(VECTORS, vectors));
    }

    /// The tensor of this name, or null.
    public @Nullable Tensor get(String name) {
        return named.get(name);
    }

    /// @throws IllegalArgumentException if it is missing
    public Tensor require(String name) {
        Tensor value = named.get(name);
        if (value == null) {
            throw new IllegalArgumentException(
                    "The input %s is missing, found %s".formatted(name, new TreeSet<>(named.keySet())));
        }
        return value;
    }

    /// These, of which every one is known or a label.
    ///
    /// @throws IllegalArgumentException if one is not
    public Inputs knowing(Set<String> names) {
        var unknown = new TreeSet<>(named.keySet());
        unknown.removeAll(LABELS);
        unknown.removeAll(names);
        if (!unknown.isEmpty()) {
            throw new IllegalArgumentException("Weft does not take the inputs " + unknown);
        }
        return this;
    }

    /// With vectors in place of tokens.
    public Inputs withVectors(Tensor vectors) {
        var others = new HashMap<>(named);
        others.remove(IDS);
        others.put(VECTORS, vectors);
        return new Inputs(others);
    }

    /// What a text is to its first block before positions are added: the vectors given, or those of the ids.
    public Tensor vectors(Embedding tokens, ForwardPass pass) {
        Tensor given = named.get(VECTORS);
        if (given != null && named.containsKey(IDS)) {
            throw new IllegalArgumentException("input_ids and inputs_embeds say the same twice; give one of them");
        }
        return pass.trace().tap("embed.tokens", given != null ? given : tokens.forward(require(IDS)));
    }

    /// Token ids `[batch, seq]`; of vectors in their place zeros, ids that stand for no padding.
    public Tensor ids() {
        Tensor vectors = named.get(VECTORS);
        return vectors == null
                ? require(IDS)
                : Tensor.zeros(DType.INT64, vectors.size(0), vectors.size(1)).to(vectors.device());
    }

    /// What a decoder reads: `decoder_input_ids` or `decoder_inputs_embeds` under the names that every text has; null where
    /// neither is there.
    @Nullable
    Inputs ofDecoder() {
        Tensor ids = named.get("decoder_input_ids");
        Tensor vectors = named.get("decoder_inputs_embeds");
        return ids != null ? ofIds(ids) : vectors != null ? ofVectors(vectors) : null;
    }

    /// `pass` with the mask (`[batch, seq]`, or `[batch, 1, seq, seq]`), positions, segments and global tokens that are given.
    public ForwardPass in(ForwardPass pass) {
        ForwardPass with = pass.withTokenTypes(named.getOrDefault("token_type_ids", pass.tokenTypes()))
                .withGlobals(named.getOrDefault("global_attention_mask", pass.globals()))
                .withPositions(named.getOrDefault("position_ids", pass.positions()));
        return masked(with, "attention_mask");
    }

    ForwardPass masked(ForwardPass pass, String name) {
        Tensor keep = named.get(name);
        if (keep == null) {
            return pass;
        }
        // Of four axes it says of each token which others it sees, as packed examples need it.
        AttentionMask mask = keep.dim() == 4 ? AttentionMask.of(keep.ne(0)) : AttentionMask.padding(keep);
        return pass.withMask(pass.mask().and(mask));
    }
}
