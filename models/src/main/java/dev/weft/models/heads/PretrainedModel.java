package dev.weft.models.heads;

import dev.weft.checkpoint.Json;
import dev.weft.checkpoint.ModelFolder;
import dev.weft.models.backbone.Backbone;
import dev.weft.models.backbone.TextBackbone;
import dev.weft.nn.ForwardPass;
import dev.weft.nn.Loss;
import dev.weft.nn.TaskModel;
import dev.weft.tensor.Tensor;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import tools.jackson.databind.node.ObjectNode;

/// A model for one task: a backbone and what its task needs on top.
///
/// Arguments and results have the names that the Python library gives them: `input_ids`, `attention_mask`, `labels`,
/// `logits`, …
public interface PretrainedModel extends TaskModel {
    /// As the Python library splits.
    long SHARD_BYTES = 5_000_000_000L;

    /// What it was built of.
    HeadContext context();

    /// The loss that the reference computes from labels, `[]`: the mean of [#losses].
    default Tensor loss(Map<String, Tensor> outputs, Map<String, Tensor> inputs) {
        return losses(outputs, inputs, 0).mean();
    }

    /// The labels that are not −100.
    @Override
    default long[] counts(Map<String, Tensor> inputs) {
        return new long[]{Losses.counted(Losses.given(inputs, "labels"))};
    }

    /// What it stands on.
    default Backbone backbone() {
        return context().backbone();
    }

    /// The backbone of a model of texts.
    ///
    /// @throws IllegalArgumentException if it is none
    default TextBackbone textBackbone() {
        return context().textBackbone();
    }

    @Override
    default Map<String, Tensor> parameters() {
        return context().weights().given();
    }

    @Override
    default void requiresGrad(boolean trained) {
        parameters().forEach((name, weight) -> weight.requiresGrad(trained && context().weights().trains(name)));
    }

    /// What the user should know of its loading: weights made new, weights of the file left out.
    default List<String> notes() {
        return context().notes();
    }

    /// Writes a folder that [dev.weft.models.Models#load] and the Python library read: `config.json`,
    /// `generation_config.json` where there was one, and the weights as safetensors, split above 5 GB. Other files stay.
    default void save(Path folder) {
        save(folder, SHARD_BYTES);
    }

    /// The same, split above `maxShardBytes`.
    ///
    /// @throws IllegalStateException if some of its projections are not plain: no other library would read the folder
    default void save(Path folder, long maxShardBytes) {
        if (!context().weights().isPlain()) {
            throw new IllegalStateException(
                    "This model wears an adapter, which a model folder does not hold; save the adapter, or merge it first");
        }
        ObjectNode config = context().config().node().deepCopy();
        String key = config.has("torch_dtype") ? "torch_dtype" : "dtype";
        config.put(key, parameters().values().iterator().next().dtype().toString());
        ModelFolder.save(folder, config, parameters(), maxShardBytes);
        if (context().generation() != null) {
            Json.write(folder.resolve("generation_config.json"), context().generation().node());
        }
    }

    /// The backbone's results, to add to.
    default Map<String, Tensor> hidden(Map<String, Tensor> inputs, ForwardPass pass) {
        return new TreeMap<>(backbone().outputs(inputs, pass));
    }
}
