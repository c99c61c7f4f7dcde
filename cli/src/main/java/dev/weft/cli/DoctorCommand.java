package dev.weft.cli;

import dev.weft.checkpoint.Json;
import dev.weft.nn.numbers.NumbersCheck;
import dev.weft.recipe.Recipe;
import dev.weft.tensor.Engine;
import dev.weft.tensor.FastPath;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import tools.jackson.databind.node.ObjectNode;

/// What this machine gives Weft to work with.
@Command(name = "doctor", mixinStandardHelpOptions = true, description = "Show what Weft found here: versions, processor, BLAS, threads, devices, memory.", footer = {
        "",
        "weft doctor --numbers computes each operation in each type and in odd sizes, on one thread and on two, and",
        "compares with the same formulas in plain Java: a line each, the last number being the largest error in parts of",
        "what rounding allows. It ends with 1 if one is wrong."})
final class DoctorCommand implements Callable<Integer> {
    @Mixin
    Output output;

    @Option(names = "--numbers", description = "Compute every operation and compare; about half a minute.")
    boolean numbers;

    @Override
    public Integer call() {
        return numbers ? numbers() : facts();
    }

    private int numbers() {
        var lines = new ArrayList<NumbersCheck.Line>();
        boolean right = NumbersCheck.run(line -> {
            lines.add(line);
            if (!output.json) {
                System.out.println(line);
            }
        });
        long wrong = lines.stream().filter(line -> !line.right()).count();
        if (output.json) {
            ObjectNode result = Json.object();
            lines.forEach(line -> result.withArray("checks").addObject().put("name", line.name())
                    .put("right", line.right()).put("error", line.error()));
            FastPath.refusals().forEach(result.withArray("not_used")::add);
            output.object(result.put("right", right));
        } else {
            FastPath.refusals().forEach(line -> System.out.println("not used here: " + line));
            System.out.println("%d right, %d wrong".formatted(lines.size() - wrong, wrong));
        }
        return right ? 0 : 1;
    }

    private int facts() {
        var facts = new LinkedHashMap<String, String>(Engine.describe());
        facts.put("java heap", (Runtime.getRuntime().maxMemory() >> 20) + " MiB at most");
        facts.put("token cache", Recipe.defaultCache().toString());
        FastPath.refusals().forEach(line -> facts.merge("not used here", line, (one, other) -> one + "; " + other));
        output.facts(facts);
        return 0;
    }
}
