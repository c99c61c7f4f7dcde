package dev.weft.nn;

import dev.weft.tensor.DType;
import dev.weft.tensor.Gradients;
import dev.weft.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;

/// A feed-forward part of which each position uses a few of many copies. Shazeer et al. 2017,
/// <https://arxiv.org/abs/1701.06538>; Jiang et al. 2024 (Mixtral), §2.1.
///
/// @param router      hidden to one score per expert
/// @param perToken    how many experts a position uses
/// @param renormalise whether the weights of those used sum to 1
public record Experts(Projection router, List<FeedForward> experts, int perToken, boolean renormalise)
        implements
            FeedForward {
    @Override
    public Tensor forward(Tensor x, ForwardPass pass) {
        Tensor rows = x.reshape(-1, x.size(-1));
        Tensor shares = router.forward(rows).to(DType.FLOAT32).softmax(-1);
        Tensor chosen = shares.detach().topK(perToken, -1).indices();
        Tensor weights = shares.gather(-1, chosen);
        if (renormalise) {
            weights = weights.div(weights.sum(-1, true));
        }
        long[] shape = x.shape();
        shape[shape.length - 1] = perToken;
        chosen = pass.trace().tap("expert_indices", chosen.view(shape)).view(-1, perToken);
        weights = pass.trace().tap("expert_weights", weights.view(shape)).view(-1, perToken).to(rows.dtype())
                .flatten(0, 1);
        // What one expert computes is of the tokens that go to it, not of the batch: it is not shown.
        ForwardPass inside = pass.withTrace(Trace.SILENT);
        Tensor sum = rows.zerosLike();
        List<List<Integer>> users = users(chosen.toLongs());
        for (int expert = 0; expert < experts.size(); expert++) {
            // In training an unused expert runs on no rows, so that its gradient is 0 and not missing.
            if (users.get(expert).isEmpty() && !Gradients.recording()) {
                continue;
            }
            int[] places = users.get(expert).stream().mapToInt(Integer::intValue).toArray();
            Tensor uses = Tensor.of(places, places.length).to(x.device());
            for (int i = 0; i < places.length; i++) {
                places[i] /= perToken;
            }
            Tensor tokens = Tensor.of(places, places.length).to(x.device());
            Tensor result = experts.get(expert).forward(rows.indexSelect(0, tokens), inside)
                    .mul(weights.indexSelect(0, uses).unsqueeze(-1));
            sum = sum.indexAdd(0, tokens, result.to(sum.dtype()));
        }
        return sum.view(x.shape());
    }

    /// For each expert where in the flattened `[rows, perToken]` it is chosen.
    private List<List<Integer>> users(long[] chosen) {
        var users = new ArrayList<List<Integer>>();
        experts.forEach(each -> users.add(new ArrayList<>()));
        for (int place = 0; place < chosen.length; place++) {
            users.get((int) chosen[place]).add(place);
        }
        return users;
    }
}
