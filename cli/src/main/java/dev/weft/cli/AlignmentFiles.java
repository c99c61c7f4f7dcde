package dev.weft.cli;

import dev.weft.checkpoint.AtomicFile;
import dev.weft.checkpoint.Json;
import dev.weft.cli.Inputs.Item;
import dev.weft.eval.picture.HeatMap;
import dev.weft.run.Generation;
import dev.weft.run.pipeline.Alignment;
import dev.weft.run.pipeline.TextToText;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.OptionalInt;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/// `--alignment DIR`: a picture and the numbers of where a model looked, for each text.
final class AlignmentFiles {
    private AlignmentFiles() {}

    /// Answers the texts as `weft run` shows them, and writes their alignments.
    static List<ObjectNode> answers(TextToText answerer, List<Item> items, Generation options, RunOptions told) {
        OptionalInt layer = told.alignmentLayer == null ? OptionalInt.empty() : OptionalInt.of(told.alignmentLayer);
        List<Alignment> found = answerer.aligned(items.stream().map(Item::text).toList(), options, layer);
        return IntStream.range(0, found.size()).mapToObj(i -> {
            Alignment alignment = found.get(i);
            String name = Long.toString(items.get(i).number() + 1);
            AtomicFile.write(told.alignment.resolve(name + ".svg"), svg(alignment));
            Json.write(told.alignment.resolve(name + ".json"), json(items.get(i).text(), alignment));
            return Json.object().put("answer", alignment.answer()).put("input_tokens", alignment.source().size())
                    .put("output_tokens", alignment.target().size()).put("windows", 1);
        }).toList();
    }

    /// Weights are written where they can be seen.
    private static String svg(Alignment alignment) {
        String[][] texts = Arrays.stream(alignment.weights())
                .map(row -> DoubleStream.of(row)
                        .mapToObj(each -> each < 0.1 ? "" : String.format(Locale.ROOT, "%.2f", each))
                        .toArray(String[]::new))
                .toArray(String[][]::new);
        return new HeatMap("answer", alignment.target(), "text", alignment.source(), alignment.weights(), texts).svg();
    }

    private static ObjectNode json(String text, Alignment alignment) {
        ObjectNode json = Json.object().put("text", text).put("answer", alignment.answer());
        ArrayNode source = json.putArray("source");
        alignment.source().forEach(source::add);
        ArrayNode target = json.putArray("target");
        alignment.target().forEach(target::add);
        ArrayNode rows = json.putArray("weights");
        for (double[] row : alignment.weights()) {
            ArrayNode numbers = rows.addArray();
            DoubleStream.of(row).forEach(each -> numbers.add(Math.round(each * 1e6) / 1e6));
        }
        return json;
    }
}
