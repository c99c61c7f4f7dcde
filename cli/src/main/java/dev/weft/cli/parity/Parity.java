package dev.weft.cli.parity;

import dev.weft.adapt.Adapted;
import dev.weft.checkpoint.Json;
import dev.weft.checkpoint.ModelFolder;
import dev.weft.models.backbone.Inputs;
import dev.weft.models.Loading;
import dev.weft.models.Models;
import dev.weft.models.backbone.Seq2Seq;
import dev.weft.models.heads.PretrainedModel;
import dev.weft.nn.ForwardPass;
import dev.weft.nn.LanguageModel;
import dev.weft.nn.SequenceToSequence;
import dev.weft.nn.Trace;
import dev.weft.run.Generated;
import dev.weft.run.Generation;
import dev.weft.run.Generator;
import dev.weft.run.Prompts;
import dev.weft.tensor.DType;
import dev.weft.tensor.Gradients;
import dev.weft.tensor.Tensor;
import dev.weft.tensor.TensorScope;
import dev.weft.train.Optimizer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/// Runs the checks of conformance cases. What a case needs and Weft lacks is a failure.
public final class Parity {
    /// What became of one case.
    ///
    /// @param error   the largest difference over all its checks
    /// @param failure what failed first, `CHECK reason`, or null
    public record Outcome(String name, double error, @Nullable String failure) {
        /// One line: `ok NAME max-error` or `FAIL NAME CHECK reason`.
        @Override
        public String toString() {
            return failure == null ? "ok %s %.1e".formatted(name, error) : "FAIL %s %s".formatted(name, failure);
        }
    }

    private Parity() {}

    /// Whether the case has a check of one of these kinds; no kinds means all.
    public static boolean concerns(Case one, Set<String> kinds) {
        return kinds.isEmpty() || one.checks().stream().anyMatch(check -> kinds.contains(check.kind()));
    }

    /// Runs the checks of a case in their order until one fails.
    public static Outcome run(Case one, Set<String> kinds) {
        double largest = 0;
        for (Case.Check check : one.checks()) {
            if (kinds.isEmpty() || kinds.contains(check.kind())) {
                try (var scope = TensorScope.open()) {
                    largest = Math.max(largest, run(one, check));
                } catch (RuntimeException e) {
                    String reason = String.valueOf(e.getMessage()).lines().findFirst().orElse(e.toString());
                    return new Outcome(one.name(), largest, check.id() + " " + reason);
                }
            }
        }
        return new Outcome(one.name(), largest, null);
    }

    private static double run(Case one, Case.Check check) {
        return switch (check.kind()) {
            case "forward" -> forward(one, check);
            case "train" -> train(one, check);
            case "generate" -> generate(one, check);
            case "merge" -> merge(one, check);
            default -> throw new IllegalArgumentException("Weft does not know checks of the kind " + check.kind());
        };
    }

    // ---- forward ----

    private static double forward(Case one, Case.Check check) {
        boolean shows = check.json().has("options")
                && check.json().object("options").flag("output_attentions", false);
        try (PretrainedModel head = worn(one, check);
                var off = Gradients.off();
                var trace = Trace.recording(name -> compared(name) && (shows || !name.endsWith("weights")))) {
            Map<String, Tensor> inputs = one.inputs(check);
            var results = new TreeMap<String, Tensor>(
                    head.outputs(inputs, ForwardPass.plain().withTrace(trace)));
            if (inputs.keySet().stream().anyMatch(Inputs.LABELS::contains)) {
                results.put("loss", head.loss(results, inputs));
            }
            if (head.backbone() instanceof Seq2Seq both) {
                layers("encoder.", "encoder_", both.encoderLayers(), trace, results);
                layers("decoder.", "decoder_", both.layers(), trace, results);
            } else {
                layers("", "", head.backbone().layers(), trace, results);
            }
            return compare(one, check, results);
        }
    }

    private static boolean compared(String name) {
        return name.endsWith("final") || name.endsWith(".resid_pre") || name.endsWith(".weights");
    }

