package dev.weft.train;

import dev.weft.nn.ForwardPass;
import dev.weft.nn.Loss;
import dev.weft.nn.TaskModel;
import dev.weft.tensor.Device;
import dev.weft.tensor.Tensor;
import java.util.Map;
import java.util.TreeMap;

/// The loss of a model's own task: classification, regression, token classification, question answering, multiple choice,
/// language models, translation. Which it is, the model says.
///
/// A batch has the names of the Python library: `input_ids`, `attention_mask`, `labels`, …
///
/// @param labelSmoothing share of each label that is spread over all classes, where the loss is a cross-entropy; 0 for none
public record TaskObjective(TaskModel model, double labelSmoothing, Device device)
        implements
            Objective<Map<String, Tensor>> {
    public TaskObjective {
        if (!(labelSmoothing >= 0 && labelSmoothing < 1)) {
            throw new IllegalArgumentException(
                    "The label smoothing must be at least 0 and below 1, found " + labelSmoothing);
        }
    }

    /// Without label smoothing, on the CPU.
    public static TaskObjective of(TaskModel model) {
        return new TaskObjective(model, 0, Device.CPU);
    }

    @Override
    public Loss loss(Map<String, Tensor> batch, ForwardPass pass) {
        return model.losses(on(device, batch), pass, labelSmoothing);
    }

    @Override
    public long[] counts(Map<String, Tensor> batch) {
        return model.counts(batch);
    }

    static Map<String, Tensor> on(Device device, Map<String, Tensor> batch) {
        var moved = new TreeMap<String, Tensor>();
        batch.forEach((name, tensor) -> moved.put(name, tensor.to(device)));
        return moved;
    }

    /// The entries of a batch whose names begin with `prefix`, without it: several texts in one batch.
    ///
    /// @throws IllegalArgumentException if there are none
    static Map<String, Tensor> part(String prefix, Map<String, Tensor> batch) {
        var part = new TreeMap<String, Tensor>();
        batch.forEach((name, tensor) -> {
            if (name.startsWith(prefix)) {
                part.put(name.substring(prefix.length()), tensor);
            }
        });
        if (!part.containsKey("input_ids")) {
            throw new IllegalArgumentException(
                    "The batch needs " + prefix + "input_ids, found " + batch.keySet());
        }
        return part;
    }
}
