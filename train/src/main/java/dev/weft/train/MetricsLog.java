package dev.weft.train;

import dev.weft.checkpoint.AtomicFile;
import dev.weft.checkpoint.Json;
import java.io.BufferedWriter;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/// `metrics.jsonl`: one JSON object per logged step and per evaluation, numbers in full precision; what is undefined is
/// null.
final class MetricsLog implements AutoCloseable {
    static final String FILE = "metrics.jsonl";
    /// What the names of an evaluation's values begin with.
    static final String VALIDATION = "validation_";
    private static final JsonMapper JSON = new JsonMapper();

    private final Path file;
    private final BufferedWriter writer;

    private MetricsLog(Path file, BufferedWriter writer) {
        this.file = file;
        this.writer = writer;
    }

    /// Goes on after `step` updates: what a killed run logged beyond its last checkpoint is dropped and will come again.
    static MetricsLog open(Path run, long step) throws IOException {
        Path file = run.resolve(FILE);
        var kept = new StringBuilder();
        for (ObjectNode line : read(run)) {
            if (line.get("step").asLong() <= step) {
                kept.append(line).append('\n');
            }
        }
        AtomicFile.write(file, kept.toString());
        return new MetricsLog(file, Files.newBufferedWriter(file, StandardOpenOption.APPEND));
    }

    /// All whole lines; a line cut short by a kill is left out.
    static List<ObjectNode> read(Path run) throws IOException {
        Path file = run.resolve(FILE);
        var lines = new ArrayList<ObjectNode>();
        if (Files.exists(file)) {
            for (String line : Files.readAllLines(file)) {
                if (line.endsWith("}") && JSON.readTree(line) instanceof ObjectNode node) {
                    lines.add(node);
                }
            }
        }
        return lines;
    }

    void step(TrainingListener.Step step) {
        write(Json.object().put("step", step.step()).put("loss", step.loss()).put("learning_rate", step.learningRate())
                .put("gradient_norm", step.gradientNorm()).put("tokens", step.tokens())
                .put("tokens_per_second", Math.round(step.tokensPerSecond())));
    }

    void evaluation(TrainingListener.Evaluation evaluation) {
        ObjectNode line = Json.object().put("step", evaluation.step());
        evaluation.found().values()
                .forEach((name, value) -> line.put(VALIDATION + name, Double.isFinite(value) ? value : null));
        write(line);
    }

    private void write(ObjectNode line) {
        try {
            writer.write(line.toString());
            writer.newLine();
            writer.flush();
        } catch (IOException e) {
            throw new UncheckedIOException("%s cannot be written: %s; make room and go on with --resume %s".formatted(
                    file, e.getMessage(), file.getParent()), e);
        }
    }

    @Override
    public void close() throws IOException {
        writer.close();
    }
}
