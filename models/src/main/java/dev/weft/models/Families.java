package dev.weft.models;

import dev.weft.checkpoint.Json;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/// Every family that Weft knows, by its `model_type`. A new one is a file of its own, and its name here.
final class Families {
    private static final List<Family> ALL = List.of(Bert.FAMILY, Roberta.FAMILY, Roberta.XLM, Roberta.CAMEMBERT,
            RoFormer.FAMILY, DistilBert.FAMILY, Electra.FAMILY, Albert.FAMILY, Mpnet.FAMILY, Deberta.FAMILY, Deberta.V2,
            BigBird.FAMILY, Longformer.FAMILY, ModernBert.FAMILY, Gpt2.FAMILY, Llama.FAMILY, Mistral.FAMILY,
            Mixtral.FAMILY, Qwen2.FAMILY, Qwen3.FAMILY, Qwen3Moe.FAMILY, Gemma.FAMILY, Gemma2.FAMILY, Gemma3.FAMILY,
            Olmo2.FAMILY, Olmo3.FAMILY, Phi3.FAMILY, StableLm.FAMILY, Granite.FAMILY, Starcoder2.FAMILY, SmolLm3.FAMILY,
            Glm.FAMILY, Glm4.FAMILY, Cohere.FAMILY, Cohere2.FAMILY, Opt.FAMILY, GptNeo.FAMILY, GptNeoX.FAMILY,
            GptJ.FAMILY, Bloom.FAMILY, Falcon.FAMILY, Phi.FAMILY, Bart.FAMILY, MBart.FAMILY, Marian.FAMILY,
            Pegasus.FAMILY, Blenderbot.FAMILY, BlenderbotSmall.FAMILY, Led.FAMILY, M2M100.FAMILY, T5.FAMILY,
            T5.MULTILINGUAL, EncoderDecoder.FAMILY);
    private static final Map<String, Family> KNOWN = new LinkedHashMap<>();
    /// Keys of `config.json` that would change every number, and what they say in all models that Weft knows.
    private static final Map<String, String> ONLY = Map.of("use_bidirectional_attention", "false",
            "position_embedding_type", "absolute");

    static {
        ALL.forEach(family -> family.modelTypes().forEach(type -> KNOWN.put(type, family)));
    }

    private Families() {}

    /// @throws IllegalArgumentException if the config names no family that Weft knows
    static Family of(Json config) {
        ONLY.forEach((name, only) -> {
            String found = config.has(name) ? config.node().get(name).asString() : only;
            if (!found.equals(only)) {
                throw config.mustBe(name, only + ", which is all that Weft computes");
            }
        });
        return of(config.text("model_type"));
    }

    /// @throws IllegalArgumentException if Weft knows no such family
    static Family of(String modelType) {
        Family family = KNOWN.get(modelType);
        if (family == null) {
            throw new IllegalArgumentException("Weft does not know the model_type \"" + modelType + "\"; it knows "
                    + names());
        }
        return family;
    }

    /// The model types, sorted.
    static Set<String> names() {
        return new TreeSet<>(KNOWN.keySet());
    }
}
