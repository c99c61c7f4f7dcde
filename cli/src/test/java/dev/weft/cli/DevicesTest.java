package dev.weft.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.weft.models.Loading;
import dev.weft.models.Models;
import dev.weft.models.heads.PretrainedModel;
import dev.weft.run.Generation;
import dev.weft.run.TextGenerator;
import dev.weft.tensor.DType;
import dev.weft.tensor.Device;
import dev.weft.tensor.StandIn;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Everything on another device than the CPU. The stand-in refuses what a GPU refuses and computes what the CPU computes, so
/// results are the CPU's, bit for bit.
class DevicesTest {
    @TempDir
    static Path root;

    @BeforeAll
    static void make() throws IOException {
        Files.write(root.resolve("lines.txt"),
                IntStream.range(0, 60).mapToObj(i -> "the cat number " + i + " sat").toList());
        Files.write(root.resolve("rated.jsonl"), IntStream.range(0, 40).mapToObj(
                i -> "{\"text\": \"it was %s %d\", \"label\": \"%s\"}".formatted(i % 2 == 0 ? "good" : "bad", i,
                        i % 2 == 0 ? "yes" : "no"))
                .toList());
    }

    @Test
    void every_case_passes_there() throws Exception {
        Path own = Path.of(DevicesTest.class.getResource("/cases").toURI());
        try (Stream<Path> folders = Files.list(own)) {
            List<String> cases = folders.map(Path::toString).sorted().toList();
            var command = new ArrayList<>(List.of("parity", "--device", "stand-in"));
            command.addAll(cases);
            Ran ran = Ran.weft(command.toArray(String[]::new));

            assertThat(ran.out().lines().filter(line -> line.startsWith("FAIL"))).isEmpty();
            assertThat(ran.out()).endsWith(cases.size() + " passed, 0 failed" + System.lineSeparator());
        }
    }

    @Test
    void training_there_a_resume_and_an_adapter_give_the_weights_of_the_cpu() throws IOException {
        for (String device : List.of("cpu", "stand-in")) {
            Path writer = writer(device, "writer-" + device);
            weft("finetune", writer.toString(), "--device", device, "--lora", "rank=2,alpha=4,targets=c_attn", "--text",
                    place("lines.txt"), "--examples", "lines", "--steps", "3", "--cache", place("cache"), "--out",
                    place("lora-" + device));
            Path classifier = classifier(device, "rated-" + device, 3);
            weft("train", "--resume", classifier.toString(), "--steps", "6");
        }

        for (String each : List.of("writer-%s/model.safetensors", "lora-%s/adapter_model.safetensors",
                "rated-%s/model.safetensors")) {
            assertThat(Files.mismatch(root.resolve(each.formatted("stand-in")), root.resolve(each.formatted("cpu"))))
                    .as(each).isEqualTo(-1);
        }
    }

    private static Path writer(String device, String name) {
        weft("train", "--device", device, "--text", place("lines.txt"), "--examples", "lines", "--layers", "2",
                "--hidden", "32", "--heads", "2", "--tokenizer", "bpe", "--vocab-size", "300", "--steps", "3", "--seq",
                "32", "--cache", place("cache"), "--out", place(name));
        return root.resolve(name);
    }

    private static Path classifier(String device, String name, int steps) {
        weft("train", "--device", device, "--task", "text-classification", "--train", place("rated.jsonl"), "--dev",
                place("rated.jsonl"), "--set", "model.config={model_type: bert}", "--set", "train.schedule=constant",
                "--set", "train.warmup=0", "--layers", "2", "--hidden", "32", "--heads", "2", "--tokenizer",
                "wordpiece", "--vocab-size", "90", "--steps", "" + steps, "--cache", place("cache"), "--out",
                place(name));
        return root.resolve(name);
    }

    @Test
    void a_model_goes_there_weight_by_weight_and_a_token_takes_the_same_few_copies_however_deep_it_is() {
        Path folder = writer("cpu", "moved");
        StandIn.Copies before = StandIn.copies();
        try (PretrainedModel model = Models.load(folder, Loading.in(DType.FLOAT32).on(Device.STAND_IN))) {
            assertThat(StandIn.copies().since(before)).isEqualTo(new StandIn.Copies(model.parameters().size(), 0));
            assertThat(model.parameters().values()).allMatch(weight -> weight.device().equals(Device.STAND_IN));
        }
        try (var here = TextGenerator.open(folder);
                var there = TextGenerator.open(folder, Loading.usual().on(Device.STAND_IN))) {
            Generation eight = Generation.greedy().withMaxNewTokens(8).withMinNewTokens(8);
            Generation sixteen = Generation.greedy().withMaxNewTokens(16).withMinNewTokens(16);
            there.generate("the cat", eight);
            long[] copies = copies(there, eight, sixteen);

            assertThat(there.generate("the cat", sixteen)).isEqualTo(here.generate("the cat", sixteen));
            assertThat(copies[1] - copies[0]).as("copies for eight tokens more").isLessThanOrEqualTo(8 * 6L);
        }
    }

    private static long[] copies(TextGenerator writer, Generation... options) {
        return Arrays.stream(options).mapToLong(each -> {
            StandIn.Copies before = StandIn.copies();
            writer.generate("the cat", each);
            StandIn.Copies made = StandIn.copies().since(before);
            return made.toDevice() + made.toHost();
        }).toArray();
    }

    @Test
    void tasks_give_the_answers_of_the_cpu_there() {
        Path folder = classifier("cpu", "answering", 3);
        String[] run = {"run", "text-classification", folder.toString(), "it was good", "it was bad 7", "--json"};

        assertThat(
                weft(Stream.concat(Arrays.stream(run), Stream.of("--device", "stand-in")).toArray(String[]::new)).out())
                .isEqualTo(weft(Stream.concat(Arrays.stream(run), Stream.of("--device", "cpu")).toArray(String[]::new))
                        .out());
        assertThat(Ran.weft("run", "text-classification", folder.toString(), "x", "--device", "cuda").refusal())
                .contains("No CUDA device can be used here");
    }

    private static Ran weft(String... arguments) {
        Ran ran = Ran.weft(arguments);
        assertThat(ran.status()).as(ran.err()).isZero();
        return ran;
    }

    private static String place(String name) {
        return root.resolve(name).toString();
    }
}
