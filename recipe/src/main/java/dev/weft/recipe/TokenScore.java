package dev.weft.recipe;

import dev.weft.data.Example;
import dev.weft.data.Example.Feature;
import dev.weft.data.Row;
import dev.weft.data.examples.MaskedTokens;
import dev.weft.eval.LanguageModelScore;
import dev.weft.eval.UsualMetrics;
import dev.weft.tensor.DType;
import dev.weft.tensor.Device;
import dev.weft.tensor.Kernels;
import dev.weft.tensor.Randomness;
import dev.weft.tensor.Tensor;
import dev.weft.text.Encoding;
import dev.weft.text.Tokenizer;
import dev.weft.text.Truncation;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;

/// How well tokens are predicted: the next one of each, or those that are masked.
///
/// @param logits  the name of the scores over the vocabulary
/// @param shifted 1 where a position predicts the token after it, else 0
/// @param bytes   of each row, UTF-8 bytes of the text that its predicted tokens stand for
record TokenScore(UsualMetrics task, String logits, int shifted, List<Row> rows, List<Example> examples, long[] bytes)
        implements
            TaskScore<TokenScore.Predicted> {
    /// Of one row.
    ///
    /// @param loss   Σ −log p(token), in nats
    /// @param tokens how many were predicted
    /// @param right  how many of them were the likeliest
    record Predicted(double loss, long tokens, long right) {}

    static TokenScore language(List<Row> rows, Tokenizer tokenizer, Truncation limit) {
        Tokenizer cutting = tokenizer.with(limit);
        List<Encoding> encodings = rows.parallelStream().map(row -> cutting.encode(row.text("text"))).toList();
        long[] bytes = new long[rows.size()];
        for (int i = 0; i < bytes.length; i++) {
            Encoding encoding = encodings.get(i);
            if (encoding.size() > 1) {
                int end = 0;
                for (int to : encoding.ends()) {
                    end = Math.max(end, to);
                }
                bytes[i] = rows.get(i).text("text").substring(Math.min(end, encoding.ends()[0]), end)
                        .getBytes(StandardCharsets.UTF_8).length;
            }
        }
        return new TokenScore(UsualMetrics.TEXT_GENERATION, "logits", 1, rows,
                encodings.stream().map(each -> example(each.ids(), each.ids())).toList(), bytes);
    }

    /// @param masks the same for each run: they are drawn by the seed and the number of the row
    static TokenScore masked(List<Row> rows, Tokenizer tokenizer, Truncation limit, String logits, MaskedTokens masks,
            long seed) {
        Tokenizer cutting = tokenizer.with(limit);
        var examples = new ArrayList<Example>();
        for (int i = 0; i < rows.size(); i++) {
            Encoding encoding = cutting.encode(rows.get(i).text("text"));
            Map<String, int[]> masked = masks.tokens(encoding.ids(), encoding.specialTokensMask(),
                    new SplittableRandom(Randomness.mix(seed, i)));
            examples.add(example(masked.get("input_ids"), masked.get("labels")));
        }
        return new TokenScore(UsualMetrics.FILL_MASK, logits, 0, rows, examples, new long[rows.size()]);
    }

    private static Example example(int[] ids, int[] labels) {
        return new Example(Map.of("input_ids", new Feature.Sequence(ids), "labels", new Feature.Sequence(labels)));
    }

    @Override
    public List<String> outputs() {
        return List.of(logits);
    }

    @Override
    public boolean wantsLoss() {
        return false;
    }

    @Override
    public Predicted answer(int number, Map<String, float[]> its) {
        throw new IllegalStateException("scores over a vocabulary are too many to be read one by one");
    }

    @Override
    public List<Predicted> answers(int[] numbers, Map<String, Tensor> inputs, Map<String, Tensor> outputs) {
        int width = (int) inputs.get("labels").size(1) - shifted;
        var answers = new ArrayList<Predicted>();
        if (width < 1) {
            for (int number : numbers) {
                answers.add(new Predicted(0, 0, 0));
            }
            return answers;
        }
        Tensor labels = inputs.get("labels").narrow(1, shifted, width);
        Tensor scores = outputs.get(logits).narrow(1, 0, width);
        float[] losses = Kernels.crossEntropy(scores.reshape(-1, scores.size(-1)).to(DType.FLOAT32),
                labels.reshape(-1), null, Kernels.Reduction.NONE, Example.IGNORED, 0).to(Device.CPU).toFloats();
        boolean[] right = scores.argmax(-1).eq(labels).to(Device.CPU).toBooleans();
        for (int row = 0; row < numbers.length; row++) {
            int[] its = examples.get(numbers[row]).sequence("labels");
            double loss = 0;
            long tokens = 0;
            long hits = 0;
            for (int i = shifted; i < its.length; i++) {
                if (its[i] != Example.IGNORED) {
                    int place = row * width + i - shifted;
                    loss += losses[place];
                    hits += right[place] ? 1 : 0;
                    tokens++;
                }
            }
            if (Double.isNaN(loss)) {
                TaskScore.best(new float[]{Float.NaN}, 0, 1, rows.get(numbers[row]));
            }
            answers.add(new Predicted(loss, tokens, hits));
        }
        return answers;
    }

    @Override
    public Assessment.Result result(List<Predicted> answers, Assessment.Progress progress) {
        double loss = 0;
        long tokens = 0;
        long right = 0;
        long all = 0;
        var predictions = new ArrayList<Prediction>();
        for (int i = 0; i < rows.size(); i++) {
            Predicted its = answers.get(i);
            loss += its.loss();
            tokens += its.tokens();
            right += its.right();
            all += bytes[i];
            var values = new LinkedHashMap<String, Object>();
            values.put("loss", its.tokens() == 0 ? 0 : its.loss() / its.tokens());
            values.put("tokens", its.tokens());
            predictions.add(new Prediction(rows.get(i).place(), values));
        }
        if (tokens == 0) {
            throw new IllegalArgumentException(shifted == 1
                    ? "No row has two tokens, so nothing is predicted; is the data empty?"
                    : "No token of %d rows is masked; give more text, or mask a larger share".formatted(rows.size()));
        }
        var values = new LinkedHashMap<String, Double>();
        if (all > 0) {
            values.putAll(new LanguageModelScore(loss, tokens, all).values());
        } else {
            values.put("loss", loss / tokens);
            values.put("perplexity", Math.exp(loss / tokens));
        }
        values.put("accuracy", (double) right / tokens);
        values.put("tokens", (double) tokens);
        return new Assessment.Result(task.report(values), predictions, Map.of(), List.of());
    }
}
