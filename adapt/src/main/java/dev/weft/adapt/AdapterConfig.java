package dev.weft.adapt;

import dev.weft.checkpoint.Json;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/// What an adapter is: PEFT's `adapter_config.json`.
public sealed interface AdapterConfig permits LoraConfig, PromptConfig {
    /// What PEFT calls the tasks that a base is opened for.
    Set<String> TASKS = Set.of("CAUSAL_LM", "SEQ_2_SEQ_LM", "SEQ_CLS", "TOKEN_CLS", "QUESTION_ANS",
            "FEATURE_EXTRACTION");

    /// What the base is opened as, one of [#TASKS]; empty: not told.
    String taskType();

    /// Where the base is; empty: not told.
    String baseModel();

    /// Ends of names of modules that are trained whole, and saved with the adapter.
    List<String> modulesToSave();

    /// With PEFT's word for the task, `CAUSAL_LM` for instance.
    AdapterConfig withTaskType(String task);

    /// With the place of its base, `base_model_name_or_path`.
    AdapterConfig withBaseModel(String place);

    /// With modules that are trained whole beside it, by their names or the ends of these.
    AdapterConfig withModulesToSave(List<String> modules);

    /// What PEFT reads.
    ///
    /// @param turned whether the projections that it changes are stored as `[in, out]`
    ObjectNode toJson(boolean turned);

    /// Whether the weight of this name belongs to a module that is trained whole.
    default boolean saves(String weight) {
        return modulesToSave().stream().anyMatch(module -> weight.contains(module + "."));
    }

    /// `adapter_config.json`.
    ///
    /// @throws IllegalArgumentException if it is of a kind that Weft lacks, or sets what would change the answers and Weft does
    ///                                  not know, by name
    static AdapterConfig fromJson(Json json) {
        if (!TASKS.contains(json.text("task_type", "CAUSAL_LM"))) {
            throw json.mustBe("task_type", "nothing or one of " + String.join(", ", TASKS.stream().sorted().toList()));
        }
        return switch (json.text("peft_type")) {
            case "LORA" -> LoraConfig.fromJson(json);
            case "PROMPT_TUNING", "PREFIX_TUNING" -> PromptConfig.fromJson(json);
            default -> throw json.mustBe("peft_type",
                    "LORA, PROMPT_TUNING or PREFIX_TUNING; Weft reads no other adapters");
        };
    }

    /// @param known settings that Weft knows or that change nothing
    /// @throws IllegalArgumentException if another is set to anything
    static void requireKnown(Json json, Set<String> known) {
        for (String name : json.names()) {
            if (!known.contains(name) && means(json.node().get(name))) {
                throw new IllegalArgumentException(
                        "%s: \"%s\" is set to %s, which changes what the adapter does and which Weft does not know"
                                .formatted(json, name, json.node().get(name)));
            }
        }
    }

    private static boolean means(JsonNode value) {
        return !(value.isNull() || value.isBoolean() && !value.booleanValue()
                || value.isContainer() && value.isEmpty());
    }
}
