package dev.weft.train;

import dev.weft.nn.Model;
import dev.weft.tensor.Tensor;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// How deep in a model its weights lie, by their names, and what follows from that: which are frozen.
public final class Layers {
    private static final Pattern NUMBER = Pattern.compile("(?:^|\\.)(\\d+)(?:\\.|$)");
    private static final Pattern EMBEDDING = Pattern
            .compile("(?:^|\\.)(?:shared|wte|wpe|\\w*embed(?!_out)\\w*)(?:\\.|$)");

    private Layers() {}

    /// 0 for embeddings, i + 1 for block i, one more than the last block's for what follows them: norms, poolers, heads. Both
    /// stacks of an encoder-decoder count from 0.
    ///
    /// @param names of all weights of the model
    public static Map<String, Integer> depths(Collection<String> names) {
        int top = names.stream().mapToInt(Layers::block).max().orElse(-1) + 2;
        var depths = new LinkedHashMap<String, Integer>();
        for (String name : names) {
            int block = block(name);
            depths.put(name, block >= 0 ? block + 1 : EMBEDDING.matcher(name).find() ? 0 : top);
        }
        return depths;
    }

    /// −1 outside of blocks.
    private static int block(String name) {
        Matcher number = NUMBER.matcher(name);
        return number.find() ? Integer.parseInt(number.group(1)) : -1;
    }

    /// Freezes the weights whose names match one of the regular expressions, found anywhere in them. The optimizer is made
    /// afterwards: it holds nothing for what is frozen.
    ///
    /// @throws IllegalArgumentException if one matches nothing, or nothing is left to train
    public static void freeze(Model model, String... patterns) {
        for (String pattern : patterns) {
            Pattern compiled = Pattern.compile(pattern);
            freeze(model, "the pattern '" + pattern + "'", name -> compiled.matcher(name).find());
        }
    }

    /// Freezes the embeddings and the lowest `blocks` blocks.
    ///
    /// @throws IllegalArgumentException if there are fewer, or nothing is left to train
    public static void freezeLower(Model model, int blocks) {
        Map<String, Integer> depths = depths(model.parameters().keySet());
        int all = depths.keySet().stream().mapToInt(Layers::block).max().orElse(-1) + 1;
        if (blocks < 0 || blocks > all) {
            throw new IllegalArgumentException(
                    "The model has %d blocks, the lowest %d cannot be frozen".formatted(all, blocks));
        }
        freeze(model, "the lowest %d blocks".formatted(blocks), name -> depths.get(name) <= blocks);
    }

    private static void freeze(Model model, String what, Predicate<String> frozen) {
        Map<String, Tensor> parameters = model.parameters();
        List<String> matched = parameters.keySet().stream().filter(frozen).toList();
        if (matched.isEmpty()) {
            throw new IllegalArgumentException("No weight to freeze by %s; the model has %d, such as %s".formatted(what,
                    parameters.size(), String.join(", ", parameters.keySet().stream().limit(5).toList())));
        }
        matched.forEach(name -> parameters.get(name).requiresGrad(false));
        if (parameters.values().stream().noneMatch(Tensor::requiresGrad)) {
            throw new IllegalArgumentException("With " + what + " frozen, no weight is left to train");
        }
    }
}
