package dev.weft.cli;

import dev.weft.checkpoint.Json;
import dev.weft.models.Models;
import dev.weft.models.OnnxModel;
import dev.weft.models.heads.PretrainedModel;
import dev.weft.models.heads.HeadKind;
import dev.weft.run.pipeline.SentenceEmbedder;
import dev.weft.text.Tokenizer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import tools.jackson.databind.node.ObjectNode;

/// `weft import`: an ONNX file becomes a model folder.
@Command(name = "import", mixinStandardHelpOptions = true, sortOptions = false, description = "Make a model folder of an ONNX file: encoders of BERT's kind, as PyTorch exports them. What it holds is trained, run and saved like any other.", footer = {
        "", "Example:  weft import all-minilm-l6-v2.onnx --tokenizer tokenizer.json --out models/minilm",
        "              --pooling mean --normalize"})
final class ImportCommand implements Callable<Integer> {
    @Parameters(paramLabel = "FILE", description = "The .onnx file, in float32, float16 or bfloat16; external data beside it.")
    Path file;

    @Option(names = "--tokenizer", required = true, paramLabel = "FILE", description = "Its tokenizer.json, or a folder with the files of its tokenizer.")
    Path tokenizer;

    @Option(names = "--out", required = true, paramLabel = "FOLDER", description = "Where the model goes.")
    Path out;

    @Option(names = "--labels", split = ",", paramLabel = "NAME", description = "Of a classifier: what it tells apart, in the order of its scores. Default: LABEL_0, LABEL_1, ...")
    @Nullable
    List<String> labels;

    @Option(names = "--pooling", description = "Make it a model of sentence vectors: mean, cls, max, last, mean_sqrt_length or weighted_mean.")
    SentenceEmbedder.@Nullable Pooling pooling;

    @Option(names = "--normalize", description = "With --pooling: vectors have the length 1.")
    boolean normalize;

    @Option(names = "--max-length", paramLabel = "N", description = "With --pooling: tokens of a text at most. Default: what the model has positions for.")
    @Nullable
    Integer maxLength;

    @Option(names = "--set", paramLabel = "KEY=VALUE", description = "What config.json is to say whatever the file lets one guess, such as num_attention_heads=12 or model_type=camembert; can be repeated.")
    Map<String, String> set = new LinkedHashMap<>();

    @Mixin
    Output output;

    @Override
    public Integer call() {
        if (pooling == null && (normalize || maxLength != null)) {
            throw new IllegalArgumentException("--normalize and --max-length go with --pooling; say --pooling mean");
        }
        if (Files.exists(out) && !Files.isDirectory(out)) {
            throw new IllegalArgumentException(
                    "--out %s is a file; name the folder that the model is to go to".formatted(
                            out));
        }
        Tokenizer read = tokenizer();
        try (PretrainedModel model = OnnxModel.load(file, told())) {
            HeadKind head = HeadKind.of(Models.architecture(model.context().config()));
            if (labels != null && head != HeadKind.SEQUENCE_CLASSIFICATION && head != HeadKind.TOKEN_CLASSIFICATION) {
                throw new IllegalArgumentException(
                        "--labels name what a classifier tells apart, and %s is none (%s); leave them out"
                                .formatted(file, Models.architecture(model.context().config())));
            }
            if (read.vocabSize() > model.textBackbone().vocabSize()) {
                throw new IllegalArgumentException("%s has %d entries, the model %d: they do not belong together"
                        .formatted(tokenizer, read.vocabSize(), model.textBackbone().vocabSize()));
            }
            int room = model.textBackbone().maxPositions();
            if (maxLength != null && (maxLength < 2 || maxLength > room)) {
                throw new IllegalArgumentException("--max-length must be 2 to %d, as the model has positions, found %d"
                        .formatted(room, maxLength));
            }
            model.save(out);
            copyTokenizer(room);
            if (pooling != null) {
                SentenceEmbedder.describe(out, model, pooling, normalize, maxLength == null ? room : maxLength);
            }
            Json config = model.context().config();
            var facts = new LinkedHashMap<String, Object>();
            facts.put("model", out.toString());
            facts.put("family", config.text("model_type"));
            facts.put("head", Models.architecture(config));
            facts.put("weights", model.parameterCount());
            facts.put("layers", model.backbone().layers());
            facts.put("heads", model.textBackbone().sizes().numAttentionHeads());
            facts.put("hidden size", model.backbone().hiddenSize());
            model.notes().forEach(note -> facts.merge("notes", note, (one, two) -> one + "; " + two));
            output.facts(facts);
        }
        return 0;
    }

    private Tokenizer tokenizer() {
        try {
            return Tokenizer.load(tokenizer);
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException("--tokenizer takes a tokenizer.json or a folder with a tokenizer: "
                    + (e.getMessage().contains(tokenizer.toString()) ? "" : tokenizer + ": ") + e.getMessage(), e);
        }
    }

    private ObjectNode told() {
        ObjectNode told = Json.object();
        set.forEach((key, value) -> told.set(key, Json.parse("--set " + key, "{\"value\": " + json(value) + "}").node()
                .get("value")));
        if (labels != null) {
            ObjectNode names = told.putObject("id2label");
            ObjectNode ids = told.putObject("label2id");
            for (int id = 0; id < labels.size(); id++) {
                names.put(Integer.toString(id), labels.get(id));
                ids.put(labels.get(id), id);
            }
        }
        return told;
    }

    /// Words stand without quotes on a command line.
    private static String json(String value) {
        return value.matches("-?[0-9.]+([eE]-?[0-9]+)?|true|false|null|[\\[{\"].*")
                ? value
                : "\"" + value.replace("\\", "\\\\").replace("\"", "\\\"") + "\"";
    }

    private void copyTokenizer(int room) {
        try {
            if (Files.isDirectory(tokenizer)) {
                MergeCommand.copyBeside(tokenizer, out);
            } else {
                Files.copy(tokenizer, out.resolve("tokenizer.json"), StandardCopyOption.REPLACE_EXISTING);
            }
        } catch (IOException e) {
            throw new UncheckedIOException("%s: cannot be copied to %s: %s".formatted(tokenizer, out, e.getMessage()),
                    e);
        }
        if (!Files.exists(out.resolve("tokenizer_config.json"))) {
            Json.write(out.resolve("tokenizer_config.json"), Json.object().put("model_max_length", room));
        }
    }
}
