package dev.weft.checkpoint;

import dev.weft.tensor.TensorScope;
import java.util.Map;
import java.util.Optional;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/// The settings of a GGUF file as the `config.json` of the checkpoint it was made from.
///
/// What llama.cpp does not store, because its own code of an architecture knows it, is filled in from there: how queries
/// are scaled, which layers see a window, which activation.
final class GgufSettings {
    // What Llama 3.1 and 3.2 have in common.
    private static final double LOW = 1;
    private static final double HIGH = 4;
    private static final int ORIGINAL_POSITIONS = 8192;

    private final GgufArchitecture architecture;
    private final GgufHeader header;
    private final Json said;

    GgufSettings(GgufArchitecture architecture, GgufHeader header) {
        this.architecture = architecture;
        this.header = header;
        said = header.metadata();
    }

    private String key(String setting) {
        return architecture.key(setting);
    }

    int heads() {
        return said.positive(key("attention.head_count"));
    }

    int keyValueHeads() {
        return said.positive(key("attention.head_count_kv"), heads());
    }

    /// The checkpoint's `config.json`.
    ///
    /// @throws IllegalArgumentException if a setting is missing or wrong
    ObjectNode config() {
        ObjectNode config = Json.object();
        config.putArray("architectures").add(architecture.className());
        config.put("model_type", architecture.modelType()).put("vocab_size", vocabSize())
                .put("tie_word_embeddings", !header.tensors().containsKey("output.weight"));
        ids(config);
        int hidden = said.positive(key("embedding_length"));
        int layers = said.positive(key("block_count"));
        if (layers > header.tensors().size()) {
            throw said.mustBe(key("block_count"),
                    "at most the number of tensors, " + header.tensors().size());
        }
        int positions = said.positive(key("context_length"));
        int inner = said.positive(key("feed_forward_length"),
                (int) Math.min(4L * hidden, Integer.MAX_VALUE));
        if (architecture == GgufArchitecture.GPT2) {
            return config.put("n_embd", hidden).put("n_layer", layers).put("n_head", heads())
                    .put("n_positions", positions).put("n_ctx", positions).put("n_inner", inner)
                    .put("layer_norm_epsilon", said.number(key("attention.layer_norm_epsilon")))
                    .put("activation_function", "gelu_new");
        }
        config.put("hidden_size", hidden).put("intermediate_size", inner).put("num_hidden_layers", layers)
                .put("num_attention_heads", heads()).put("num_key_value_heads", keyValueHeads())
                .put("max_position_embeddings", positions);
        if (architecture == GgufArchitecture.PHI2) {
            config.put("layer_norm_eps", said.number(key("attention.layer_norm_epsilon")));
        } else {
            config.put("rms_norm_eps", said.number(key("attention.layer_norm_rms_epsilon")));
        }
        config.put("rope_theta", said.number(key("rope.freq_base"),
                architecture == GgufArchitecture.GEMMA3 ? 1_000_000 : 10_000));
        scaling().ifPresent(scaling -> config.set("rope_scaling", scaling));
        own(config);
        return config;
    }

