package dev.weft.benchmarks;

import dev.weft.checkpoint.Json;
import dev.weft.data.TokenBatch;
import dev.weft.models.Gpt2;
import dev.weft.models.Models;
import dev.weft.tensor.DType;
import dev.weft.tensor.Device;
import dev.weft.tensor.Engine;
import dev.weft.tensor.Tensor;
import dev.weft.train.CausalObjective;
import dev.weft.train.Optimizer;
import dev.weft.train.Schedule;
import dev.weft.train.Settings;
import dev.weft.train.Trainer;
import java.util.Arrays;
import java.util.SplittableRandom;

/// One training step of a GPT, timed: the trainer's own step on fixed random ids. The same work as its peer in PyTorch:
/// an untied head, no dropout, clipping at 1, AdamW on everything. Prints one line of JSON.
///
/// ```
/// TrainStep [--dtype f32|bf16] [--layers 6] [--hidden 384] [--heads 6] [--seq 256] [--batch 16] [--vocab 65]
///           [--steps 10] [--warmup 3]
/// ```
public final class TrainStep {
    /// What is trained and for how long; of it `warmup` steps are not timed.
    record Options(DType dtype, int layers, int hidden, int heads, int seq, int batch, int vocab, int steps,
            int warmup) {
        static Options standard() {
            return new Options(DType.BFLOAT16, 6, 384, 6, 256, 16, 65, 10, 3);
        }

        static Options parse(String... args) {
            Options options = standard();
            for (int i = 0; i < args.length; i += 2) {
                if (i + 1 == args.length) {
                    throw new IllegalArgumentException(args[i] + " needs a value");
                }
                options = options.with(args[i], args[i + 1]);
            }
            return options;
        }

        private Options with(String name, String value) {
            if (name.equals("--dtype")) {
                DType chosen = switch (value) {
                    case "f32" -> DType.FLOAT32;
                    case "bf16" -> DType.BFLOAT16;
                    default -> throw new IllegalArgumentException("--dtype is f32 or bf16, found " + value);
                };
                return new Options(chosen, layers, hidden, heads, seq, batch, vocab, steps, warmup);
            }
            int number = Integer.parseInt(value);
            return switch (name) {
                case "--layers" -> new Options(dtype, number, hidden, heads, seq, batch, vocab, steps, warmup);
                case "--hidden" -> new Options(dtype, layers, number, heads, seq, batch, vocab, steps, warmup);
                case "--heads" -> new Options(dtype, layers, hidden, number, seq, batch, vocab, steps, warmup);
                case "--seq" -> new Options(dtype, layers, hidden, heads, number, batch, vocab, steps, warmup);
                case "--batch" -> new Options(dtype, layers, hidden, heads, seq, number, vocab, steps, warmup);
                case "--vocab" -> new Options(dtype, layers, hidden, heads, seq, batch, number, steps, warmup);
                case "--steps" -> new Options(dtype, layers, hidden, heads, seq, batch, vocab, number, warmup);
                case "--warmup" -> new Options(dtype, layers, hidden, heads, seq, batch, vocab, steps, number);
                default -> throw new IllegalArgumentException("There is no option " + name);
            };
        }

        Gpt2.Config config() {
            return Gpt2.Config.fromJson(Json.of("options",
                    Json.object().put("vocab_size", vocab).put("n_positions", seq)
                            .put("n_embd", hidden).put("n_layer", layers).put("n_head", heads).put("embd_pdrop", 0.0)
                            .put("attn_pdrop", 0.0).put("resid_pdrop", 0.0).put("tie_word_embeddings", false)));
        }

        /// Fixed random ids in which nothing can be learned.
        TokenBatch ids() {
            var random = new SplittableRandom(0);
            long[] inputs = random.longs((long) batch * seq, 0, vocab).toArray();
            long[] targets = random.longs((long) batch * seq, 0, vocab).toArray();
            return new TokenBatch(Tensor.of(inputs, batch, seq), Tensor.of(targets, batch, seq), inputs.length);
        }

        /// Runs `body` with a trainer of this model on always the same batch.
        void train(Body body) {
            TokenBatch ids = ids();
            try (var model = Models.create(config(), 0);
                    var optimizer = Optimizer.adamW(model.parameters(), 0.9, 0.999, 1e-8, 0.01, true)) {
                body.run(new Trainer<>(
                        new Trainer.Task<>(model, new CausalObjective(model, Device.CPU), (step, micro) -> ids,
                                optimizer,
                                new Schedule.Constant(1e-3, 0), null, folder -> {}, "random"),
                        Settings.of((long) warmup + steps).withClipNorm(1).withPrecision(dtype)));
            } finally {
                ids.inputs().close();
                ids.targets().close();
            }
        }
    }

    interface Body {
        void run(Trainer<TokenBatch> trainer);
    }

    private TrainStep() {}

    public static void main(String... args) {
        Options options = Options.parse(args);
        double[] seconds = new double[options.steps()];
        double[] loss = new double[1];
        options.train(trainer -> {
            for (int step = -options.warmup(); step < options.steps(); step++) {
                long start = System.nanoTime();
                loss[0] = trainer.step(step + options.warmup()).loss();
                if (step >= 0) {
                    seconds[step] = (System.nanoTime() - start) / 1e9;
                }
            }
        });
        Arrays.sort(seconds);
        double median = seconds[seconds.length / 2];
        System.out.println(Json.object().put("peer", "weft").put("blas", Engine.blas())
                .put("dtype", options.dtype() == DType.FLOAT32 ? "f32" : "bf16").put("layers", options.layers())
                .put("hidden", options.hidden()).put("heads", options.heads()).put("seq", options.seq())
                .put("batch", options.batch()).put("vocab", options.vocab()).put("steps", options.steps())
                .put("warmup", options.warmup()).put("seconds", rounded(median))
                .put("tokens_per_second", Math.round(options.batch() * options.seq() / median))
                .put("peak_mb", Engine.peakResidentBytes() >> 20).put("loss", rounded(loss[0])));
    }

    private static double rounded(double value) {
        return Math.round(value * 1e4) / 1e4;
    }
}
