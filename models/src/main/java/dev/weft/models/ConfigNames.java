package dev.weft.models;

import dev.weft.checkpoint.Json;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/// What families call the sizes that all have: the `attribute_map` of the Python library's configs, and the names of dropout.
public final class ConfigNames {
    private static final Map<String, String> HALVES = Map.of("hidden_size", "d_model", "num_hidden_layers",
            "encoder_layers,decoder_layers", "num_attention_heads", "encoder_attention_heads,decoder_attention_heads",
            "intermediate_size", "encoder_ffn_dim,decoder_ffn_dim");
    private static final Map<String, String> GPT = Map.of("hidden_size", "n_embd", "num_hidden_layers", "n_layer",
            "num_attention_heads", "n_head", "intermediate_size", "n_inner", "max_position_embeddings", "n_positions");
    private static final Map<String, String> T5 = Map.of("hidden_size", "d_model", "num_hidden_layers",
            "num_layers,num_decoder_layers", "num_attention_heads", "num_heads", "intermediate_size", "d_ff");
    /// By `model_type`; families that are not here use the usual names.
    private static final Map<String, Map<String, String>> NAMES = Map.ofEntries(Map.entry("gpt2", GPT),
            Map.entry("gptj", GPT), Map.entry("t5", T5), Map.entry("mt5", T5),
            Map.entry("gpt_neo", Map.of("num_hidden_layers", "num_layers", "num_attention_heads", "num_heads")),
            Map.entry("bloom", Map.of("num_hidden_layers", "n_layer", "num_attention_heads", "n_head")),
            Map.entry("distilbert",
                    Map.of("hidden_size", "dim", "num_hidden_layers", "n_layers", "num_attention_heads", "n_heads",
                            "intermediate_size", "hidden_dim")),
            Map.entry("opt", Map.of("intermediate_size", "ffn_dim")), Map.entry("bart", HALVES),
            Map.entry("mbart", HALVES), Map.entry("marian", HALVES), Map.entry("pegasus", HALVES),
            Map.entry("blenderbot", HALVES), Map.entry("blenderbot-small", HALVES), Map.entry("m2m_100", HALVES),
            Map.entry("led", HALVES));
    /// Names of dropout anywhere; a config gets those that its family reads.
    private static final Map<String, List<String>> DROPOUT = Map.ofEntries(
            Map.entry("gpt2", List.of("resid_pdrop", "embd_pdrop", "attn_pdrop")),
            Map.entry("gptj", List.of("resid_pdrop", "embd_pdrop", "attn_pdrop")),
            Map.entry("gpt_neo", List.of("resid_dropout", "embed_dropout", "attention_dropout")),
            Map.entry("gpt_neox", List.of("hidden_dropout", "attention_dropout")),
            Map.entry("bloom", List.of("hidden_dropout", "attention_dropout")),
            Map.entry("falcon", List.of("hidden_dropout", "attention_dropout")),
            Map.entry("distilbert", List.of("dropout", "attention_dropout")),
            Map.entry("t5", List.of("dropout_rate")), Map.entry("mt5", List.of("dropout_rate")),
            Map.entry("opt", List.of("dropout")), Map.entry("phi", List.of("resid_pdrop", "embd_pdrop")),
            Map.entry("phi3", List.of("resid_pdrop", "embd_pdrop")),
            Map.entry("modernbert", List.of("embedding_dropout", "mlp_dropout", "attention_dropout")));
    private static final List<String> BERT_DROPOUT = List.of("hidden_dropout_prob", "attention_probs_dropout_prob");

    private ConfigNames() {}

    /// The config with sizes under the names that its family has for them.
    ///
    /// @param config with its `model_type`; sizes may have the usual names (`hidden_size`, …)
    public static ObjectNode own(ObjectNode config) {
        ObjectNode own = Json.object();
        config.properties().forEach(entry -> names(config, entry.getKey())
                .forEach(name -> own.set(name, entry.getValue())));
        return own;
    }

    /// Whether a config has a size, under its usual name or its family's.
    public static boolean says(ObjectNode config, String usual) {
        return config.has(usual) || names(config, usual).stream().anyMatch(config::has);
    }

    /// What the family of a config calls a size; two names where both halves of a model have it.
    static List<String> names(ObjectNode config, String usual) {
        return List.of(NAMES.getOrDefault(config.path("model_type").asString(), Map.of()).getOrDefault(usual, usual)
                .split(","));
    }

    /// The config with this share of activations dropped wherever the family drops some: after embeddings, in residual
    /// connections and of attention weights; in encoder-decoders of the first kind's `dropout` alone.
    public static ObjectNode withDropout(ObjectNode config, double share) {
        ObjectNode dropping = config.deepCopy();
        String family = config.path("model_type").asString();
        List<String> names = NAMES.get(family) == HALVES
                ? List.of("dropout")
                : DROPOUT.getOrDefault(family,
                        List.of("llama", "mistral", "qwen2", "qwen3", "gemma", "gemma2", "gemma3",
                                "gemma3_text", "mixtral", "olmo2", "stablelm", "qwen3_moe").contains(family)
                                        ? List.of("attention_dropout")
                                        : BERT_DROPOUT);
        names.forEach(name -> dropping.put(name, share));
        return dropping;
    }

    /// The size of a table of learned positions that has room for so many tokens: positions of RoBERTa's kin begin behind the
    /// padding's.
    public static int positions(ObjectNode config, int tokens) {
        boolean behind = config.path("model_type").asString().matches(".*(roberta|camembert|mpnet|longformer).*");
        return tokens + (behind ? 2 : 0);
    }

    /// How many blocks a model of this config has; of each half, where it has two.
    ///
    /// @throws IllegalArgumentException if the config does not say
    public static int layers(ObjectNode config) {
        JsonNode layers = config.path(names(config, "num_hidden_layers").getFirst());
        if (!layers.isInt()) {
            throw new IllegalArgumentException("config.json does not say how many layers the model has");
        }
        return layers.asInt();
    }

    /// How wide a model of this config is.
    ///
    /// @throws IllegalArgumentException if the config does not say
    public static int width(ObjectNode config) {
        JsonNode width = config.path(names(config, "hidden_size").getFirst());
        if (!width.isInt()) {
            throw new IllegalArgumentException("config.json does not say how wide the model is");
        }
        return width.asInt();
    }

    /// The config of a model that keeps some of its blocks; lists with an entry for each block keep theirs.
    static ObjectNode withLayers(ObjectNode config, List<Integer> kept) {
        ObjectNode cut = config.deepCopy();
        int layers = layers(config);
        names(config, "num_hidden_layers").forEach(name -> cut.put(name, kept.size()));
        var lists = new ArrayList<String>();
        config.properties().forEach(entry -> {
            if (entry.getValue().isArray() && entry.getValue().size() == layers
                    && !entry.getKey().equals("architectures")) {
                lists.add(entry.getKey());
            }
        });
        for (String name : lists) {
            ArrayNode some = cut.putArray(name);
            kept.forEach(layer -> some.add(config.get(name).get(layer)));
        }
        return cut;
    }
}
