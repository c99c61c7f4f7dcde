package dev.weft.train;

import dev.weft.data.TokenBatch;
import dev.weft.data.TokenWindows;
import dev.weft.nn.ForwardPass;
import dev.weft.nn.LanguageModel;
import dev.weft.nn.Loss;
import dev.weft.tensor.Device;
import dev.weft.tensor.Gradients;
import dev.weft.tensor.TensorScope;

/// How well a language model predicts a text, window by window, every token once.
public final class CausalEvaluation {
    private CausalEvaluation() {}

    /// @param negativeLogLikelihood in nats
    public record Sum(double negativeLogLikelihood, long tokens) {
        /// Mean per token.
        public double loss() {
            return negativeLogLikelihood / tokens;
        }
    }

    /// The sum of −log probabilities of the tokens of all windows, computed on the device of the model.
    public static Sum score(LanguageModel model, TokenWindows windows, Device device) {
        var objective = new CausalObjective(model, device);
        double sum = 0;
        long tokens = 0;
        try (var off = Gradients.off(); var whole = TensorScope.open()) {
            var batches = windows.sequential().iterator();
            while (batches.hasNext()) {
                try (var scope = TensorScope.open()) {
                    TokenBatch batch = batches.next();
                    Loss.Term loss = objective.loss(batch, ForwardPass.plain()).terms().getFirst();
                    sum += loss.sum().item();
                    tokens += loss.count();
                }
            }
        }
        return new Sum(sum, tokens);
    }
}
