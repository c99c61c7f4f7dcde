package dev.weft.benchmarks;

import dev.weft.models.Loading;
import dev.weft.checkpoint.Json;
import dev.weft.models.Models;
import dev.weft.models.heads.PretrainedModel;
import dev.weft.nn.LanguageModel;
import dev.weft.run.Generation;
import dev.weft.run.Generator;
import dev.weft.run.TokenStream;
import dev.weft.grammar.Constraint;
import dev.weft.run.TokenConstraint;
import dev.weft.tensor.DType;
import dev.weft.tensor.TensorScope;
import dev.weft.text.Tokenizer;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import tools.jackson.databind.node.ObjectNode;

/// What a constraint costs for each token: GPT-2 124M with new weights and a vocabulary of 50,257, free and constrained in
/// turn.
///
/// `Constrained TOKENIZER f32|bf16 [TOKENS]` prints one JSON line: milliseconds to compile a constraint (the first for this
/// tokenizer, and another), milliseconds a token, and their ratios to the free text.
public final class Constrained {
    private static final String SCHEMA = """
            {"type": "array", "minItems": 3, "items": {"type": "object", "properties": {
             "name": {"type": "string", "minLength": 1, "maxLength": 60},
             "email": {"type": "string", "format": "email"},
             "age": {"type": "integer", "minimum": 0, "maximum": 130},
             "score": {"type": "number", "minimum": -1, "maximum": 1},
             "kind": {"enum": ["cat", "dog", "llama"]},
             "notes": {"type": "array", "items": {"type": "string"}, "maxItems": 4}},
             "required": ["name", "age", "kind", "notes"]}}""";
    private static final String REGEX = "([A-Z][a-z]{2,10}( [a-z]{1,12}){2,9}[.?!] ?)+";

    private Constrained() {}

    public static void main(String... args) throws IOException {
        Tokenizer tokenizer = Tokenizer.load(Path.of(args[0]));
        DType dtype = args[1].equals("bf16") ? DType.BFLOAT16 : DType.FLOAT32;
        int tokens = args.length > 2 ? Integer.parseInt(args[2]) : 200;
        try (var scope = TensorScope.open();
                var folder = NewModel.saved(Passes.gpt2());
                PretrainedModel model = Models.load(folder.path(), Loading.in(dtype))) {
            measure((LanguageModel) model, tokenizer, tokens);
        }
    }

    private static void measure(LanguageModel model, Tokenizer tokenizer, int tokens) {
        Constraint schema = Constraint.jsonSchema(SCHEMA);
        Constraint regex = Constraint.regex(REGEX);
        long begin = System.nanoTime();
        TokenConstraint first = TokenConstraint.of(schema, tokenizer);
        long between = System.nanoTime();
        TokenConstraint second = TokenConstraint.of(regex, tokenizer);
        ObjectNode line = Json.object().put("peer", "weft").put("tokens", tokens)
                .put("compiles_first_ms", (between - begin) / 1_000_000)
                .put("compiles_ms", (System.nanoTime() - between) / 1_000_000);
        Generator free = Generator.of(model);
        var writers = new LinkedHashMap<String, Generator>();
        writers.put("free", free);
        writers.put("schema", free.withConstraint(first));
        writers.put("regex", free.withConstraint(second));
        // The first text meets the states, the second knows most of them.
        for (String text : List.of("first", "second")) {
            Map<String, double[]> times = times(writers, tokenizer.ids("Once upon a time"), tokens, text.hashCode());
            times.forEach((name, all) -> {
                line.put(text + "_" + name + "_ms", Math.round(middle(all) * 100) / 100.0);
                line.put(text + "_" + name + "_ratio",
                        Math.round(middle(all) / middle(times.get("free")) * 1000) / 1000.0);
            });
        }
        System.out.println(line);
    }

    /// One token of each in turn, so that all have the same share of whatever else the machine does.
    private static Map<String, double[]> times(Map<String, Generator> writers, int[] prompt, int tokens, long seed) {
        Generation options = Generation.sampled(seed).withTopK(0).withEndIds(List.of(50_256)).withMaxNewTokens(400);
        var streams = new LinkedHashMap<String, TokenStream>();
        var times = new LinkedHashMap<String, double[]>();
        writers.forEach((name, writer) -> {
            streams.put(name, writer.stream(prompt, options));
            times.put(name, new double[tokens - 1]);
        });
        for (int token = 0; token < tokens; token++) {
            for (var each : streams.entrySet()) {
                if (!each.getValue().hasNext()) {
                    // The next text; its prompt is not counted.
                    Generation next = options.withSeed(seed + token);
                    each.setValue(writers.get(each.getKey()).stream(prompt, next));
                    each.getValue().nextInt();
                }
                long start = System.nanoTime();
                each.getValue().nextInt();
                if (token > 0) {
                    times.get(each.getKey())[token - 1] = (System.nanoTime() - start) / 1e6;
                }
            }
        }
        streams.values().forEach(TokenStream::close);
        return times;
    }

    /// The mean of the middle eight tenths.
    private static double middle(double[] all) {
        double[] sorted = all.clone();
        Arrays.sort(sorted);
        int cut = sorted.length / 10;
        return Arrays.stream(sorted, cut, sorted.length - cut).average().orElseThrow();
    }
}
