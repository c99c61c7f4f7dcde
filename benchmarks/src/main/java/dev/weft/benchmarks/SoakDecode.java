package dev.weft.benchmarks;

import dev.weft.checkpoint.Json;
import dev.weft.models.Models;
import dev.weft.models.heads.PretrainedModel;
import dev.weft.nn.LanguageModel;
import dev.weft.run.Generation;
import dev.weft.run.Generator;
import dev.weft.run.TokenStream;
import dev.weft.tensor.Engine;
import dev.weft.tensor.TensorScope;
import java.util.Locale;
import tools.jackson.databind.node.ObjectNode;

/// Memory over one text of 100,000 tokens (or as many as the argument says), by a tiny model whose cache is a window, so that
/// nothing but the ids themselves may grow. Ends with status 1 if something does after the first tenth.
public final class SoakDecode {
    private static final double ALLOWED_GROWTH = 1.05;

    /// @param residentBytes of the whole process, Java's heap included
    /// @param heapBytes     in use after a collection
    /// @param tensors       native tensors alive
    private record Look(int token, long residentBytes, long heapBytes, long tensors) {
        static Look at(int token) {
            System.gc();
            Runtime java = Runtime.getRuntime();
            return new Look(token, Engine.residentBytes(), java.totalMemory() - java.freeMemory(),
                    TensorScope.liveTensors());
        }
    }

    private SoakDecode() {}

    public static void main(String... args) {
        int tokens = args.length > 0 ? Integer.parseInt(args[0]) : 100_000;
        ObjectNode config = Json.object().put("model_type", "mistral").put("vocab_size", 1000).put("hidden_size", 64)
                .put("intermediate_size", 128).put("num_hidden_layers", 2).put("num_attention_heads", 4)
                .put("num_key_value_heads", 2).put("sliding_window", 128).put("max_position_embeddings", 1 << 20);
        config.putArray("architectures").add("MistralForCausalLM");
        Look settled = null;
        Look last = null;
        try (PretrainedModel model = Models.create(config, 0)) {
            model.requiresGrad(false);
            try (TokenStream stream = Generator.of((LanguageModel) model).stream(new int[]{1, 2, 3},
                    Generation.sampled(7).withMaxNewTokens(tokens))) {
                for (int token = 1; token <= tokens; token++) {
                    stream.nextInt();
                    if (token % Math.max(1, tokens / 10) == 0 && token < tokens) {
                        last = Look.at(token);
                        settled = settled == null ? last : settled;
                        System.out.printf(Locale.ROOT, "token %6d  resident %7.1f MB  heap %6.2f MB  tensors %d%n",
                                token, last.residentBytes() / 1e6, last.heapBytes() / 1e6, last.tensors());
                    }
                }
            }
        }
        // An id and its log probability.
        long ids = 8L * 2 * (last.token() - settled.token());
        double growth = (double) last.residentBytes() / settled.residentBytes();
        boolean flat = growth < ALLOWED_GROWTH && last.tensors() == settled.tensors()
                && last.heapBytes() - settled.heapBytes() < ids + (1 << 20);
        System.out.printf(Locale.ROOT, "from token %d to %d: memory × %.3f, heap %+.2f MB, tensors %+d: %s%n",
                settled.token(), last.token(), growth, (last.heapBytes() - settled.heapBytes()) / 1e6,
                last.tensors() - settled.tensors(), flat ? "flat" : "IT GROWS");
        System.exit(flat ? 0 : 1);
    }
}
