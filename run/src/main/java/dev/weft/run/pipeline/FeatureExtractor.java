package dev.weft.run.pipeline;

import dev.weft.run.Task;
import dev.weft.models.Loading;
import dev.weft.text.Encoding;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/// A vector for each token of a text. The Python library's `feature-extraction`. Safe to share between threads.
public final class FeatureExtractor implements AutoCloseable {
    /// What a text became.
    ///
    /// @param vectors `[tokens][hidden]`
    public record Features(Encoding encoding, float[][] vectors) {}

    private final Batches batches;
    private final boolean truncates;

    private FeatureExtractor(Batches batches, boolean truncates) {
        this.batches = batches;
        this.truncates = truncates;
    }

    static FeatureExtractor open(Path folder, Loading loading) {
        return new FeatureExtractor(Batches.open(folder, loading, Task.FEATURE_EXTRACTION), false);
    }

    /// This one, cutting texts that are longer than the model's positions. Both are closed by either.
    public FeatureExtractor truncating() {
        return new FeatureExtractor(batches, true);
    }

    /// A vector for each token of each text, special ones included.
    public Features extract(String text) {
        return extract(List.of(text)).getFirst();
    }

    /// @throws RefusedTexts if a text is empty or longer than the model's positions
    public List<Features> extract(List<String> texts) {
        return batches.map(batches.encode(texts, truncates), List.of("last_hidden_state"), (outputs, text) -> {
            float[] flat = outputs.get("last_hidden_state").narrow(0, 0, text.size()).toFloats();
            int hidden = flat.length / text.size();
            return new Features(text, IntStream.range(0, text.size())
                    .mapToObj(i -> Arrays.copyOfRange(flat, i * hidden, (i + 1) * hidden)).toArray(float[][]::new));
        });
    }

    @Override
    public void close() {
        batches.close();
    }
}
