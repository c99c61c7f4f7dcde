package dev.weft.bridges.springai;

import dev.weft.run.pipeline.SentenceEmbedder;
import java.util.List;
import java.util.stream.IntStream;
import org.springframework.ai.chat.metadata.DefaultUsage;
import org.springframework.ai.document.Document;
import org.springframework.ai.embedding.Embedding;
import org.springframework.ai.embedding.EmbeddingModel;
import org.springframework.ai.embedding.EmbeddingOptions;
import org.springframework.ai.embedding.EmbeddingRequest;
import org.springframework.ai.embedding.EmbeddingResponse;
import org.springframework.ai.embedding.EmbeddingResponseMetadata;

/// A sentence embedder as Spring AI's `EmbeddingModel`. Options may ask for fewer dimensions.
public final class WeftEmbeddingModel implements EmbeddingModel {
    private final SentenceEmbedder embedder;

    private WeftEmbeddingModel(SentenceEmbedder embedder) {
        this.embedder = embedder;
    }

    /// With all that the embedder was given: pooling, normalisation, prompt, dimensions.
    public static WeftEmbeddingModel of(SentenceEmbedder embedder) {
        return new WeftEmbeddingModel(embedder);
    }

    @Override
    public EmbeddingResponse call(EmbeddingRequest request) {
        EmbeddingOptions options = request.getOptions();
        SentenceEmbedder asked = options == null || options.getDimensions() == null
                ? embedder
                : embedder.withDimensions(options.getDimensions());
        List<SentenceEmbedder.Embedding> found = asked.embed(request.getInstructions());
        var metadata = new EmbeddingResponseMetadata();
        metadata.setUsage(new DefaultUsage(found.stream().mapToInt(SentenceEmbedder.Embedding::tokens).sum(), 0));
        return new EmbeddingResponse(
                IntStream.range(0, found.size()).mapToObj(i -> new Embedding(found.get(i).vector(), i)).toList(),
                metadata);
    }

    @Override
    public float[] embed(Document document) {
        return embedder.embed(getEmbeddingContent(document));
    }

    @Override
    public int dimensions() {
        return embedder.dimensions();
    }
}
