package dev.weft.adapt;

import dev.weft.models.backbone.Backbone;
import dev.weft.models.Models;
import dev.weft.models.backbone.Seq2Seq;
import dev.weft.models.backbone.TextBackbone;
import dev.weft.models.heads.PretrainedModel;
import dev.weft.models.heads.HeadKind;
import dev.weft.nn.Embedding;
import dev.weft.nn.ForwardPass;
import dev.weft.nn.Init;
import dev.weft.nn.KvCache;
import dev.weft.nn.Linear;
import dev.weft.nn.Projection;
import dev.weft.nn.ProjectionPlan;
import dev.weft.nn.ProjectionSpec;
import dev.weft.nn.Weights;
import dev.weft.tensor.DType;
import dev.weft.tensor.Gradients;
import dev.weft.tensor.Tensor;
import dev.weft.tensor.TensorScope;
import java.util.Map;
import java.util.Set;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/// Puts prompts beside the input embedding, or prefixes around the backbone.
final class PromptPlan implements AdapterPlan {
    private final PromptConfig config;
    private final ProjectionPlan base;
    private final boolean projected;

    PromptPlan(PretrainedModel base, PromptConfig told, boolean fresh, Set<String> stored, String where) {
        HeadKind kind = HeadKind.of(Models.architecture(base.context().config()));
        boolean prompts = told.kind() == PromptConfig.Kind.PROMPT_TUNING;
        boolean both = base.backbone() instanceof Seq2Seq;
        boolean fits = kind == HeadKind.SEQ2SEQ || !both && (kind == HeadKind.CAUSAL_LANGUAGE || prompts
                && (kind == HeadKind.SEQUENCE_CLASSIFICATION || kind == HeadKind.TOKEN_CLASSIFICATION));
        if (!fits) {
            throw new IllegalArgumentException(prompts
                    ? "Prompts stand before language models, classifiers of texts and tokens, and encoder-decoders that write; this is "
                            + Models.architecture(base.context().config())
                    : "Prefixes stand before models that write; this is "
                            + Models.architecture(base.context().config()));
        }
        Tensor table = (both ? ((Seq2Seq) base.backbone()).encoderTokens() : base.textBackbone().tokens()).weight();
        this.base = AdapterPlan.below(base);
        config = sized(base, told, prompts ? table : null, where);
        projected = config.prefixProjection() && (fresh || stored.contains(Adapted.PROJECTED + ".embedding.weight"));
    }

    /// With the sizes that the base's cache shows.
    private static PromptConfig sized(PretrainedModel base, PromptConfig told, @Nullable Tensor table, String where) {
        int submodules = base.backbone() instanceof Seq2Seq ? 2 : 1;
        try (var scope = TensorScope.open(); var off = Gradients.off(); var cache = KvCache.keepingAll()) {
            Tensor any = base.textBackbone().tokens().weight();
            base.textBackbone().forward(Tensor.zeros(DType.INT64, 1, 1).to(any.device()),
                    ForwardPass.plain().withCache(cache));
            Tensor keys = cache.tensors().get("layers.0.keys");
            int layers = cache.tensors().size() / 2;
            int heads = keys == null ? base.textBackbone().sizes().numAttentionHeads() : (int) keys.size(1);
            long width = table != null
                    ? table.size(1)
                    : keys == null ? base.backbone().hiddenSize() : keys.size(1) * keys.size(3);
            PromptConfig config = told.sized((int) width, layers, heads, submodules);
            require(where, told, "token_dim", config.tokenDim(), width);
            if (table == null) {
                require(where, told, "num_layers", config.numLayers(), layers);
                require(where, told, "num_attention_heads", config.numAttentionHeads(), heads);
            }
            return config;
        }
    }

    private static void require(String where, PromptConfig told, String what, long found, long expected) {
        if (found != expected) {
            throw Adapted.forAnotherBase(where, told.baseModel(),
                    "%s is %d there, %d here".formatted(what, found, expected));
        }
    }

    @Override
    public ProjectionPlan base() {
        return base;
    }

    @Override
    public Projection load(Weights place, ProjectionSpec spec) {
        return base.load(place, spec);
    }

    private Init begun(Tensor table) {
        return switch (config.init()) {
            case RANDOM -> Init.normal(1);
            case SAMPLE_VOCAB -> (random, shape) -> rows(table,
                    random.uniform(0, table.size(0), shape[0]).to(DType.INT64));
            case TEXT -> (random, shape) -> rows(table, Tensor.of(IntStream.range(0, (int) shape[0])
                    .map(i -> config.initIds().get(i % config.initIds().size())).toArray(), shape[0]));
        };
    }

    private static Tensor rows(Tensor table, Tensor ids) {
        return table.detach().indexSelect(0, ids.to(table.device())).to(DType.FLOAT32);
    }

    @Override
    public Backbone around(Backbone plain, Weights weights) {
        var text = (TextBackbone) plain;
        if (config.kind() == PromptConfig.Kind.PROMPT_TUNING) {
            Tensor table = (plain instanceof Seq2Seq both ? both.encoderTokens() : text.tokens()).weight();
            Tensor prompts = weights.get(Adapted.PROMPTS, begun(table), config.rows(), config.tokenDim());
            return plain instanceof Seq2Seq both
                    ? new VirtualTokens.PromptedEncoder(both, prompts, config.numVirtualTokens())
                    : new VirtualTokens.Prompted(text, prompts, config.numVirtualTokens());
        }
        Supplier<Tensor> flat = flat(weights);
        return plain instanceof Seq2Seq both
                ? new VirtualTokens.PrefixedDecoder(both, config, flat)
                : new VirtualTokens.Prefixed(text, config, flat);
    }

    /// `[tokens, 2 · layers · width]`: keys and values of all layers.
    private Supplier<Tensor> flat(Weights weights) {
        if (!projected) {
            Tensor whole = weights.get(Adapted.PROMPTS, Init.normal(1), config.rows(), config.prefixWidth());
            return () -> whole;
        }
        Weights place = weights.at(Adapted.PROJECTED);
        Tensor table = place.at("embedding").get("weight", Init.normal(1), config.rows(), config.tokenDim());
        Projection in = dense(place.at("transform.0"), config.tokenDim(), config.encoderHiddenSize());
        Projection out = dense(place.at("transform.2"), config.encoderHiddenSize(), config.prefixWidth());
        return () -> out.forward(in.forward(table).tanh());
    }

    private static Projection dense(Weights place, int in, int out) {
        double bound = 1 / Math.sqrt(in);
        return new Linear(place.get("weight", Init.uniform(bound), out, in),
                place.get("bias", Init.uniform(bound), out), Linear.Layout.OUT_IN);
    }

    @Override
    public AdapterConfig config() {
        return config;
    }

    @Override
    public Map<String, LowRank> detours() {
        return Map.of();
    }

    @Override
    public void requireSome(String where) {
        // There is always a place before the text.
    }
}