    /// What only this architecture has, or what llama.cpp knows of it without being told.
    private void own(ObjectNode config) {
        boolean attentionBias = header.tensors().containsKey("blk.0.attn_q.bias");
        switch (architecture) {
            case LLAMA -> config.put("hidden_act", "silu").put("head_dim", headDim())
                    .put("attention_bias", attentionBias)
                    .put("mlp_bias", header.tensors().containsKey("blk.0.ffn_gate.bias"));
            case QWEN2 -> config.put("hidden_act", "silu").put("use_sliding_window", false);
            case QWEN3 -> config.put("hidden_act", "silu").put("use_sliding_window", false)
                    .put("head_dim", headDim()).put("attention_bias", attentionBias);
            case GEMMA -> gemma(config);
            case GEMMA2 -> {
                gemma(config);
                config.put("attn_logit_softcapping", said.number(key("attn_logit_softcapping"), 50))
                        .put("final_logit_softcapping", said.number(key("final_logit_softcapping"), 30))
                        .put("sliding_window", said.positive(key("attention.sliding_window"), 4096))
                        .put("query_pre_attn_scalar", queryScalar(46));
                layerTypes(config, 2);
            }
            case GEMMA3 -> {
                gemma(config);
                config.put("rope_local_base_freq", said.number(key("rope.freq_base_swa"), 10_000))
                        .put("sliding_window", said.positive(key("attention.sliding_window"), 4096))
                        .put("query_pre_attn_scalar", queryScalar(62));
                if (said.has(key("final_logit_softcapping"))) {
                    config.put("final_logit_softcapping", said.number(key("final_logit_softcapping")));
                }
                layerTypes(config, 6);
            }
            case PHI2 -> config.put("hidden_act", "gelu_new").put("partial_rotary_factor", rotaryFactor());
            case PHI3 -> {
                config.put("hidden_act", "silu").put("partial_rotary_factor", rotaryFactor())
                        .put("original_max_position_embeddings",
                                said.positive(key("rope.scaling.original_context_length"),
                                        said.positive(key("context_length"))));
                int window = said.integer(key("attention.sliding_window"), 0);
                if (window > 0) {
                    config.put("sliding_window", window);
                }
            }
            case GPT2 -> throw new IllegalStateException("its settings have other names");
        }
    }

    private void gemma(ObjectNode config) {
        config.put("head_dim", headDim()).put("hidden_act", "gelu_pytorch_tanh")
                .put("hidden_activation", "gelu_pytorch_tanh")
                .put("attention_bias", header.tensors().containsKey("blk.0.attn_q.bias"));
    }

    /// Queries are divided by the root of the size of a head, except in the model of 27 B parameters, which llama.cpp tells
    /// by its number of layers.
    private int queryScalar(int layersOf27B) {
        return said.positive(key("block_count")) == layersOf27B
                ? said.positive(key("embedding_length")) / heads()
                : headDim();
    }

    /// Each `period`-th layer sees everything, the others a window.
    private void layerTypes(ObjectNode config, int period) {
        ArrayNode types = config.putArray("layer_types");
        for (int layer = 1; layer <= said.positive(key("block_count")); layer++) {
            types.add(layer % period == 0 ? "full_attention" : "sliding_attention");
        }
    }

    private int vocabSize() {
        GgmlTensor embedding = header.tensors().get("token_embd.weight");
        if (embedding == null || embedding.shape().length != 2 || embedding.shape()[0] > Integer.MAX_VALUE) {
            throw header.file().error("`token_embd.weight` is missing or no matrix");
        }
        return (int) embedding.shape()[0];
    }

    /// A model that chats ends its turn with a token of its own.
    private void ids(ObjectNode config) {
        String ids = "tokenizer.ggml.";
        if (said.has(ids + "bos_token_id")) {
            config.put("bos_token_id", said.integer(ids + "bos_token_id"));
        }
        if (said.has(ids + "eos_token_id")) {
            int end = said.integer(ids + "eos_token_id");
            int turn = said.integer(ids + "eot_token_id", end);
            if (turn == end) {
                config.put("eos_token_id", end);
            } else {
                config.putArray("eos_token_id").add(end).add(turn);
            }
        }
        if (said.has(ids + "padding_token_id")) {
            config.put("pad_token_id", said.integer(ids + "padding_token_id"));
        }
    }

    private int headDim() {
        int plain = Math.max(1, said.positive(key("embedding_length")) / heads());
        int keys = said.positive(key("attention.key_length"),
                architecture == GgufArchitecture.LLAMA
                        ? said.positive(key("rope.dimension_count"), plain)
                        : plain);
        if (said.positive(key("attention.value_length"), keys) != keys) {
            throw said.mustBe(key("attention.value_length"), "the same as attention.key_length");
        }
        return keys;
    }

    private double rotaryFactor() {
        return (double) said.positive(key("rope.dimension_count"), headDim()) / headDim();
    }

