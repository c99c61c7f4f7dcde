package dev.weft.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.weft.checkpoint.Json;
import dev.weft.checkpoint.ModelFolder;
import dev.weft.checkpoint.Safetensors;
import dev.weft.models.Loading;
import dev.weft.models.Models;
import dev.weft.models.heads.PretrainedModel;
import dev.weft.nn.ForwardPass;
import dev.weft.nn.KvCache;
import dev.weft.nn.LanguageModel;
import dev.weft.nn.SequenceToSequence;
import dev.weft.tensor.DType;
import dev.weft.tensor.Gradients;
import dev.weft.tensor.Tensor;
import dev.weft.tensor.TensorScope;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.assertj.core.api.SoftAssertions;
import org.junit.jupiter.api.Test;

/// Every family computes in bfloat16 what it computes in float32, as nearly as that type can say it.
class HalfPrecisionTest {
    @Test
    void every_family_computes_in_bfloat16() throws Exception {
        Path own = Path.of(HalfPrecisionTest.class.getResource("/cases").toURI());
        var softly = new SoftAssertions();
        try (Stream<Path> folders = Files.list(own)) {
            List<Path> cases = folders.sorted().toList();
            assertThat(cases).hasSizeGreaterThan(100);
            for (Path folder : cases) {
                try (var scope = TensorScope.open(); var off = Gradients.off()) {
                    compare(softly, folder);
                } catch (RuntimeException e) {
                    softly.fail(folder.getFileName() + ": " + e.getMessage());
                }
            }
        }
        softly.assertAll();
    }

    private static void compare(SoftAssertions softly, Path folder) {
        Json check = Json.read(folder.resolve("case.json")).objects("checks").stream()
                .filter(each -> each.text("kind").equals("forward")).findFirst().orElse(null);
        // What an adapter changes is compared in float32, the type it is trained in.
        if (check == null || check.has("adapter")) {
            return;
        }
        String architecture = check.text("model_class", Json.read(folder.resolve("case.json")).text("model_class"));
        Map<String, Map<String, Tensor>> found = new HashMap<>();
        for (DType dtype : List.of(DType.FLOAT32, DType.BFLOAT16)) {
            try (PretrainedModel head = Models.load(ModelFolder.open(folder), architecture, Loading.in(dtype));
                    Safetensors expected = Safetensors.open(folder.resolve("expected.safetensors"))) {
                var inputs = new HashMap<String, Tensor>();
                Json names = check.object("inputs");
                names.names().forEach(name -> inputs.put(name, expected.tensor(names.text(name)).copy()));
                found.put(dtype.name(), head.outputs(inputs, ForwardPass.plain()));
                if (head instanceof LanguageModel model && !(head instanceof SequenceToSequence)
                        && model.vocabSize() > 4) {
                    twoSteps(model);
                }
            }
        }
        Map<String, Tensor> exact = found.get(DType.FLOAT32.name());
        found.get(DType.BFLOAT16.name()).forEach((name, rough) -> {
            Tensor of = exact.get(name);
            if (!name.equals("loss") && of.dtype().isFloating()) {
                double scale = Math.max(1, of.abs().max().item());
                double away = rough.to(DType.FLOAT32).sub(of).abs().to(DType.FLOAT32).sum().item() / of.count();
                softly.assertThat(away / scale).as(folder.getFileName() + " " + name).isLessThan(0.03);
            }
        });
    }

    /// With a cache, whose keys have another type than the queries.
    private static void twoSteps(LanguageModel model) {
        try (var cache = new KvCache()) {
            ForwardPass pass = ForwardPass.plain().withCache(cache);
            model.logits(Tensor.of(new int[]{1, 2, 3}, 1, 3), pass);
            model.logits(Tensor.of(new int[]{2}, 1, 1), pass);
        }
    }
}
