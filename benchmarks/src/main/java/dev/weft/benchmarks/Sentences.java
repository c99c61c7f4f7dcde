package dev.weft.benchmarks;

import dev.weft.models.Loading;
import dev.weft.checkpoint.Json;
import dev.weft.run.pipeline.Pipelines;
import dev.weft.run.pipeline.SentenceEmbedder;
import dev.weft.tensor.DType;
import dev.weft.tensor.Engine;
import java.io.IOException;
import java.nio.file.Files;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/// Vectors of sentences of 8 to 256 tokens by a BERT-base of new weights, from strings to arrays, timed;
/// `benchmarks/peers/sentences.py` is its peer.
///
/// `Sentences f32|bf16 [COUNT]` prints one JSON line.
public final class Sentences {
    private static final int VOCAB = 30_522;

    private Sentences() {}

    public static void main(String... args) throws IOException {
        DType dtype = args[0].equals("bf16") ? DType.BFLOAT16 : DType.FLOAT32;
        int count = args.length > 1 ? Integer.parseInt(args[1]) : 1000;
        var random = new SplittableRandom(0);
        List<String> sentences = IntStream.range(0, count).mapToObj(i -> sentence(random, 8 + i * 7919 % 249))
                .toList();
        try (var folder = NewModel.saved(Passes.bert("BertModel"))) {
            Files.write(folder.path().resolve("vocab.txt"), Stream
                    .concat(Stream.of("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"),
                            IntStream.range(5, VOCAB).mapToObj(Sentences::word))
                    .toList());
            try (SentenceEmbedder embedder = Pipelines.embeddings(folder.path(), Loading.in(dtype))) {
                embedder.embed(sentences.subList(0, Math.min(32, count)));
                long start = System.nanoTime();
                long tokens = embedder.embed(sentences).stream().mapToInt(SentenceEmbedder.Embedding::tokens).sum();
                double seconds = (System.nanoTime() - start) / 1e9;
                System.out.println(Json.object().put("peer", "weft").put("blas", Engine.blas()).put("dtype", args[0])
                        .put("sentences", count).put("tokens", tokens).put("seconds", Math.round(seconds * 100) / 100.0)
                        .put("per_second", Math.round(100 * count / seconds) / 100.0));
            }
        }
    }

    /// One entry of the vocabulary: letters alone, so that no rule cuts it.
    private static String word(int id) {
        return "w" + Integer.toString(id, 26).chars().mapToObj(c -> Character.toString(Character.isDigit(c)
                ? 'q' + c - '0'
                : c)).collect(Collectors.joining());
    }

    /// @param tokens two special ones among them
    private static String sentence(SplittableRandom random, int tokens) {
        return random.ints(tokens - 2, 5, VOCAB).mapToObj(Sentences::word).collect(Collectors.joining(" "));
    }
}
