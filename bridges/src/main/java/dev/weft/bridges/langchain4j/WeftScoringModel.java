package dev.weft.bridges.langchain4j;

import dev.langchain4j.data.segment.TextSegment;
import dev.langchain4j.model.output.Response;
import dev.langchain4j.model.scoring.ScoringModel;
import dev.weft.run.pipeline.Reranker;
import java.util.Arrays;
import java.util.List;

/// A cross-encoder as LangChain4j's `ScoringModel`: how well texts answer a query, for `ReRankingContentAggregator`.
public final class WeftScoringModel implements ScoringModel {
    private final Reranker reranker;

    private WeftScoringModel(Reranker reranker) {
        this.reranker = reranker;
    }

    public static WeftScoringModel of(Reranker reranker) {
        return new WeftScoringModel(reranker);
    }

    @Override
    public Response<List<Double>> scoreAll(List<TextSegment> segments, String query) {
        double[] scores = reranker.scores(query, segments.stream().map(TextSegment::text).toList());
        return Response.from(Arrays.stream(scores).boxed().toList());
    }
}
