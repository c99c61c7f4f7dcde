package dev.weft.recipe;

import static org.assertj.core.api.Assertions.assertThat;

import dev.weft.checkpoint.Json;
import dev.weft.data.Collator;
import dev.weft.data.Example;
import dev.weft.data.Example.Feature;
import dev.weft.data.ExampleFile;
import dev.weft.data.LengthBatches;
import dev.weft.data.Row;
import dev.weft.data.RowEncoder;
import dev.weft.data.Rows;
import dev.weft.models.Models;
import dev.weft.models.heads.PretrainedModel;
import dev.weft.tensor.DType;
import dev.weft.tensor.Tensor;
import dev.weft.text.Truncation;
import dev.weft.train.Optimizer;
import dev.weft.train.RunFolder;
import dev.weft.train.Schedule;
import dev.weft.train.Settings;
import dev.weft.train.TaskObjective;
import dev.weft.train.Trainer;
import dev.weft.train.TrainingListener;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Frames in place of ids go the way of ids: encoded, kept on disk, collated, through a head, trained.
class ArraysTest {
    private static final int WIDTH = 16;

    /// Between three and eight frames of noise, with a tone or without.
    private static final class Frames implements RowEncoder {
        @Override
        public List<Example> encode(Row row) {
            var random = new SplittableRandom(row.text("seed").hashCode());
            boolean loud = row.text("label").equals("loud");
            int frames = 3 + random.nextInt(6);
            float[] values = new float[frames * WIDTH];
            for (int i = 0; i < values.length; i++) {
                values[i] = (loud ? i % 2 : 0) + random.nextFloat();
            }
            return List.of(new Example(Map.of("inputs_embeds", new Feature.Array(values, frames, WIDTH)))
                    .with("labels", loud ? 1 : 0));
        }

        @Override
        public String settings() {
            return "frames";
        }
    }

    @Test
    void frames_are_encoded_kept_collated_and_learned(@TempDir Path root) throws Exception {
        var lines = new ArrayList<>(List.of("seed,label"));
        for (int i = 0; i < 64; i++) {
            lines.add(i + (i % 2 == 0 ? ",loud" : ",soft"));
        }
        Path table = Files.write(root.resolve("frames.csv"), lines);
        try (var examples = ExampleFile.of(Rows.of(List.of(table.toString())), new Frames(), root, done -> {});
                PretrainedModel model = Models.create(Json.object().put("model_type", "bert").put("vocab_size", 8)
                        .put("hidden_size", WIDTH).put("num_hidden_layers", 1).put("num_attention_heads", 2)
                        .put("intermediate_size", 32).put("max_position_embeddings", 16)
                        .set("architectures", Json.object().arrayNode().add("BertForSequenceClassification")), 1);
                var optimizer = Optimizer.adamW(model.parameters(), 0.9, 0.999, 1e-8, 0, false);
                var run = RunFolder.open(root.resolve("run"))) {
            assertThat(Arrays.stream(examples.lengths()).boxed().toList())
                    .allMatch(length -> length >= 3 && length <= 8);
            var batches = new TrainingBatches.OfExamples(examples, TrainingBatches.Change.NONE,
                    new LengthBatches(examples.lengths(), 64, 16, 1), new Collator(0, Truncation.Side.RIGHT, 1), 1, 1);
            var task = new Trainer.Task<Map<String, Tensor>>(model, TaskObjective.of(model), batches, optimizer,
                    new Schedule.Constant(0.01, 0), null, model::save, "frames");
            Trainer.Result result = new Trainer<>(task, Settings.of(120).withPrecision(DType.FLOAT32)).run(run,
                    TrainingListener.SILENT);
            assertThat(result.lastLoss()).isLessThan(0.2);
        }
    }
}
