package dev.weft.benchmarks;

import dev.weft.models.Loading;
import dev.weft.checkpoint.Json;
import dev.weft.models.Models;
import dev.weft.models.heads.PretrainedModel;
import dev.weft.nn.LanguageModel;
import dev.weft.run.Generation;
import dev.weft.run.Generator;
import dev.weft.tensor.DType;
import dev.weft.tensor.Engine;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.IntStream;

/// Greedy decoding by a GPT-2 of 124M with new weights, timed; `decode_gpt2.py` is its peer.
///
/// `Decode f32|bf16 [ROWS [NEW [RUNS]]]` goes on from 32 ids in each row by 64 and prints one JSON line with the median.
public final class Decode {
    private static final int PROMPT = 32;

    private Decode() {}

    public static void main(String... args) throws IOException {
        DType dtype = args[0].equals("bf16") ? DType.BFLOAT16 : DType.FLOAT32;
        int rows = args.length > 1 ? Integer.parseInt(args[1]) : 1;
        int fresh = args.length > 2 ? Integer.parseInt(args[2]) : 64;
        int runs = args.length > 3 ? Integer.parseInt(args[3]) : 3;
        try (var folder = NewModel.saved(Passes.gpt2())) {
            double seconds = seconds(folder.path(), dtype, rows, fresh, runs);
            System.out.println(Json.object().put("peer", "weft").put("blas", Engine.blas()).put("dtype", args[0])
                    .put("batch", rows).put("new", fresh).put("seconds", Math.round(seconds * 1e4) / 1e4)
                    .put("tokens_per_second", Math.round(10 * rows * fresh / seconds) / 10.0));
        }
    }

    private static double seconds(Path folder, DType dtype, int rows, int fresh, int runs) {
        var random = new SplittableRandom(0);
        List<int[]> prompts = IntStream.range(0, rows).mapToObj(row -> random.ints(PROMPT, 0, 50_257).toArray())
                .toList();
        Generation options = Generation.greedy().withMaxNewTokens(fresh);
        var seconds = new double[runs];
        try (PretrainedModel model = Models.load(folder, Loading.in(dtype))) {
            Generator generator = Generator.of((LanguageModel) model);
            for (int run = -1; run < runs; run++) {
                long start = System.nanoTime();
                generator.generate(prompts, options);
                if (run >= 0) {
                    seconds[run] = (System.nanoTime() - start) / 1e9;
                }
            }
        }
        Arrays.sort(seconds);
        return seconds[runs / 2];
    }
}
