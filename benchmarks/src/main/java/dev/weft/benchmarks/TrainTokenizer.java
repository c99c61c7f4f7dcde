package dev.weft.benchmarks;

import dev.weft.text.BytePairTrainer;
import dev.weft.text.Tokenizer;
import java.io.BufferedWriter;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.SplittableRandom;

/// Learns a byte-pair vocabulary from a file and measures the whole program, the start of the JVM included;
/// `benchmarks/peers/train_tokenizer.py`, run afterwards where WEFT_PYTHON names a Python that has `tokenizers`, is its
/// peer, its start and imports included too.
///
/// `TrainTokenizer ENTRIES FILE` prints a JSON line for each. A FILE that does not exist is made: 10 MB of 200,000 invented
/// words whose frequencies follow Zipf's law.
public final class TrainTokenizer {
    private static final int BYTES = 10_000_000;
    private static final int WORDS = 200_000;

    private TrainTokenizer() {}

    public static void main(String... args) throws IOException, InterruptedException {
        int entries = Integer.parseInt(args[0]);
        Path file = Path.of(args[1]);
        if (!Files.exists(file)) {
            writeText(file);
            System.out.println(file + ": made; run again to measure");
            return;
        }
        Tokenizer tokenizer = BytePairTrainer.ofVocabSize(entries).train(List.of(file));
        long begun = ManagementFactory.getRuntimeMXBean().getStartTime();
        System.out.printf("{\"peer\":\"weft\",\"bytes\":%d,\"entries\":%d,\"seconds\":%.2f}%n", Files.size(file),
                tokenizer.vocabSize(), (System.currentTimeMillis() - begun) / 1e3);
        String python = System.getenv("WEFT_PYTHON");
        if (python != null) {
            Process peer = new ProcessBuilder(python, "benchmarks/peers/train_tokenizer.py", args[0], args[1])
                    .inheritIO().start();
            if (peer.waitFor() != 0) {
                throw new IOException("the peer failed");
            }
        }
    }

    private static void writeText(Path file) throws IOException {
        var random = new SplittableRandom(0);
        String[] words = new String[WORDS];
        for (int i = 0; i < WORDS; i++) {
            var word = new StringBuilder();
            // The rarer, the longer.
            for (int syllables = 1 + random.nextInt(1 + (int) Math.log10(1 + i)); syllables > 0; syllables--) {
                word.append("bcdfghklmnprstvwz".charAt(random.nextInt(17))).append("aeiou".charAt(random.nextInt(5)))
                        .append(random.nextInt(3) == 0 ? "nrst".substring(random.nextInt(4)).substring(0, 1) : "");
            }
            words[i] = word.toString();
        }
        try (BufferedWriter text = Files.newBufferedWriter(file)) {
            for (int written = 0, column = 0; written < BYTES; column++) {
                // A rank whose logarithm is uniform has Zipf's distribution.
                String word = words[(int) Math.pow(WORDS, random.nextDouble()) - 1];
                text.append(word).append(column % 12 == 11 ? ".\n" : " ");
                written += word.length() + (column % 12 == 11 ? 2 : 1);
            }
        }
    }
}
