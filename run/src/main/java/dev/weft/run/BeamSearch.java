package dev.weft.run;

import dev.weft.nn.LanguageModel;
import dev.weft.run.Generation.EarlyStopping;
import dev.weft.tensor.Device;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;

/// Beam search with the candidates, scores and ends of the reference's `generate`.
///
/// A text's score is the sum of its tokens' log probabilities over its generated length to the power of the length
/// penalty; the prompt is not counted.
final class BeamSearch {
    /// Takes a candidate out of the choice, as the reference does; not −∞, for it must still be ranked.
    private static final double OUT = -1e9;

    /// A text on the way.
    private record Beam(TokenHistory history, double sum) {}

    /// A text and its score.
    record Finished(TokenHistory history, double score, boolean ended) {}

    /// One more token on a beam.
    private record Candidate(int beam, int id, double sum) {}

    private final Generation options;
    private final int room;
    private final int width;

    /// What one prompt has.
    private static final class Search {
        private List<Beam> running = new ArrayList<>();
        private List<Finished> finished = new ArrayList<>();
        private boolean improvable = true;
        private boolean anyOpen = true;
        private int[] parents = new int[0];
    }

    private BeamSearch(Generation options, int room) {
        this.options = options;
        this.room = room;
        width = options.beams().count();
    }

    /// The best texts of each prompt, best first.
    static List<List<Finished>> run(LanguageModel model, Device device, List<int[]> prompts, Generation options) {
        List<int[]> rows = new ArrayList<>();
        prompts.forEach(prompt -> IntStream.range(0, options.beams().count()).forEach(beam -> rows.add(prompt)));
        try (var decoder = new Decoder(model, device, rows)) {
            int room = Math.min(options.room(decoder.width()), decoder.room() + 1);
            return new BeamSearch(options, room).run(decoder, prompts, rows);
        }
    }

    private List<List<Finished>> run(Decoder decoder, List<int[]> prompts, List<int[]> rows) {
        var searches = new ArrayList<Search>();
        for (int[] prompt : prompts) {
            var search = new Search();
            for (int beam = 0; beam < width; beam++) {
                // All but one start out of the choice: they are the same text.
                search.running.add(new Beam(new TokenHistory(prompt), beam == 0 ? 0 : OUT));
                search.finished.add(new Finished(new TokenHistory(prompt), OUT, false));
            }
            searches.add(search);
        }
        float[][] scores = decoder.prompt(rows);
        for (int length = 1; length <= room; length++) {
            for (int i = 0; i < searches.size(); i++) {
                extend(searches.get(i), scores, i * width, decoder.padding(i * width), length);
            }
            boolean goesOn = searches.stream().anyMatch(search -> search.improvable)
                    && !(options.beams().earlyStopping() == EarlyStopping.AS_MANY_AS_BEAMS
                            && searches.stream().allMatch(search -> search.finished.stream().allMatch(Finished::ended)))
                    && searches.stream().anyMatch(search -> search.anyOpen);
            if (!goesOn || length == room) {
                break;
            }
            decoder.reorder(IntStream.range(0, searches.size())
                    .flatMap(i -> IntStream.of(searches.get(i).parents).map(parent -> i * width + parent)).toArray());
            scores = decoder.next(searches.stream().flatMap(search -> search.running.stream())
                    .mapToInt(beam -> beam.history().at(beam.history().length() - 1)).toArray());
        }
        return searches.stream().map(search -> search.finished.subList(0, options.beams().returned())).toList();
    }

    /// One more token on each beam of one prompt.
    private void extend(Search search, float[][] scores, int firstRow, int padding, int length) {
        int kept = Math.max(2, 1 + options.ends().ids().size()) * width;
        List<Candidate> candidates = candidates(search, scores, firstRow, padding, kept);
        var ends = candidates.stream().map(one -> length == room || options.ends().ids().contains(one.id())).toList();
        search.anyOpen = ends.stream().anyMatch(end -> !end);

        // Those that go on: the best that do not end.
        var order = new ArrayList<>(IntStream.range(0, candidates.size()).boxed().toList());
        order.sort(Comparator.comparingDouble(i -> -(candidates.get(i).sum() + (ends.get(i) ? OUT : 0))));
        var running = new ArrayList<Beam>();
        search.parents = new int[width];
        for (int beam = 0; beam < width; beam++) {
            int index = order.get(beam);
            Candidate one = candidates.get(index);
            search.parents[beam] = one.beam();
            running.add(new Beam(longer(search, one), one.sum() + (ends.get(index) ? OUT : 0)));
        }

        // Those that end now join the finished ones, if they are among the best; the best of all stay.
        boolean closed = options.beams().earlyStopping() == EarlyStopping.AS_MANY_AS_BEAMS
                && search.finished.stream().allMatch(Finished::ended) || !search.improvable;
        var merged = new ArrayList<>(search.finished);
        for (int index = 0; index < candidates.size(); index++) {
            boolean enters = ends.get(index) && index < width;
            double score = candidates.get(index).sum() / Math.pow(length, options.beams().lengthPenalty());
            if (enters && !closed) {
                merged.add(new Finished(longer(search, candidates.get(index)), score, true));
            }
        }
        merged.sort(Comparator.comparingDouble(text -> -text.score()));
        search.finished = new ArrayList<>(merged.subList(0, width));
        search.running = running;
        search.improvable = search.improvable && improvable(search, length);
    }

    private static TokenHistory longer(Search search, Candidate one) {
        TokenHistory history = search.running.get(one.beam()).history().copy();
        history.add(one.id());
        return history;
    }

    /// The best continuations over all beams of a prompt, best first.
    private List<Candidate> candidates(Search search, float[][] scores, int firstRow, int padding, int kept) {
        List<ScoreStep> steps = options.steps(padding);
        var best = new java.util.PriorityQueue<Candidate>(Comparator.comparingDouble(Candidate::sum));
        for (int beam = 0; beam < width; beam++) {
            float[] logs = logSoftmax(scores[firstRow + beam]);
            TokenHistory history = search.running.get(beam).history();
            steps.forEach(step -> step.apply(history, logs));
            double before = search.running.get(beam).sum();
            for (int id = 0; id < logs.length; id++) {
                double sum = before + logs[id];
                if (best.size() < kept || sum > best.peek().sum()) {
                    best.add(new Candidate(beam, id, sum));
                    if (best.size() > kept) {
                        best.remove();
                    }
                }
            }
        }
        var sorted = new ArrayList<>(best);
        sorted.sort(Comparator.comparingDouble(one -> -one.sum()));
        return sorted;
    }

    private static float[] logSoftmax(float[] scores) {
        double highest = Double.NEGATIVE_INFINITY;
        for (float score : scores) {
            highest = Math.max(highest, score);
        }
        double sum = 0;
        for (float score : scores) {
            sum += Math.exp(score - highest);
        }
        double all = highest + Math.log(sum);
        var logs = new float[scores.length];
        for (int id = 0; id < logs.length; id++) {
            logs[id] = (float) (scores[id] - all);
        }
        return logs;
    }

    /// Whether the best running beam may still beat the worst finished text.
    private boolean improvable(Search search, int length) {
        double penalty = options.beams().lengthPenalty();
        boolean never = options.beams().earlyStopping() == EarlyStopping.NEVER;
        double possible = search.running.getFirst().sum() / Math.pow(never && penalty > 0 ? room : length, penalty);
        double worst = search.finished.stream().mapToDouble(Finished::score).min().orElse(OUT);
        return search.finished.stream().anyMatch(text -> possible > (text.ended() ? worst : OUT));
    }
}
