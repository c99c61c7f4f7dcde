package dev.weft.train;

import dev.weft.nn.ForwardPass;
import dev.weft.nn.Loss;
import dev.weft.nn.TaskModel;
import dev.weft.tensor.DType;
import dev.weft.tensor.Device;
import dev.weft.tensor.Kernels;
import dev.weft.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/// Sentence embeddings: each text lies nearer to its partner than to the other texts of the batch. Multiple negatives
/// ranking (Henderson et al. 2017, §4.4, <https://arxiv.org/abs/1705.00652>) over cosines, as Sentence Transformers trains.
///
/// A batch has `anchor_input_ids`, `anchor_attention_mask`, `positive_input_ids`, …, row by row the two of a pair, and may have
/// `negative_…`, texts that are nobody's partner. Negatives are those of the same part of a batch: with several micro-batches
/// a step has fewer of them, and is not the same as one with the batch in one.
///
/// @param model       gives `last_hidden_state`
/// @param temperature what cosines are divided by, commonly 0.05
public record ContrastiveObjective(TaskModel model, Pooling pooling, double temperature, Device device)
        implements
            Objective<Map<String, Tensor>> {
    /// Which vector stands for a text.
    public enum Pooling {
        /// The mean over its tokens.
        MEAN,
        /// The first token's.
        FIRST
    }

    public ContrastiveObjective {
        if (!(temperature > 0)) {
            throw new IllegalArgumentException("The temperature must be above 0, found " + temperature);
        }
    }

    @Override
    public Loss loss(Map<String, Tensor> batch, ForwardPass pass) {
        Map<String, Tensor> inputs = TaskObjective.on(device, batch);
        Tensor anchors = embed(TaskObjective.part("anchor_", inputs), pass);
        var candidates = new ArrayList<>(List.of(embed(TaskObjective.part("positive_", inputs), pass)));
        long rows = anchors.size(0);
        if (candidates.getFirst().size(0) != rows) {
            throw new IllegalArgumentException("%d anchors need as many positives, found %d".formatted(rows,
                    candidates.getFirst().size(0)));
        }
        if (inputs.containsKey("negative_input_ids")) {
            candidates.add(embed(TaskObjective.part("negative_", inputs), pass));
        }
        Tensor scores = anchors.matmul(Tensor.cat(candidates, 0).transpose(0, 1)).div(temperature);
        return Loss
                .of(Kernels.crossEntropy(scores, Tensor.arange(0, rows).to(device), null, Kernels.Reduction.SUM, -100,
                        0), rows);
    }

    @Override
    public long[] counts(Map<String, Tensor> batch) {
        return new long[]{TaskObjective.part("anchor_", batch).get("input_ids").size(0)};
    }

    /// `[rows, hidden]` of length 1, in float32.
    private Tensor embed(Map<String, Tensor> inputs, ForwardPass pass) {
        Tensor hidden = model.outputs(inputs, pass).get("last_hidden_state").to(DType.FLOAT32);
        Tensor mask = inputs.get("attention_mask");
        Tensor pooled;
        if (pooling == Pooling.FIRST) {
            pooled = hidden.select(1, 0);
        } else if (mask == null) {
            pooled = hidden.mean(1, false);
        } else {
            Tensor keep = mask.to(DType.FLOAT32).unsqueeze(-1);
            pooled = hidden.mul(keep).sum(1, false).div(keep.sum(1, false).clampMin(1e-9));
        }
        return pooled.div(pooled.mul(pooled).sum(-1, true).sqrt().clampMin(1e-12));
    }
}
