package dev.weft.models;

import dev.weft.checkpoint.Json;
import dev.weft.models.heads.HeadKind;
import dev.weft.models.heads.HeadStyle;
import dev.weft.models.heads.VocabularyHead;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Function;

/// Every family that Weft knows, by its `model_type`.
final class Families {
    private static final Map<String, Family> KNOWN = new LinkedHashMap<>();
    /// Keys of `config.json` that would change every number, and what they say in all models that Weft knows.
    private static final Map<String, String> ONLY = Map.of("use_bidirectional_attention", "false",
            "position_embedding_type", "absolute");

    static {
        encoders();
        decoders();
        encoderDecoders();
    }

    private Families() {}

    private static void encoders() {
        add("bert",
                new Family("Bert", "bert", (config, weights, kind) -> new Bert(Bert.Config.fromJson(config), weights),
                        HeadStyle.bert()).with(HeadKind.CAUSAL_LANGUAGE, "LMHeadModel"));
        add("roberta", new Family("Roberta", "roberta", bert(Roberta::fromJson), HeadStyle.roberta()));
        add("xlm-roberta", new Family("XLMRoberta", "roberta", bert(Roberta::fromJson), HeadStyle.roberta()));
        add("camembert", new Family("Camembert", "roberta", bert(Roberta::fromJson), HeadStyle.roberta()));
        add("roformer", new Family("RoFormer", "roformer", bert(RoFormer::fromJson), HeadStyle.roFormer()));
        add("distilbert", new Family("DistilBert", "distilbert", bert(DistilBert::fromJson), HeadStyle.distilBert()));
        add("electra", new Family("Electra", "electra",
                bert(json -> new Bert.Plain(
                        Bert.Config.fromJson(json.withDefaults(Json.object().put("embedding_size", 128))))),
                HeadStyle.electra()));
        add("albert", new Family("Albert", "albert", bert(Albert::fromJson), HeadStyle.albert()));
        add("mpnet", new Family("MPNet", "mpnet",
                (config, weights, kind) -> new Bert(Mpnet.load(config, weights), weights),
                HeadStyle.roberta().without(HeadKind.CAUSAL_LANGUAGE)));
        add("deberta", deberta("Deberta", HeadStyle.deberta().without(HeadKind.MULTIPLE_CHOICE)));
        add("deberta-v2", deberta("DebertaV2", HeadStyle.deberta()));
        add("big_bird", new Family("BigBird", "bert",
                (config, weights, kind) -> new Bert(BigBird.fromJson(config, kind), weights), HeadStyle.bigBird()));
        add("longformer", new Family("Longformer", "longformer",
                (config, weights, kind) -> new Bert(Longformer.fromJson(config, kind), weights),
                HeadStyle.roberta().without(HeadKind.CAUSAL_LANGUAGE)));
        add("modernbert", new Family("ModernBert", "model",
                (config, weights, kind) -> new ModernBert(ModernBert.Config.fromJson(config), weights),
                HeadStyle.modernBert()));
    }

    private static Family deberta(String className, HeadStyle heads) {
        return new Family(className, "deberta",
                (config, weights, kind) -> new Bert(Deberta.load(config, weights), weights), heads);
    }

    private static void decoders() {
        add(Gpt2.MODEL_TYPE, new Family("GPT2", "transformer",
                (config, weights, kind) -> new Gpt2(Gpt2.Config.fromJson(config), weights),
                HeadStyle.decoder(true).withTokens("classifier")).with(HeadKind.CAUSAL_LANGUAGE, "LMHeadModel"));
        add(Llama.MODEL_TYPE, llama("Llama", json -> new Llama.Parts(Llama.Config.fromJson(json)), false));
        add(Mistral.MODEL_TYPE, llama("Mistral", Mistral::fromJson, false));
        add(Mixtral.MODEL_TYPE, llama("Mixtral", Mixtral::fromJson, false));
        add(Qwen2.MODEL_TYPE, llama("Qwen2", Qwen2::fromJson, false));
        add(Qwen3.MODEL_TYPE, llama("Qwen3", Qwen3::fromJson, false));
        add(Qwen3Moe.MODEL_TYPE, llama("Qwen3Moe", Qwen3Moe::fromJson, false));
        add(Gemma.MODEL_TYPE, llama("Gemma", Gemma::fromJson, true));
        add(Gemma2.MODEL_TYPE, new Family("Gemma2", "model", parts(Gemma2::fromJson), HeadStyle.decoder(
                VocabularyHead.capped(VocabularyHead.plain("lm_head", false, true), "final_logit_softcapping", 30))));
        add(Gemma3.MODEL_TYPE, new Family("Gemma3", "model", parts(Gemma3::fromJson), HeadStyle.decoder(
                VocabularyHead.capped(VocabularyHead.plain("lm_head", false, true), "final_logit_softcapping", 0))));
        add(Olmo2.MODEL_TYPE, llama("Olmo2", Olmo2::fromJson, false));
        add(Phi3.MODEL_TYPE, llama("Phi3", Phi3::fromJson, false));
        add(StableLm.MODEL_TYPE, llama("StableLm", StableLm::fromJson, false));
        add(Opt.MODEL_TYPE, new Family("OPT", "model",
                (config, weights, kind) -> new Opt(Opt.Config.fromJson(config), weights), HeadStyle.decoder(true)));
        add(GptNeo.MODEL_TYPE, new Family("GPTNeo", "transformer",
                (config, weights, kind) -> new GptNeo(GptNeo.Config.fromJson(config), weights),
                HeadStyle.decoder(true).withTokens("classifier")));
        add(GptNeoX.MODEL_TYPE, new Family("GPTNeoX", "gpt_neox",
                (config, weights, kind) -> new GptNeoX(GptNeoX.Config.fromJson(config), weights),
                HeadStyle.decoder(GptNeoX::head).withTokens("classifier")));
        add(GptJ.MODEL_TYPE, new Family("GPTJ", "transformer",
                (config, weights, kind) -> new GptJ(GptJ.Config.fromJson(config), weights),
                HeadStyle.decoder(VocabularyHead.plain("lm_head", true, false))));
        add(Bloom.MODEL_TYPE, new Family("Bloom", "transformer",
                (config, weights, kind) -> new Bloom(Bloom.Config.fromJson(config), weights),
                HeadStyle.decoder(true).withTokens("classifier")));
        for (String type : List.of(Falcon.MODEL_TYPE, "RefinedWeb", "RefinedWebModel")) {
            add(type, new Family("Falcon", "transformer",
                    (config, weights, kind) -> new Falcon(Falcon.Config.fromJson(config), weights),
                    HeadStyle.decoder(true).withTokens("classifier")));
        }
        add(Phi.MODEL_TYPE, new Family("Phi", "model",
                (config, weights, kind) -> new Phi(Phi.Config.fromJson(config), weights),
                HeadStyle.decoder(VocabularyHead.plain("lm_head", true, false))));
    }

