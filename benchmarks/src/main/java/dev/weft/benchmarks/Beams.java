package dev.weft.benchmarks;

import dev.weft.models.Loading;
import dev.weft.checkpoint.Json;
import dev.weft.checkpoint.ModelFolder;
import dev.weft.models.Models;
import dev.weft.models.heads.PretrainedModel;
import dev.weft.nn.LanguageModel;
import dev.weft.run.Generation;
import dev.weft.run.Generator;
import dev.weft.tensor.DType;
import dev.weft.tensor.Engine;
import dev.weft.tensor.Tensor;
import dev.weft.tensor.TensorScope;
import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import tools.jackson.databind.node.ObjectNode;

/// Beam search by a Marian-base of new weights, timed; `benchmarks/peers/beams.py` is its peer.
///
/// `Beams f32|bf16 [ROWS [NEW [RUNS]]]`: 4 beams, texts of 32 tokens; prints one JSON line with the median.
public final class Beams {
    private static final int VOCAB = 58_101;

    private Beams() {}

    public static void main(String... args) throws IOException {
        DType dtype = args[0].equals("bf16") ? DType.BFLOAT16 : DType.FLOAT32;
        int rows = args.length > 1 ? Integer.parseInt(args[1]) : 1;
        int fresh = args.length > 2 ? Integer.parseInt(args[2]) : 64;
        int runs = args.length > 3 ? Integer.parseInt(args[3]) : 5;
        ObjectNode config = Json.object().put("model_type", "marian").put("vocab_size", VOCAB).put("d_model", 512)
                .put("encoder_layers", 6).put("decoder_layers", 6).put("encoder_attention_heads", 8)
                .put("decoder_attention_heads", 8).put("encoder_ffn_dim", 2048).put("decoder_ffn_dim", 2048)
                .put("activation_function", "swish").put("max_position_embeddings", 512).put("scale_embedding", true)
                .put("pad_token_id", VOCAB - 1).put("decoder_start_token_id", VOCAB - 1).put("eos_token_id", 0);
        config.putArray("architectures").add("MarianMTModel");
        var seconds = new double[runs];
        try (var folder = NewModel.saved(config);
                PretrainedModel model = Models.load(folder.path(), Loading.in(dtype));
                var scope = TensorScope.open()) {
            Generator generator = Generator.of((LanguageModel) model);
            Generation options = Generation.of(ModelFolder.open(folder.path())).withEndIds(List.of()).withNumBeams(4)
                    .withMaxNewTokens(fresh);
            Tensor ids = Tensor.of(new SplittableRandom(0).ints(32L * rows, 1, VOCAB).toArray(), rows, 32);
            for (int run = -2; run < runs; run++) {
                long start = System.nanoTime();
                generator.generate(Map.of("input_ids", ids), options);
                if (run >= 0) {
                    seconds[run] = (System.nanoTime() - start) / 1e9;
                }
            }
        }
        Arrays.sort(seconds);
        double median = seconds[runs / 2];
        System.out.println(Json.object().put("peer", "weft").put("blas", Engine.blas()).put("dtype", args[0])
                .put("rows", rows).put("beams", 4).put("new", fresh).put("seconds", Math.round(median * 1e4) / 1e4)
                .put("tokens_per_second", Math.round(10 * rows * fresh / median) / 10.0));
    }
}
