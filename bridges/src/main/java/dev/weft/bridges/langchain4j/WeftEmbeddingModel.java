package dev.weft.bridges.langchain4j;

import dev.langchain4j.data.embedding.Embedding;
import dev.langchain4j.model.embedding.EmbeddingModel;
import dev.langchain4j.model.embedding.request.EmbeddingInput;
import dev.langchain4j.model.embedding.request.EmbeddingParameter;
import dev.langchain4j.model.embedding.request.EmbeddingRequest;
import dev.langchain4j.model.embedding.request.EmbeddingRequestParameters;
import dev.langchain4j.model.embedding.response.EmbeddingResponse;
import dev.langchain4j.model.output.TokenUsage;
import dev.weft.run.pipeline.SentenceEmbedder;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;

/// A sentence embedder as LangChain4j's `EmbeddingModel`. A request may ask for fewer dimensions, and say that its texts are
/// queries or documents: then they get the folder's prompt for that, where it has one.
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
    public Set<EmbeddingParameter<?>> supportedParameters() {
        return Set.of(EmbeddingRequestParameters.DIMENSIONS, EmbeddingRequestParameters.INPUT_TYPE);
    }

    @Override
    public EmbeddingResponse doEmbed(EmbeddingRequest request) {
        SentenceEmbedder asked = forPurpose(request);
        asked = request.dimensions() == null ? asked : asked.withDimensions(request.dimensions());
        List<SentenceEmbedder.Embedding> found = asked
                .embed(request.inputs().stream().map(EmbeddingInput::text).toList());
        return EmbeddingResponse.builder()
                .embeddings(found.stream().map(each -> Embedding.from(each.vector())).toList())
                .tokenUsage(new TokenUsage(found.stream().mapToInt(SentenceEmbedder.Embedding::tokens).sum())).build();
    }

    private SentenceEmbedder forPurpose(EmbeddingRequest request) {
        if (request.inputType() == null) {
            return embedder;
        }
        Stream<String> names = switch (request.inputType()) {
            case QUERY -> Stream.of("query");
            case DOCUMENT -> Stream.of("document", "passage");
        };
        return names.filter(embedder.purposes()::contains).findFirst().map(embedder::forPurpose).orElse(embedder);
    }

    @Override
    public int dimension() {
        return embedder.dimensions();
    }
}
