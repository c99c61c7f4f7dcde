package dev.weft.models.heads;

import dev.weft.checkpoint.Json;
import dev.weft.models.backbone.Backbone;
import dev.weft.models.backbone.TextBackbone;
import dev.weft.nn.Activation;
import dev.weft.nn.Weights;
import java.util.List;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/// What a head stands on.
///
/// @param config  `config.json`, of this head
/// @param weights of the whole model, where heads have theirs
/// @param base    those of the backbone
/// @param generation the folder's `generation_config.json`, or null; saved with the model
/// @param notes   what was found on loading that the user should know: weights made new, weights left out
public record HeadContext(Json config, Backbone backbone, Weights weights, Weights base, @Nullable Json generation,
        List<String> notes) {
    /// The backbone of a model of texts.
    ///
    /// @throws IllegalArgumentException if it is none
    public TextBackbone textBackbone() {
        if (backbone instanceof TextBackbone texts) {
            return texts;
        }
        throw new IllegalArgumentException("A model of the model_type %s reads no texts".formatted(
                config.text("model_type", "?")));
    }

    int hidden() {
        return backbone.hiddenSize();
    }

    /// Share dropped before a classifier.
    double classifierDropout() {
        String name = config.first("classifier_dropout", "classifier_dropout_prob", "cls_dropout",
                "seq_classif_dropout",
                "hidden_dropout_prob", "hidden_dropout", "dropout");
        return config.number(name, 0);
    }

    /// The family's own activation.
    Activation activation() {
        return Activation.parse(config.text(config.first("hidden_act", "activation_function", "activation",
                "hidden_activation"), "gelu"));
    }

    double normEps() {
        return config.number(config.first("norm_eps", "layer_norm_eps", "layer_norm_epsilon"), 1e-12);
    }

    /// How many labels the config names.
    public int labels() {
        return config.has("id2label")
                ? config.object("id2label").names().size()
                : config.positive("num_labels", 2);
    }

    /// The names of the labels in the order of their ids; `LABEL_0` and so on where the config has none.
    public List<String> labelNames() {
        return IntStream.range(0, labels()).mapToObj(id -> config.has("id2label")
                ? config.object("id2label").text(Integer.toString(id), "LABEL_" + id)
                : "LABEL_" + id).toList();
    }

    boolean ties() {
        return config.flag("tie_word_embeddings", true);
    }

    /// The same with or without a last projection of its own.
    HeadContext tying(boolean ties) {
        Json other = Json.of(config.toString(), config.node().deepCopy().put("tie_word_embeddings", ties));
        return new HeadContext(other, backbone, weights, base, generation, notes);
    }
}
