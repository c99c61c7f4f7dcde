package dev.weft.models;

import dev.weft.checkpoint.CheckpointWeights;
import dev.weft.checkpoint.Json;
import dev.weft.checkpoint.ModelFolder;
import dev.weft.models.heads.BareModel;
import dev.weft.models.heads.CausalLanguageModel;
import dev.weft.models.heads.Head;
import dev.weft.models.heads.SequenceClassification;
import dev.weft.nn.Model;
import dev.weft.nn.WeightSource;
import dev.weft.nn.Weights;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import tools.jackson.databind.node.ObjectNode;

/// Opens model folders and saves them.
public final class Models {
    /// Files are split above this size, as the Python library does.
    private static final long SHARD_BYTES = 5_000_000_000L;

    /// How a family is found and built.
    private record Family(String prefix, Builder builder) {
        private interface Builder {
            Backbone build(Json config, Weights weights);
        }
    }

    private static final Map<String, Family> FAMILIES = Map.of(Gpt2.MODEL_TYPE,
            new Family("transformer", (config, weights) -> new Gpt2(Gpt2.Config.fromJson(config), weights)));

    private Models() {}

    /// Opens a folder with the head that its config names, mapped into memory: for reading, not for training.
    public static Head load(Path folder) {
        ModelFolder opened = ModelFolder.open(folder);
        return load(opened, architecture(opened.config()));
    }

    /// The class of the Python library that a config names; where it names none, a causal language model.
    public static String architecture(Json config) {
        return config.has("architectures") ? config.texts("architectures").getFirst() : "ForCausalLM";
    }

    /// Opens a folder as a class of the Python library: `GPT2LMHeadModel`, `GPT2ForSequenceClassification`, `GPT2Model`.
    public static Head load(ModelFolder folder, String architecture) {
        return load(folder, architecture, CheckpointWeights.open(folder));
    }

    /// A causal language model whose weights are its own copy, to be trained.
    public static CausalLanguageModel loadForTraining(Path folder) {
        ModelFolder opened = ModelFolder.open(folder);
        Head head = load(opened, architecture(opened.config()), CheckpointWeights.open(opened).forTraining());
        if (head instanceof CausalLanguageModel model) {
            model.requiresGrad(true);
            return model;
        }
        head.close();
        throw new IllegalArgumentException(folder + " holds no causal language model but a "
                + architecture(opened.config()));
    }

    /// Opens a folder as a class of the Python library, with weights read as the caller wants them.
    public static Head load(ModelFolder folder, String architecture, WeightSource source) {
        try {
            Weights weights = Weights.from(source);
            Head head = build(folder.config(), architecture, weights);
            weights.requireAllRead();
            return head;
        } catch (IllegalArgumentException e) {
            throw e.getMessage().contains(folder.path().toString())
                    ? e
                    : new IllegalArgumentException(folder.path() + ": " + e.getMessage(), e);
        }
    }

    /// A model of the sizes of `config` with new weights, ready to train.
    public static CausalLanguageModel create(Gpt2.Config config, long seed) {
        Weights weights = Weights.random(seed);
        var model = new CausalLanguageModel(new Gpt2(config, weights.base("transformer")), weights,
                config.tieWordEmbeddings());
        model.requiresGrad(true);
        return model;
    }

    /// Writes a folder that [#load] and the Python library read.
    public static void save(Path folder, ObjectNode config, Model model) {
        ModelFolder.save(folder, config, model.parameters(), SHARD_BYTES);
    }

    private static Head build(Json config, String architecture, Weights weights) {
        String type = config.text("model_type");
        Family family = FAMILIES.get(type);
        if (family == null) {
            throw new IllegalArgumentException("Weft does not know the model_type \"" + type + "\"; it knows "
                    + new TreeSet<>(FAMILIES.keySet()));
        }
        Backbone backbone = family.builder().build(config, weights.base(family.prefix()));
        if (architecture.endsWith("ForSequenceClassification")) {
            return new SequenceClassification(backbone, weights, new SequenceClassification.Settings(labels(config),
                    config.integer("pad_token_id", -1), config.text("problem_type", "")));
        }
        if (List.of("LMHeadModel", "ForCausalLM").stream().anyMatch(architecture::endsWith)) {
            return new CausalLanguageModel(backbone, weights, config.flag("tie_word_embeddings", true));
        }
        if (architecture.endsWith("Model")) {
            weights.at("lm_head").ignore("weight");
            return new BareModel(backbone, weights);
        }
        throw new IllegalArgumentException("Weft has no head for " + architecture);
    }

    private static int labels(Json config) {
        return config.has("id2label") ? config.object("id2label").names().size() : config.positive("num_labels", 2);
    }
}
