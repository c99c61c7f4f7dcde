package dev.weft.benchmarks;

import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import dev.weft.text.Tokenizer;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.zip.GZIPInputStream;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// Texts to tokens with ids and places, beside Hugging Face's library (by its binding for Java), in turn in one process.
///
/// `Encode DATA [NAME...]` reads vocabularies and texts in DATA, of the layout described in `../shared/data`, and prints
/// one line for each vocabulary, kind of text and number of threads: megabytes of UTF-8 a second.
public final class Encode {
    private static final int ROUNDS = 7;

    private Encode() {}

    public static void main(String... args) throws IOException {
        Path data = Path.of(args[0]);
        List<String> names = args.length > 1
                ? Arrays.asList(args).subList(1, args.length)
                : List.of("bert-base-uncased", "gpt2", "phi-3-mini", "t5-small");
        List<String> sentences = sentences(data.resolve("sst2/train.tsv"));
        List<String> paragraphs = paragraphs(data.resolve("squad/train.json.gz"));
        System.out.printf("%-18s %-11s %7s %8s %8s %6s%n", "vocabulary", "texts", "threads", "Weft", "HF", "ratio");
        for (String name : names) {
            Tokenizer ours = Tokenizer.load(data.resolve("tokenizers").resolve(name));
            Path written = Files.createTempDirectory("weft-encode");
            ours.save(written);
            try (HuggingFaceTokenizer theirs = HuggingFaceTokenizer.builder()
                    .optTokenizerPath(written.resolve("tokenizer.json")).optTruncation(false).optPadding(false)
                    .build()) {
                compare(name, "sentences", sentences, ours, theirs);
                compare(name, "paragraphs", paragraphs, ours, theirs);
            }
            Files.delete(written.resolve("tokenizer.json"));
            Files.delete(written.resolve("tokenizer_config.json"));
            Files.delete(written);
        }
    }

    private static void compare(String name, String kind, List<String> texts, Tokenizer ours,
            HuggingFaceTokenizer theirs) {
        double megabytes = texts.stream().mapToLong(text -> text.getBytes(StandardCharsets.UTF_8).length).sum() / 1e6;
        Runnable oursAlone = () -> texts.forEach(ours::encode);
        Runnable theirsAlone = () -> texts.forEach(text -> theirs.encode(text, true, false));
        Runnable oursTogether = () -> ours.encodeAll(texts);
        Runnable theirsTogether = () -> theirs.batchEncode(texts, true, false);
        print(name, kind, 1, megabytes, oursAlone, theirsAlone);
        print(name, kind, Runtime.getRuntime().availableProcessors(), megabytes, oursTogether, theirsTogether);
    }

    private static void print(String name, String kind, int threads, double megabytes, Runnable ours,
            Runnable theirs) {
        var seconds = new double[2][ROUNDS];
        for (int round = -2; round < ROUNDS; round++) {
            double first = seconds(ours);
            double second = seconds(theirs);
            if (round >= 0) {
                seconds[0][round] = first;
                seconds[1][round] = second;
            }
        }
        double weft = megabytes / median(seconds[0]);
        double huggingFace = megabytes / median(seconds[1]);
        System.out.printf("%-18s %-11s %7d %8.2f %8.2f %6.2f%n", name, kind, threads, weft, huggingFace,
                weft / huggingFace);
    }

    private static double seconds(Runnable task) {
        long start = System.nanoTime();
        task.run();
        return (System.nanoTime() - start) / 1e9;
    }

    private static double median(double[] values) {
        Arrays.sort(values);
        return values[values.length / 2];
    }

    private static List<String> sentences(Path file) throws IOException {
        return Files.readAllLines(file).stream().map(line -> line.substring(0, line.lastIndexOf('\t'))).toList();
    }

    private static List<String> paragraphs(Path file) throws IOException {
        var texts = new ArrayList<String>();
        try (var reader = new BufferedReader(new InputStreamReader(new GZIPInputStream(Files.newInputStream(file)),
                StandardCharsets.UTF_8))) {
            for (JsonNode article : new JsonMapper().readTree(reader).path("data")) {
                article.path("paragraphs").forEach(paragraph -> texts.add(paragraph.path("context").stringValue()));
            }
        }
        return texts;
    }
}
