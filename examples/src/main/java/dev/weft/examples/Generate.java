package dev.weft.examples;

import dev.weft.nn.LanguageModel;
import dev.weft.run.Completion;
import dev.weft.run.Generated;
import dev.weft.run.Generation;
import dev.weft.run.Generator;
import dev.weft.models.Loading;
import dev.weft.run.PromptCache;
import dev.weft.run.RunningBatch;
import dev.weft.run.Sampling;
import dev.weft.run.ScoreStep;
import dev.weft.run.TextGenerator;
import dev.weft.run.pipeline.Pipelines;
import dev.weft.tensor.DType;
import dev.weft.tensor.Device;
import dev.weft.tensor.Tensor;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;

/// The ways to let a model go on with a text (docs/generation.md).
public final class Generate {
    private Generate() {}

    /// `Generate models/gpt2 "Once upon a time"`
    public static void main(String... args) {
        stream(Path.of(args[0]), args[1]);
    }

    static void stream(Path folder, String prompt) {
        try (var writer = Pipelines.textGeneration(folder)) {
            writer.stream(prompt, Sampling.topP(0.9).withSeed(7)).forEach(System.out::print);
        }
    }

    static List<Completion> beams(TextGenerator writer, String prompt) {
        Generation options = writer.defaults().withNumBeams(4).withNumReturnSequences(2).withLengthPenalty(1.2)
                .withMaxNewTokens(60);
        return writer.complete(prompt, options); // each with its score, why it ended, and a log probability for each token
    }

    static String without(TextGenerator writer, String prompt, Tensor digits) {
        ScoreStep noDigits = (ids, scores) -> scores.maskedFill(digits, ScoreStep.NEVER);
        return writer.withStep(noDigits).generate(prompt, writer.defaults());
    }

    static String assisted(TextGenerator large, TextGenerator small, String prompt) {
        return large.withAssistant(small).generate(prompt, large.defaults().withMaxNewTokens(200));
    }

    static List<String> manyEndings(TextGenerator writer, String instructions, List<String> questions) {
        try (PromptCache beginning = writer.promptCache(instructions)) {
            TextGenerator quick = writer.withPromptCache(beginning);
            return questions.stream().map(question -> quick.generate(instructions + question, writer.defaults()))
                    .toList();
        }
    }

    static void keep(TextGenerator writer, String instructions, Path file) {
        try (PromptCache beginning = writer.promptCache(instructions)) {
            writer.save(beginning, file); // writer.promptCache(file) reads it
        }
    }

    static List<Generated> arriving(LanguageModel model, Queue<int[]> prompts) {
        var tickets = new ArrayList<RunningBatch.Ticket>();
        try (var batch = RunningBatch.of(model)) {
            while (!prompts.isEmpty() || !batch.idle()) {
                if (!prompts.isEmpty() && batch.rows() < 8) {
                    tickets.add(batch.join(prompts.remove(), Generation.sampled(7), id -> System.out.println(id)));
                }
                batch.step(); // the next id of each
            }
            return tickets.stream().map(RunningBatch.Ticket::result).toList();
        }
    }

    static void onGpu(Path folder) {
        var gpu = Loading.usual().on(Device.parse("cuda"));
        try (var writer = TextGenerator.open(folder, gpu)) {
            System.out.println(writer.generate("Once upon a time", writer.defaults()));
        }
    }

    static float[] half(Path folder, String text) {
        try (var embedder = Pipelines.embeddings(folder, Loading.in(DType.BFLOAT16))) {
            return embedder.embed(text);
        }
    }

    static int[] ids(Generator generator, int... prompt) {
        return generator.generate(prompt, Generation.greedy().withMaxNewTokens(30)).first().ids();
    }
}
