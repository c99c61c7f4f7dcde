package dev.weft.cli;

import dev.weft.recipe.Recipe;
import dev.weft.tensor.Engine;
import java.util.LinkedHashMap;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/// What this machine gives Weft to work with.
@Command(name = "doctor", mixinStandardHelpOptions = true, description = "Show what Weft found here: versions, processor, BLAS, threads, devices, memory.")
final class DoctorCommand implements Callable<Integer> {
    @Mixin
    Output output;

    @Override
    public Integer call() {
        var facts = new LinkedHashMap<String, String>(Engine.describe());
        facts.put("java heap", (Runtime.getRuntime().maxMemory() >> 20) + " MiB at most");
        facts.put("token cache", Recipe.defaultCache().toString());
        output.facts(facts);
        return 0;
    }
}
