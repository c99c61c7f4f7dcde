package dev.weft.cli;

import dev.weft.checkpoint.Json;
import dev.weft.run.Generation;
import dev.weft.text.chat.Conversation;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;
import tools.jackson.databind.node.StringNode;

/// How text is generated, where a command lets its user say.
final class GenerationOptions {
    @Option(names = "--temperature", description = "Above 1 bolder, below 1 safer.")
    @Nullable
    Double temperature;

    @Option(names = "--top-k", description = "Only the K best tokens.")
    @Nullable
    Integer topK;

    @Option(names = "--top-p", description = "Only the best tokens that together have this probability.")
    @Nullable
    Double topP;

    @Option(names = "--min-p", description = "Only tokens at least this share as probable as the best.")
    @Nullable
    Double minP;

    @Option(names = "--repetition-penalty", description = "Above 1: tokens already there become less likely.")
    @Nullable
    Double repetitionPenalty;

    @Option(names = "--stop", paramLabel = "TEXT", description = "End where this would come; can be repeated.")
    List<String> stop = List.of();

    @Option(names = "--seed", description = "The same seed gives the same text.")
    @Nullable
    Long seed;

    @Option(names = "--set", paramLabel = "NAME=VALUE", description = "Any other setting of generation_config.json, such as no_repeat_ngram_size=3; can be repeated.")
    Map<String, String> settings = new LinkedHashMap<>();

    /// These over those of the folder.
    ///
    /// @throws IllegalArgumentException for a value out of bounds, or a setting that nobody knows
    Generation over(Generation folder) {
        Generation options = folder;
        for (Map.Entry<String, String> each : settings.entrySet()) {
            options = options.with(each.getKey(), each.getValue());
        }
        boolean sampled = Stream.of(temperature, topK, topP, minP, seed).anyMatch(Objects::nonNull);
        options = sampled && options.beams().numBeams() == 1 ? options.withDoSample(true) : options;
        options = options.withSeed(seed == null ? System.nanoTime() : seed);
        options = stop.isEmpty() ? options : options.withStopStrings(stop);
        options = temperature == null ? options : options.withTemperature(temperature);
        options = topK == null ? options : options.withTopK(topK);
        options = topP == null ? options : options.withTopP(topP);
        options = minP == null ? options : options.withMinP(minP);
        return repetitionPenalty == null ? options : options.withRepetitionPenalty(repetitionPenalty);
    }

    /// JSON, or else text.
    static JsonNode value(String text) {
        try {
            JsonNode tree = Conversation.tree(text, "a value");
            return tree.isMissingNode() ? StringNode.valueOf(text) : tree;
        } catch (IllegalArgumentException aText) {
            return StringNode.valueOf(text);
        }
    }
}