    private static void encoderDecoders() {
        add("bart", bart("Bart", json -> new Bart.Plain(Bart.Config.fromJson(json))));
        add("mbart", bart("MBart", MBart::fromJson));
        add("marian", bart("Marian", Marian::fromJson).with(HeadKind.SEQ2SEQ, "MTModel"));
        add("pegasus", bart("Pegasus", Pegasus::fromJson));
        add("blenderbot", bart("Blenderbot", Blenderbot::fromJson));
        add("blenderbot-small", bart("BlenderbotSmall", BlenderbotSmall::fromJson));
        add("led", bart("LED", "led", Led::fromJson));
        add("m2m_100", bart("M2M100", M2M100::fromJson));
        add("t5", t5("T5"));
        add("mt5", t5("MT5"));
        add(EncoderDecoder.MODEL_TYPE,
                new Family("", "", (config, weights, kind) -> EncoderDecoder.load(config, weights),
                        HeadStyle.seq2seq(EncoderDecoder::vocabulary)).with(HeadKind.SEQ2SEQ, "EncoderDecoderModel"));
    }

    private static Family bart(String className, Function<Json, Bart.Parts> parts) {
        return bart(className, "model", parts);
    }

    private static Family bart(String className, String prefix, Function<Json, Bart.Parts> parts) {
        return new Family(className, prefix,
                (config, weights, kind) -> kind == HeadKind.CAUSAL_LANGUAGE
                        ? Bart.decoder(parts.apply(config), weights)
                        : new Bart(parts.apply(config), weights),
                HeadStyle.seq2seq(VocabularyHead.shifted(VocabularyHead.plain("lm_head", false, true),
                        "final_logits_bias")));
    }

    private static Family t5(String className) {
        return new Family(className, "",
                (config, weights, kind) -> kind == HeadKind.ENCODER || kind == HeadKind.TOKEN_CLASSIFICATION
                        ? T5.encoder(T5.Config.fromJson(config), weights)
                        : new T5(T5.Config.fromJson(config), weights),
                HeadStyle.seq2seq(VocabularyHead.shrunkWhereTied(VocabularyHead.plain("lm_head", false, true))))
                .withPrefix(HeadKind.SEQUENCE_CLASSIFICATION, "transformer")
                .withPrefix(HeadKind.TOKEN_CLASSIFICATION, "transformer");
    }

    private static void add(String modelType, Family family) {
        KNOWN.put(modelType, family);
    }

    private static Family.Builder bert(Function<Json, Bert.Parts> parts) {
        return (config, weights, kind) -> new Bert(parts.apply(config), weights);
    }

    private static Family.Builder parts(Function<Json, LlamaParts> parts) {
        return (config, weights, kind) -> new Llama(parts.apply(config), weights);
    }

    private static Family llama(String className, Function<Json, LlamaParts> parts, boolean tied) {
        return new Family(className, "model", parts(parts), HeadStyle.decoder(tied))
                .withPrefix(HeadKind.QUESTION_ANSWERING, "transformer");
    }

    /// @throws IllegalArgumentException if the config names no family that Weft knows
    static Family of(Json config) {
        ONLY.forEach((name, only) -> {
            String found = config.has(name) ? config.node().get(name).asString() : only;
            if (!found.equals(only)) {
                throw config.mustBe(name, only + ", which is all that Weft computes");
            }
        });
        String type = config.text("model_type");
        Family family = KNOWN.get(type);
        if (family == null) {
            throw new IllegalArgumentException("Weft does not know the model_type \"" + type + "\"; it knows "
                    + names());
        }
        return family;
    }

    /// The model types, sorted.
    static Set<String> names() {
        return new TreeSet<>(KNOWN.keySet());
    }
}
