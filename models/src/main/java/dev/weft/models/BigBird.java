package dev.weft.models;

import dev.weft.models.heads.Pretraining;
import dev.weft.models.heads.PooledHead;
import dev.weft.checkpoint.Json;
import dev.weft.models.heads.AfterQuestion;
import dev.weft.models.heads.HeadKind;
import dev.weft.models.heads.HeadLayout;
import dev.weft.nn.ForwardPass;
import dev.weft.nn.Linear;
import dev.weft.nn.Projection;
import dev.weft.nn.Weights;
import dev.weft.nn.attention.BlockSparseAttention;
import dev.weft.nn.attention.GroupedQueryAttention.QueryKeyValue;
import dev.weft.nn.attention.GroupedQueryAttention;
import dev.weft.nn.attention.SelfAttention;
import dev.weft.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/// BigBird: BERT whose attention looks at a few blocks of a long text. Zaheer et al. 2020,
/// <https://arxiv.org/abs/2007.14062>.
///
/// @param sparse   false: every position sees every other, however long the text
/// @param random   how many random blocks each block sees
/// @param rescales whether embeddings of tokens are multiplied by √hidden
/// @param inputBias whether queries, keys and values have biases
/// @param question the id after the question, where segments are to be told apart by it, or −1
record BigBird(Bert.Config config, boolean sparse, int blockSize, int random, boolean rescales, boolean inputBias,
        int question) implements Bert.Parts {
    static final Family FAMILY = Family
            .of("BigBird", heads(), (json, weights, kind) -> new Bert(fromJson(json, kind), weights),
                    "big_bird")
            .below("bert")
            .withDropouts("hidden_dropout_prob", "attention_probs_dropout_prob");

    /// BigBird's: BERT's, with projections of their own for classes and answers.
    private static HeadLayout heads() {
        PooledHead.Style pooled = HeadLayout.pooled("pooler");
        return HeadLayout.encoder(Bert.vocabulary(), pooled).withSequence(HeadLayout.denseThenOut(null))
                .withPretext(
                        new HeadLayout.Pretext.Pair(pooled.withOutput("cls.seq_relationship"), Pretraining.Names.BERT))
                .withEach(PooledHead.Style.each("classifier"), AfterQuestion::load);
    }

    static BigBird fromJson(Json json, HeadKind kind) {
        Json full = json.withDefaults(Json.object().put("hidden_act", "gelu_new").put("max_position_embeddings", 4096));
        Bert.Config config = Bert.Config.fromJson(full);
        boolean sparse = switch (full.text("attention_type", "block_sparse")) {
            case "block_sparse" -> !config.addCrossAttention();
            case "original_full" -> false;
            default -> throw full.mustBe("attention_type", "block_sparse or original_full");
        };
        return new BigBird(config, sparse, full.positive("block_size", 64), full.integer("num_random_blocks", 3),
                full.flag("rescale_embeddings", false), full.flag("use_bias", true),
                kind == HeadKind.QUESTION_ANSWERING ? full.integer("sep_token_id", 66) : -1);
    }

    @Override
    public double tokenScale() {
        return rescales ? Math.sqrt(config.hiddenSize()) : 1;
    }

    @Override
    public @Nullable Tensor types(Tensor tokenIds, ForwardPass pass) {
        return pass.tokenTypes() != null || question < 0
                ? pass.tokenTypes()
                : AfterQuestion.question(tokenIds, question).mul(-1).add(1);
    }

    /// Whole blocks.
    @Override
    public int fillers(long seq, ForwardPass pass) {
        return sparse && pass.cache() == null && seq > BlockSparseAttention.fullLength(blockSize, random)
                ? (int) ((blockSize - seq % blockSize) % blockSize)
                : 0;
    }

    @Override
    public QueryKeyValue.Apart inputs(Weights weights) {
        return new QueryKeyValue.Apart(input(weights.at("query")), input(weights.at("key")),
                input(weights.at("value")));
    }

    private Projection input(Weights weights) {
        return Linear.load(weights, config.hiddenSize(), config.hiddenSize(), inputBias, config.init());
    }

    @Override
    public SelfAttention attention(int layer, Weights weights, Projection output) {
        QueryKeyValue.Apart inputs = inputs(weights);
        GroupedQueryAttention full = attention(layer, inputs, output);
        return sparse
                ? new BlockSparseAttention(full.heads(), inputs, output, full.attention().withDropout(0), full,
                        blockSize, random)
                : full;
    }
}
