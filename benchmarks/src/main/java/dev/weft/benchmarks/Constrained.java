package dev.weft.benchmarks;

import dev.weft.checkpoint.Json;
import dev.weft.models.Models;
import dev.weft.models.heads.Head;
import dev.weft.nn.LanguageModel;
import dev.weft.run.Completion;
import dev.weft.run.Generation;
import dev.weft.run.TextGenerator;
import dev.weft.run.constrained.Constraint;
import dev.weft.tensor.DType;
import dev.weft.tensor.TensorScope;
import dev.weft.text.Tokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import tools.jackson.databind.node.ObjectNode;

/// What a constraint costs for each token: GPT-2 124M with new weights and a vocabulary of 50,257, free and constrained in
/// turn.
///
/// `Constrained TOKENIZER f32|bf16 [TOKENS] [ROUNDS]` prints one JSON line: milliseconds to compile a constraint (the first
/// for this tokenizer, and another), milliseconds a token, and their ratios to the free text.
public final class Constrained {
    private static final String SCHEMA = """
            {"type": "array", "minItems": 200, "items": {"type": "object", "properties": {
             "name": {"type": "string", "minLength": 1, "maxLength": 60},
             "email": {"type": "string", "format": "email"},
             "age": {"type": "integer", "minimum": 0, "maximum": 130},
             "score": {"type": "number", "minimum": -1, "maximum": 1},
             "kind": {"enum": ["cat", "dog", "llama"]},
             "notes": {"type": "array", "items": {"type": "string"}, "maxItems": 4}},
             "required": ["name", "age", "kind", "notes"]}}""";
    private static final String REGEX = "([A-Z][a-z]{2,10}( [a-z]{1,12}){2,9}[.?!] ?){400}";

    private Constrained() {}

    public static void main(String... args) throws IOException {
        Tokenizer tokenizer = Tokenizer.load(Path.of(args[0]));
        DType dtype = args[1].equals("bf16") ? DType.BFLOAT16 : DType.FLOAT32;
        int tokens = args.length > 2 ? Integer.parseInt(args[2]) : 200;
        int rounds = args.length > 3 ? Integer.parseInt(args[3]) : 5;
        Path folder = Files.createTempDirectory("weft-constrained");
        try (var scope = TensorScope.open()) {
            ObjectNode config = Json.object().put("model_type", "gpt2");
            config.putArray("architectures").add("GPT2LMHeadModel");
            try (Head created = Models.create(config, 0)) {
                created.save(folder);
            }
            try (Head model = Models.load(folder, dtype)) {
                measure((LanguageModel) model, tokenizer, tokens, rounds);
            }
        } finally {
            try (Stream<Path> files = Files.walk(folder)) {
                for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                    Files.delete(file);
                }
            }
        }
    }

    private static void measure(LanguageModel model, Tokenizer tokenizer, int tokens, int rounds) {
        TextGenerator free = TextGenerator.of(model, tokenizer, Generation.greedy().withEndIds(List.of(50_256)));
        var writers = new LinkedHashMap<String, TextGenerator>();
        writers.put("free", free);
        long begin = System.nanoTime();
        writers.put("schema", free.withConstraint(Constraint.jsonSchema(SCHEMA)));
        long first = System.nanoTime();
        writers.put("regex", free.withConstraint(Constraint.regex(REGEX)));
        long second = System.nanoTime();
        ObjectNode line = Json.object().put("peer", "weft").put("tokens", tokens)
                .put("compiles_first_ms", (first - begin) / 1_000_000).put("compiles_ms", (second - first) / 1_000_000);
        var times = new LinkedHashMap<String, double[]>();
        writers.keySet().forEach(name -> times.put(name, new double[rounds]));
        for (int round = -1; round < rounds; round++) {
            for (Map.Entry<String, TextGenerator> each : writers.entrySet()) {
                Generation options = Generation.sampled(round).withTopK(0).withMaxNewTokens(tokens)
                        .withMinNewTokens(each.getValue() == free ? tokens : 0);
                long start = System.nanoTime();
                Completion text = each.getValue().complete("Once upon a time", options).getFirst();
                double milliseconds = (System.nanoTime() - start) / 1e6 / text.newTokens();
                if (round < 0) {
                    // Of a first text, the states are new.
                    line.put(each.getKey() + "_first_ms", Math.round(milliseconds * 100) / 100.0);
                } else {
                    times.get(each.getKey())[round] = milliseconds;
                }
            }
        }
        times.forEach((name, all) -> {
            Arrays.sort(all);
            line.put(name + "_ms", Math.round(all[rounds / 2] * 100) / 100.0);
            line.put(name + "_ratio", Math.round(all[rounds / 2] / times.get("free")[rounds / 2] * 1000) / 1000.0);
        });
        System.out.println(line);
    }
}