    private Optional<ObjectNode> scaling() {
        if (header.tensors().containsKey(GgufArchitecture.LONG_FACTORS)
                && header.tensors().containsKey(GgufArchitecture.SHORT_FACTORS)) {
            ObjectNode scaling = Json.object().put("rope_type", "longrope");
            numbers(GgufArchitecture.LONG_FACTORS, scaling.putArray("long_factor"));
            numbers(GgufArchitecture.SHORT_FACTORS, scaling.putArray("short_factor"));
            return Optional.of(scaling);
        }
        if (header.tensors().containsKey(GgufArchitecture.FREQUENCIES)) {
            return llama3();
        }
        String type = said.text(key("rope.scaling.type"), "none");
        ObjectNode scaling = Json.object().put("rope_type", type);
        return switch (type) {
            case "none", "longrope" -> Optional.empty();
            case "linear" -> Optional.of(scaling.put("factor",
                    said.number(said.first(key("rope.scaling.factor"),
                            key("rope.scale_linear")))));
            case "yarn" -> {
                scaling.put("factor", said.number(key("rope.scaling.factor")))
                        .put("original_max_position_embeddings",
                                said.positive(key("rope.scaling.original_context_length")));
                Map.of("attention_factor", "yarn_attn_factor", "beta_fast", "yarn_beta_fast", "beta_slow",
                        "yarn_beta_slow").forEach((name, setting) -> {
                            if (said.has(key("rope.scaling." + setting))) {
                                scaling.put(name, said.number(key("rope.scaling." + setting)));
                            }
                        });
                yield Optional.of(scaling);
            }
            default -> throw said.mustBe(key("rope.scaling.type"), "none, linear, yarn or longrope");
        };
    }

    private void numbers(String name, ArrayNode to) {
        GgmlTensor tensor = header.tensors().get(name);
        if (tensor == null || tensor.type() != GgmlType.F32 || tensor.shape().length != 1
                || tensor.elements() > 100_000) {
            throw header.file().error("`%s` must be a list of numbers in F32".formatted(name));
        }
        for (float number : values(tensor)) {
            to.add(Double.parseDouble(Float.toString(number)));
        }
    }

    private static float[] values(GgmlTensor tensor) {
        try (var scope = TensorScope.open()) {
            return tensor.read().toFloats();
        }
    }

    /// The file has what each wavelength is divided by, and not the numbers that it was computed from. Of those only the
    /// factor differs between models; the others are taken as Llama 3.1 has them, and the result is held against the file.
    private Optional<ObjectNode> llama3() {
        ArrayNode stored = Json.object().putArray(GgufArchitecture.FREQUENCIES);
        numbers(GgufArchitecture.FREQUENCIES, stored);
        double theta = said.number(key("rope.freq_base"), 10_000);
        int pairs = stored.size();
        double factor = pairs == 0 ? 1 : llama3Factor(waves(theta, pairs, pairs - 1), stored.get(pairs - 1).asDouble());
        for (int pair = 0; pair < pairs; pair++) {
            double wanted = llama3Divisor(waves(theta, pairs, pair), factor);
            if (!(Math.abs(wanted - stored.get(pair).asDouble()) < 1e-3 * wanted)) {
                throw header.file().error(
                        "`%s` is not that of a Llama 3: number %d is %s, and a factor of %s would give %s".formatted(
                                GgufArchitecture.FREQUENCIES, pair, stored.get(pair), factor, wanted));
            }
        }
        return factor == 1
                ? Optional.empty()
                : Optional.of(Json.object().put("rope_type", "llama3").put("factor", factor)
                        .put("low_freq_factor", LOW).put("high_freq_factor", HIGH)
                        .put("original_max_position_embeddings", ORIGINAL_POSITIONS));
    }

    /// How many turns a pair of channels makes within the original context.
    private static double waves(double theta, int pairs, int pair) {
        return ORIGINAL_POSITIONS / (2 * Math.PI * Math.pow(theta, (double) pair / pairs));
    }

    private static double llama3Divisor(double waves, double factor) {
        double smooth = Math.clamp((waves - LOW) / (HIGH - LOW), 0.0, 1.0);
        return 1 / ((1 - smooth) / factor + smooth);
    }

    /// The factor of which [#llama3Divisor] makes `divisor`.
    private static double llama3Factor(double waves, double divisor) {
        double smooth = Math.clamp((waves - LOW) / (HIGH - LOW), 0.0, 1.0);
        return smooth == 1 ? 1 : Math.rint((1 - smooth) / (1 / divisor - smooth) * 1000) / 1000;
    }
}
