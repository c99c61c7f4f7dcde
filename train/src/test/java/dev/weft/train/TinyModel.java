package dev.weft.train;

import dev.weft.data.TokenBatch;
import dev.weft.nn.Embedding;
import dev.weft.nn.FeedForward;
import dev.weft.nn.Activation;
import dev.weft.nn.ForwardPass;
import dev.weft.nn.Init;
import dev.weft.nn.LanguageModel;
import dev.weft.nn.LayerNorm;
import dev.weft.nn.Linear;
import dev.weft.nn.Norm;
import dev.weft.nn.Projection;
import dev.weft.nn.Weights;
import dev.weft.tensor.Device;
import dev.weft.tensor.Tensor;
import java.util.Map;
import java.util.SplittableRandom;

/// A language model of a few hundred weights with what a real one has: an embedding, a block with dropout, a norm, a head.
final class TinyModel implements LanguageModel {
    static final int VOCAB = 11;
    private static final int HIDDEN = 8;
    private final Embedding tokens;
    private final FeedForward block;
    private final Norm norm;
    private final Projection head;
    private final Map<String, Tensor> parameters;

    TinyModel(long seed) {
        Weights weights = Weights.random(seed);
        Init init = Init.normal(0.3);
        tokens = Embedding.load(weights.at("tokens"), VOCAB, HIDDEN, init);
        block = new FeedForward.Plain(Linear.load(weights.at("up"), Linear.Layout.OUT_IN, HIDDEN, 16, init),
                Activation.GELU,
                Linear.load(weights.at("down"), Linear.Layout.OUT_IN, 16, HIDDEN, init));
        norm = LayerNorm.load(weights.at("norm"), HIDDEN, 1e-5);
        head = Linear.loadWithoutBias(weights.at("head"), Linear.Layout.OUT_IN, HIDDEN, VOCAB, init);
        parameters = weights.given();
        requiresGrad(true);
    }

    @Override
    public Tensor hidden(Tensor tokenIds, ForwardPass pass) {
        Tensor embedded = tokens.forward(tokenIds);
        return pass.run(x -> norm.forward(x.add(pass.dropout().apply(block.forward(x, pass), 0.1))),
                embedded);
    }

    @Override
    public Tensor score(Tensor hidden) {
        return head.forward(hidden);
    }

    @Override
    public int vocabSize() {
        return VOCAB;
    }

    @Override
    public int maxPositions() {
        return 1000;
    }

    @Override
    public Map<String, Tensor> parameters() {
        return parameters;
    }

    /// Rows of a text in which each id is followed by the next one, from places that depend on the step.
    static TokenBatch batch(long step, int micro, int rows, int seq) {
        var random = new SplittableRandom(1000 * step + micro);
        long[] inputs = new long[rows * seq];
        long[] targets = new long[rows * seq];
        for (int row = 0; row < rows; row++) {
            int start = random.nextInt(VOCAB);
            for (int i = 0; i < seq; i++) {
                inputs[row * seq + i] = (start + i) % VOCAB;
                targets[row * seq + i] = (start + i + 1) % VOCAB;
            }
        }
        return new TokenBatch(Tensor.of(inputs, rows, seq), Tensor.of(targets, rows, seq), (long) rows * seq);
    }

    Trainer.Task<TokenBatch> task(Batches<TokenBatch> batches, Optimizer optimizer, Schedule schedule) {
        return new Trainer.Task<>(this, new CausalObjective(this, Device.CPU), batches, optimizer, schedule, null,
                folder -> {}, "tiny");
    }
}