    /// The reference's `hidden_states.I` and `attentions.I` from what passed by.
    private static void layers(String place, String prefix, int layers, Trace.Recording trace,
            Map<String, Tensor> results) {
        Map<String, Tensor> seen = trace.values();
        for (int layer = 0; layer < layers; layer++) {
            String block = place + "blocks." + layer;
            put(results, prefix + "hidden_states." + layer, seen.get(block + ".resid_pre"));
            put(results, prefix + "attentions." + layer, seen.get(block + ".attn.weights"));
            put(results, "cross_attentions." + layer, seen.get(block + ".cross.weights"));
        }
        put(results, prefix + "hidden_states." + layers, seen.get(place + "final"));
    }

    private static void put(Map<String, Tensor> results, String name, @Nullable Tensor value) {
        if (value != null) {
            results.put(name, value);
        }
    }

    private static double compare(Case one, Case.Check check, Map<String, Tensor> results) {
        double largest = 0;
        for (Case.Output output : one.outputs(check)) {
            Tensor given = results.get(output.name());
            if (given == null) {
                throw new IllegalArgumentException("gives no " + output.name());
            }
            Tensor found = cut(output.name(), given, one.tensor(output.tensor()));
            Tensor where = output.where().isEmpty() ? null : one.tensor(output.where());
            long[] dims = output.whereDims().stream().mapToLong(Integer::longValue).toArray();
            largest = Math.max(largest, named(output.name(),
                    () -> Difference.within(found, one.tensor(output.tensor()), where, dims, output.tolerance())));
        }
        return largest;
    }

    /// What BigBird pads inside lies beyond the text: versions of the reference disagree on whether the last hidden states
    /// have it.
    private static Tensor cut(String name, Tensor found, Tensor expected) {
        return name.startsWith("hidden_states.") && found.dim() == 3 && found.size(1) > expected.size(1)
                ? found.narrow(1, 0, expected.size(1))
                : found;
    }

    private static double named(String name, java.util.function.DoubleSupplier comparison) {
        try {
            return comparison.getAsDouble();
        } catch (Difference.Mismatch e) {
            throw new Difference.Mismatch(name + " " + e.getMessage());
        }
    }

    // ---- generate ----

    private static double generate(Case one, Case.Check check) {
        try (PretrainedModel head = worn(one, check)) {
            if (!(head instanceof LanguageModel model)) {
                throw new IllegalArgumentException(check.modelClass(one) + " does not generate");
            }
            Generation options = Generation.of(ModelFolder.open(one.folder())).with(check.json().object("options"));
            Map<String, Tensor> inputs = one.inputs(check);
            if (head instanceof SequenceToSequence) {
                return compareTexts(one, check, 1, Generator.of(model).generate(inputs, options));
            }
            Tensor ids = inputs.get("input_ids");
            Tensor mask = inputs.get("attention_mask");
            Prompts prompts = Prompts.of(ids, mask == null ? ids.zerosLike().add(1) : mask);
            return compareTexts(one, check, prompts.length(), Generator.of(model).generate(prompts, options));
        }
    }

    /// Each text is its padded prompt and what was generated; what follows its first end id does not count.
    private static double compareTexts(Case one, Case.Check check, int promptLength, Generated generated) {
        List<Generated.Text> texts = generated.texts();
        long[] lengths = texts.stream().mapToLong(text -> promptLength + text.ids().length).toArray();
        double largest = 0;
        for (Case.Output output : one.outputs(check)) {
            Tensor expected = one.tensor(output.tensor());
            Tensor found = switch (output.name()) {
                case "lengths" -> Tensor.of(lengths, texts.size());
                case "sequences_scores" ->
                    Tensor.of(texts.stream().mapToDouble(Generated.Text::score).toArray(), texts.size());
                case "sequences" -> rows(generated.sequences(0), (int) expected.size(1));
                default -> throw new IllegalArgumentException("gives no " + output.name());
            };
            // [rows, 1] above [width]: which places count
            Tensor where = output.name().equals("sequences")
                    ? Tensor.arange(0, expected.size(1)).unsqueeze(0).lt(Tensor.of(lengths, texts.size(), 1))
                    : null;
            largest = Math.max(largest, named(output.name(),
                    () -> Difference.within(found, expected, where, new long[]{0, 1}, output.tolerance())));
        }
        return largest;
    }

    private static Tensor rows(int[][] rows, int width) {
        int[] flat = new int[rows.length * width];
        for (int row = 0; row < rows.length; row++) {
            System.arraycopy(rows[row], 0, flat, row * width, Math.min(width, rows[row].length));
        }
        return Tensor.of(flat, rows.length, width);
    }

