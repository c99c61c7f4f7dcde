package dev.weft.benchmarks;

import dev.weft.models.Loading;
import dev.weft.checkpoint.Json;
import dev.weft.models.Models;
import dev.weft.models.heads.PretrainedModel;
import dev.weft.nn.ForwardPass;
import dev.weft.tensor.Autocast;
import dev.weft.tensor.DType;
import dev.weft.tensor.Device;
import dev.weft.tensor.Engine;
import dev.weft.tensor.Gradients;
import dev.weft.tensor.Tensor;
import dev.weft.tensor.TensorScope;
import dev.weft.train.Optimizer;
import java.io.IOException;
import java.util.Arrays;
import java.util.Map;
import java.util.SplittableRandom;
import tools.jackson.databind.node.ObjectNode;

/// One pass through BERT-base or GPT-2 124M, timed; `benchmarks/peers/passes.py` is its peer.
///
/// `Passes encode|prefill|train f32|bf16 [RUNS]` prints one JSON line with the median.
public final class Passes {
    private Passes() {}

    public static void main(String... args) throws IOException {
        String kind = args[0];
        DType dtype = args[1].equals("bf16") ? DType.BFLOAT16 : DType.FLOAT32;
        int runs = args.length > 2 ? Integer.parseInt(args[2]) : 7;
        double seconds = kind.equals("train") ? train(dtype, runs) : forward(kind, dtype, runs);
        System.out.println(Json.object().put("peer", "weft").put("blas", Engine.blas()).put("kind", kind)
                .put("dtype", args[1]).put("seconds", Math.round(seconds * 1e4) / 1e4));
    }

    /// BERT-base.
    static ObjectNode bert(String architecture) {
        ObjectNode config = Json.object().put("model_type", "bert").put("vocab_size", 30_522).put("hidden_size", 768)
                .put("intermediate_size", 3072).put("num_hidden_layers", 12).put("num_attention_heads", 12);
        config.putArray("architectures").add(architecture);
        return config;
    }

    /// GPT-2 124M.
    static ObjectNode gpt2() {
        ObjectNode config = Json.object().put("model_type", "gpt2");
        config.putArray("architectures").add("GPT2LMHeadModel");
        return config;
    }

    private static Tensor ids(int vocab, int batch, int seq) {
        return Tensor.of(new SplittableRandom(0).longs((long) batch * seq, 0, vocab).toArray(), batch, seq);
    }

    /// A model of new weights, saved and opened in the type, as a user would.
    private static double forward(String kind, DType dtype, int runs) throws IOException {
        boolean encodes = kind.equals("encode");
        try (var scope = TensorScope.open(); var folder = NewModel.saved(encodes ? bert("BertModel") : gpt2())) {
            Map<String, Tensor> inputs = Map.of("input_ids", encodes ? ids(30_522, 8, 128) : ids(50_257, 1, 512));
            try (PretrainedModel model = Models.load(folder.path(), Loading.in(dtype)); var off = Gradients.off()) {
                return median(runs, () -> model.outputs(inputs, ForwardPass.plain()));
            }
        }
    }

    private static double train(DType dtype, int runs) {
        try (var scope = TensorScope.open();
                PretrainedModel model = Models.create(bert("BertForMaskedLM"), 0);
                var optimizer = Optimizer.adamW(model.parameters(), 0.9, 0.999, 1e-8, 0.01, true)) {
            Tensor ids = ids(30_522, 16, 128);
            long[] labels = ids.toLongs();
            var random = new SplittableRandom(1);
            Arrays.setAll(labels, i -> random.nextDouble() < 0.15 ? labels[i] : -100);
            Map<String, Tensor> inputs = Map.of("input_ids", ids, "labels", Tensor.of(labels, 16, 128));
            return median(runs, () -> {
                Tensor loss;
                try (var precision = Autocast.open(Device.CPU, dtype)) {
                    loss = model.loss(model.outputs(inputs, ForwardPass.plain()), inputs);
                }
                loss.backward();
                optimizer.step(1e-4);
                model.parameters().values().forEach(Tensor::clearGrad);
            });
        }
    }

    private static double median(int runs, Runnable pass) {
        var seconds = new double[runs];
        for (int run = -2; run < runs; run++) {
            long start = System.nanoTime();
            try (var scope = TensorScope.open()) {
                pass.run();
            }
            if (run >= 0) {
                seconds[run] = (System.nanoTime() - start) / 1e9;
            }
        }
        Arrays.sort(seconds);
        return seconds[runs / 2];
    }
}
