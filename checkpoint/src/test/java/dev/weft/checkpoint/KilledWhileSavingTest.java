package dev.weft.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;

import dev.weft.nn.Init;
import dev.weft.tensor.DType;
import dev.weft.tensor.Tensor;
import dev.weft.tensor.TensorScope;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class KilledWhileSavingTest {
    private static final int SIZE = 50_000;

    /// Saves step after step into one folder, in shards, until it is killed.
    static final class Saver {
        private Saver() {}

        public static void main(String[] arguments) {
            for (int step = 0;; step++) {
                try (var scope = TensorScope.open()) {
                    ModelFolder.save(Path.of(arguments[0]), Json.object().put("step", step),
                            Map.of("a", Tensor.full(step, DType.FLOAT32, SIZE), "b",
                                    Tensor.full(step, DType.FLOAT32, SIZE)),
                            4L * SIZE);
                }
                System.out.println(step);
            }
        }
    }

    @Test
    void a_process_killed_while_saving_leaves_one_whole_step_or_a_folder_that_is_refused(@TempDir Path folder)
            throws IOException, InterruptedException {
        var command = List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-Xmx128m", "-cp",
                System.getProperty("java.class.path"), Saver.class.getName(), folder.toString());
        for (int saves = 1; saves <= 2; saves++) {
            Process process = new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.DISCARD).start();
            try (var lines = process.inputReader()) {
                for (int i = 0; i < 3 * saves; i++) {
                    assertThat(lines.readLine()).isNotNull();
                }
            } finally {
                process.destroyForcibly().waitFor();
            }
            if (!Files.exists(folder.resolve("config.json"))) {
                continue;
            }
            ModelFolder saved = ModelFolder.open(folder);
            int step = saved.config().integer("step");
            try (var scope = TensorScope.open(); var weights = CheckpointWeights.open(saved)) {
                for (String name : List.of("a", "b")) {
                    Tensor weight = weights.read(name, Init.zeros(), SIZE);
                    assertThat(weight.min().item()).isEqualTo(step);
                    assertThat(weight.max().item()).isEqualTo(step);
                    weight.close();
                }
            }
        }
    }
}
