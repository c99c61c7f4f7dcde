package dev.weft.models;

import dev.weft.nn.ForwardPass;
import dev.weft.nn.attention.AttentionMask;
import dev.weft.tensor.Tensor;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/// A model's arguments by the names that the Python library gives them.
public final class Inputs {
    /// Labels, from which heads compute a loss.
    public static final Set<String> LABELS = Set.of("labels", "shift_labels", "start_positions", "end_positions",
            "next_sentence_label", "sentence_order_label");

    private static final Set<String> KNOWN = Set.of("input_ids", "attention_mask", "position_ids", "token_type_ids",
            "global_attention_mask", "decoder_input_ids", "decoder_attention_mask");

    private Inputs() {}

    /// `input_ids [batch, seq]`.
    ///
    /// @throws IllegalArgumentException if they are missing, or an argument is not known
    public static Tensor ids(Map<String, Tensor> inputs) {
        var unknown = new TreeSet<>(inputs.keySet());
        unknown.removeAll(LABELS);
        unknown.removeAll(KNOWN);
        if (!unknown.isEmpty()) {
            throw new IllegalArgumentException("Weft does not take the inputs " + unknown);
        }
        Tensor ids = inputs.get("input_ids");
        if (ids == null) {
            throw new IllegalArgumentException("The input input_ids is missing, found " + inputs.keySet());
        }
        return ids;
    }

    /// `pass` with the mask (`[batch, seq]`, or `[batch, 1, seq, seq]`), positions, segments and global tokens that are given.
    public static ForwardPass pass(Map<String, Tensor> inputs, ForwardPass pass) {
        ForwardPass with = pass.withTokenTypes(inputs.getOrDefault("token_type_ids", pass.tokenTypes()))
                .withGlobals(inputs.getOrDefault("global_attention_mask", pass.globals()))
                .withPositions(inputs.getOrDefault("position_ids", pass.positions()));
        return masked(with, inputs, "attention_mask");
    }

    static ForwardPass masked(ForwardPass pass, Map<String, Tensor> inputs, String name) {
        Tensor keep = inputs.get(name);
        if (keep == null) {
            return pass;
        }
        // Of four axes it says of each token which others it sees, as packed examples need it.
        AttentionMask mask = keep.dim() == 4 ? AttentionMask.of(keep.ne(0)) : AttentionMask.padding(keep);
        return pass.withMask(pass.mask().and(mask));
    }
}