    private static PretrainedModel load(Case one, Case.Check check, boolean training) {
        return Models.load(ModelFolder.open(one.folder()), check.modelClass(one),
                (training ? Loading.toTrain() : Loading.in(DType.FLOAT32)).on(one.device()));
    }

    // ---- adapters ----

    /// The model of a check, with its adapter where it has one.
    private static PretrainedModel worn(Case one, Case.Check check) {
        return check.json().has("adapter") ? adapted(one, check).model() : load(one, check, false);
    }

    private static Adapted adapted(Case one, Case.Check check) {
        try (PretrainedModel base = load(one, check, false)) {
            return Adapted.load(base, one.folder().resolve(check.json().text("adapter")));
        }
    }

    private static double merge(Case one, Case.Check check) {
        try (Adapted adapted = adapted(one, check)) {
            return tensors(one, check.json().text("merged"), adapted.changed(), false);
        }
    }

    // ---- train ----

    private static double train(Case one, Case.Check check) {
        Json numbers = check.json().object("optimizer");
        if (!numbers.text("name").equals("AdamW")) {
            throw new IllegalArgumentException("needs the optimizer " + numbers.text("name"));
        }
        if (check.json().has("adapter")) {
            if (!check.json().text("trainable", "").equals("adapter")) {
                throw new IllegalArgumentException("trains a base below its adapter, which Weft does not");
            }
            try (Adapted adapted = adapted(one, check)) {
                adapted.train(true);
                return train(one, check, adapted.model(), adapted.parameters(), numbers);
            }
        }
        try (PretrainedModel head = load(one, check, true)) {
            head.requiresGrad(true);
            return train(one, check, head, head.parameters(), numbers);
        }
    }

    private static double train(Case one, Case.Check check, PretrainedModel head, Map<String, Tensor> parameters,
            Json numbers) {
        List<Double> betas = numbers.numbers("betas");
        try (var optimizer = Optimizer.adamW(parameters, betas.get(0), betas.get(1), numbers.number("eps"),
                numbers.number("weight_decay"), numbers.flag("decay_all_parameters", true))) {
            return train(one, check, head, parameters, optimizer, numbers);
        }
    }

    private static double train(Case one, Case.Check check, PretrainedModel head, Map<String, Tensor> parameters,
            Optimizer optimizer, Json numbers) {
        Map<String, Tensor> inputs = one.inputs(check);
        var losses = new ArrayList<Double>();
        double largest = 0;
        int steps = numbers.positive("steps");
        for (int step = 0; step <= steps; step++) {
            try (var scope = TensorScope.open()) {
                Tensor loss = head.loss(head.outputs(inputs, ForwardPass.plain()), inputs);
                losses.add(loss.item());
                if (step == steps) {
                    break;
                }
                loss.backward();
                if (step == 0) {
                    largest = tensors(one, check.json().text("gradients", "grad."), parameters, true);
                }
                optimizer.step(numbers.number("lr"));
                parameters.values().forEach(Tensor::clearGrad);
            }
        }
        largest = Math.max(largest, tensors(one, check.json().text("parameters_after", "step3."), parameters, false));
        double[] found = losses.stream().mapToDouble(Double::doubleValue).toArray();
        return Math.max(largest, compare(one, check, Map.of("losses", Tensor.of(found, found.length))));
    }

    /// Compares what the case holds under `prefix` with each parameter, or with its gradient.
    private static double tensors(Case one, String prefix, Map<String, Tensor> given, boolean gradients) {
        double largest = 0;
        List<String> names = one.namesUnder(prefix);
        if (names.isEmpty()) {
            throw new IllegalArgumentException("names no tensors " + prefix + "*");
        }
        for (String name : names) {
            // PEFT calls what it trains whole otherwise in a model than in its files.
            Tensor parameter = given.getOrDefault(name, given.get(name.replace(".modules_to_save.", ".")));
            if (parameter == null) {
                throw new IllegalArgumentException("has no parameter " + name);
            }
            Tensor found = gradients ? parameter.grad() : parameter;
            if (found == null) {
                throw new IllegalArgumentException("gives no gradient for " + name);
            }
            largest = Math.max(largest, named(prefix + name,
                    () -> Difference.within(found, one.tensor(prefix + name), null, new long[0],
                            Difference.TOLERANCE)));
        }
        return largest;
    }
}
