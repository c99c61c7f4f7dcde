package dev.weft.adapt;

import dev.weft.checkpoint.Json;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import tools.jackson.databind.node.ObjectNode;

/// Vectors of no token that are trained and stand before every text, in PEFT's words. Start from [#prompt] or [#prefix].
///
/// @param kind                     prompts or prefixes
/// @param numVirtualTokens         how many
/// @param tokenDim                 length of a prompt's vector, or of a prefix's keys of a layer; 0: as the base has it
/// @param numLayers                of the base; 0: as it has
/// @param numAttentionHeads        that the keys are of; 0: as the base has them
/// @param numTransformerSubmodules 2 for encoder-decoders; 0: as the base is. PEFT makes as many times the prompts and uses the
///                                 first ones
/// @param prefixProjection         whether prefixes are trained as short vectors and two projections of them
/// @param encoderHiddenSize        between these projections; 0: `tokenDim`
/// @param init                     how new prompts begin
/// @param initText                 what [Init#TEXT] begins with; its ids are `initIds`
/// @param tokenizer                whose ids these are: a name or a path, for the file
public record PromptConfig(Kind kind, int numVirtualTokens, int tokenDim, int numLayers, int numAttentionHeads,
        int numTransformerSubmodules, boolean prefixProjection, int encoderHiddenSize, Init init, String initText,
        List<Integer> initIds, String tokenizer, List<String> modulesToSave, String taskType,
        String baseModel) implements AdapterConfig {
    /// Where the vectors stand.
    public enum Kind {
        /// Before the embeddings of the text. Lester et al. 2021, <https://arxiv.org/abs/2104.08691>, §2.
        PROMPT_TUNING,
        /// Before the keys and values of each layer. Li & Liang 2021, <https://arxiv.org/abs/2101.00190>, §4.
        PREFIX_TUNING
    }

    /// How new prompts begin.
    public enum Init {
        /// Normal with deviation 1, as in PEFT.
        RANDOM,
        /// As embeddings of tokens drawn from the vocabulary.
        SAMPLE_VOCAB,
        /// As the embeddings of a text, cut, or repeated, to their number.
        TEXT
    }

    private static final Set<String> KNOWN = Set.of("peft_type", "peft_version", "base_model_name_or_path", "revision",
            "inference_mode", "auto_mapping", "task_type", "num_virtual_tokens", "token_dim", "num_layers",
            "num_attention_heads", "num_transformer_submodules", "prefix_projection", "encoder_hidden_size",
            "init_weights", "prompt_tuning_init", "prompt_tuning_init_text", "tokenizer_name_or_path",
            "tokenizer_kwargs", "modules_to_save");

    public PromptConfig {
        initIds = List.copyOf(initIds);
        modulesToSave = modulesToSave.stream().distinct().toList();
        if (numVirtualTokens < 1) {
            throw new IllegalArgumentException(
                    "The number of virtual tokens must be at least 1, found " + numVirtualTokens);
        }
    }

    /// So many prompts before the embeddings of the text.
    public static PromptConfig prompt(int count) {
        return of(Kind.PROMPT_TUNING, count);
    }

    /// So many keys and values before those of the text, in each layer.
    public static PromptConfig prefix(int count) {
        return of(Kind.PREFIX_TUNING, count);
    }

    private static PromptConfig of(Kind kind, int count) {
        return new PromptConfig(kind, count, 0, 0, 0, 0, false, 0, Init.RANDOM, "", List.of(), "", List.of(), "", "");
    }

    /// Prefixes as `width` → tanh → all keys and values of vectors as long as a layer's keys (§4.3 of the paper); 0: `width` is
    /// that length too.
    public PromptConfig withProjection(int width) {
        return new PromptConfig(kind, numVirtualTokens, tokenDim, numLayers, numAttentionHeads,
                numTransformerSubmodules, true, width, init, initText, initIds, tokenizer, modulesToSave, taskType,
                baseModel);
    }

    /// Beginning as tokens drawn from the vocabulary.
    public PromptConfig withSampledVocabulary() {
        return with(Init.SAMPLE_VOCAB, "", List.of(), "");
    }

    /// Beginning as a text.
    ///
    /// @param ids       of the text
    /// @param tokenizer that made them, a name or a path
    public PromptConfig withText(String text, List<Integer> ids, String tokenizer) {
        if (ids.isEmpty()) {
            throw new IllegalArgumentException("Prompts cannot begin as a text without tokens: \"" + text + '"');
        }
        return with(Init.TEXT, text, ids, tokenizer);
    }

    private PromptConfig with(Init begin, String text, List<Integer> ids, String from) {
        return new PromptConfig(kind, numVirtualTokens, tokenDim, numLayers, numAttentionHeads,
                numTransformerSubmodules, prefixProjection, encoderHiddenSize, begin, text, ids, from, modulesToSave,
                taskType, baseModel);
    }

    /// With the sizes of a base where none are told.
    PromptConfig sized(int width, int layers, int heads, int submodules) {
        return new PromptConfig(kind, numVirtualTokens, or(tokenDim, width), or(numLayers, layers),
                or(numAttentionHeads, heads), or(numTransformerSubmodules, submodules), prefixProjection,
                prefixProjection ? or(encoderHiddenSize, or(tokenDim, width)) : 0, init, initText, initIds, tokenizer,
                modulesToSave, taskType, baseModel);
    }

    private static int or(int told, int otherwise) {
        return told == 0 ? otherwise : told;
    }

    @Override
    public PromptConfig withTaskType(String task) {
        return new PromptConfig(kind, numVirtualTokens, tokenDim, numLayers, numAttentionHeads,
                numTransformerSubmodules, prefixProjection, encoderHiddenSize, init, initText, initIds, tokenizer,
                modulesToSave, task, baseModel);
    }

    @Override
    public PromptConfig withBaseModel(String place) {
        return new PromptConfig(kind, numVirtualTokens, tokenDim, numLayers, numAttentionHeads,
                numTransformerSubmodules, prefixProjection, encoderHiddenSize, init, initText, initIds, tokenizer,
                modulesToSave, taskType, place);
    }

    @Override
    public PromptConfig withModulesToSave(List<String> modules) {
        return new PromptConfig(kind, numVirtualTokens, tokenDim, numLayers, numAttentionHeads,
                numTransformerSubmodules, prefixProjection, encoderHiddenSize, init, initText, initIds, tokenizer,
                modules, taskType, baseModel);
    }

    /// Rows of `prompt_embeddings`.
    int rows() {
        return kind == Kind.PROMPT_TUNING ? numVirtualTokens * numTransformerSubmodules : numVirtualTokens;
    }

    /// Numbers of all keys and values of a prefix.
    int prefixWidth() {
        return 2 * numLayers * tokenDim;
    }

    static PromptConfig fromJson(Json json) {
        AdapterConfig.requireKnown(json, KNOWN);
        Kind kind = Kind.valueOf(json.text("peft_type"));
        String begin = json.text("prompt_tuning_init", "RANDOM");
        Init init = Arrays.stream(Init.values()).filter(each -> each.name().equals(begin)).findFirst()
                .orElseThrow(() -> json.mustBe("prompt_tuning_init", "RANDOM, SAMPLE_VOCAB or TEXT"));
        return new PromptConfig(kind, json.positive("num_virtual_tokens"), json.positive("token_dim", 0),
                json.positive("num_layers", 0), json.positive("num_attention_heads", 0),
                json.positive("num_transformer_submodules", 0), json.flag("prefix_projection", false),
                json.positive("encoder_hidden_size", 0), init, json.text("prompt_tuning_init_text", ""), List.of(),
                json.text("tokenizer_name_or_path", ""),
                json.has("modules_to_save") ? json.texts("modules_to_save") : List.of(), json.text("task_type", ""),
                json.text("base_model_name_or_path", ""));
    }

    @Override
    public ObjectNode toJson(boolean turned) {
        ObjectNode json = Json.object();
        json.putNull("auto_mapping");
        LoraConfig.put(json, "base_model_name_or_path", baseModel);
        json.put("inference_mode", true);
        Targets.of(modulesToSave.toArray(String[]::new)).toJson(json, "modules_to_save");
        json.put("num_attention_heads", numAttentionHeads).put("num_layers", numLayers)
                .put("num_transformer_submodules", numTransformerSubmodules)
                .put("num_virtual_tokens", numVirtualTokens).put("peft_type", kind.name()).putNull("revision");
        LoraConfig.put(json, "task_type", taskType);
        json.put("token_dim", tokenDim);
        if (kind == Kind.PREFIX_TUNING) {
            json.putNull("encoder_hidden_size");
            if (prefixProjection) {
                json.put("encoder_hidden_size", encoderHiddenSize);
            }
            return json.put("prefix_projection", prefixProjection);
        }
        json.put("prompt_tuning_init", init.name());
        LoraConfig.put(json, "prompt_tuning_init_text", initText);
        LoraConfig.put(json, "tokenizer_name_or_path", tokenizer);
        return json;
    }
}
