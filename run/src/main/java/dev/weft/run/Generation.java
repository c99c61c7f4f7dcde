package dev.weft.run;

import dev.weft.checkpoint.Json;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/// How a text is continued; the names and meanings are those of the reference's `generation_config.json`.
///
/// Start from [#greedy], [#sampled] or [#fromJson], and change what you need.
///
/// @param limits   how long
/// @param sampling how the next id is drawn
/// @param rules    what is penalised or forbidden
/// @param beams    beam search, or [Beams#NONE]
/// @param ends     what ends a text
/// @param own      steps of your own, run after all others
public record Generation(Limits limits, Sampling sampling, Rules rules, Beams beams, Ends ends, List<ScoreStep> own) {
    /// @param maxNewTokens ids generated at most
    /// @param maxLength    ids in all at most, prompt and padding included; 0 for no such limit
    public record Limits(int maxNewTokens, int maxLength, int minNewTokens, int minLength) {}

    /// @param on   whether ids are drawn; else the best is taken
    /// @param topK 0 for all
    /// @param topP 1 for all
    /// @param minP 0 for all
    public record Sampling(boolean on, double temperature, int topK, double topP, double minP, long seed) {
        public Sampling {
            if (!(temperature > 0)) {
                throw new IllegalArgumentException(
                        "temperature must be above 0, found %s; for the best id always, sample not at all"
                                .formatted(temperature));
            }
            if (topK < 0 || !(topP > 0 && topP <= 1) || !(minP >= 0 && minP <= 1)) {
                throw new IllegalArgumentException(
                        "top-k must be 0 or more, top-p above 0 and at most 1, min-p from 0 to 1; found %d, %s, %s"
                                .formatted(topK, topP, minP));
            }
        }
    }

    /// @param repetitionPenalty 1 for none
    /// @param noRepeatNgramSize 0 for none
    public record Rules(double repetitionPenalty, int noRepeatNgramSize, Set<Integer> suppressed) {
        public Rules {
            if (!(repetitionPenalty > 0)) {
                throw new IllegalArgumentException("repetition penalty must be above 0, found " + repetitionPenalty);
            }
        }
    }

    /// When beam search is content.
    public enum EarlyStopping {
        /// As soon as there are as many finished texts as beams.
        AS_MANY_AS_BEAMS,
        /// When the best running beam, as long as it is now, is no better than the worst finished text.
        HEURISTIC,
        /// When no running beam can become better.
        NEVER
    }

    /// @param count    1 for none
    /// @param returned how many of the best texts are given
    public record Beams(int count, int returned, double lengthPenalty, EarlyStopping earlyStopping) {
        public static final Beams NONE = new Beams(1, 1, 1, EarlyStopping.HEURISTIC);

        public Beams {
            if (count < 1 || returned < 1 || count > 1 && returned > count) {
                throw new IllegalArgumentException("num_return_sequences (%d) must not exceed num_beams (%d)"
                        .formatted(returned, count));
            }
        }
    }

    /// @param ids     end ids
    /// @param padId   what rows that have ended are filled with
    /// @param strings texts that end the answer and are not part of it
    public record Ends(Set<Integer> ids, int padId, List<String> strings) {}

    /// The best id every time.
    public static Generation greedy(int maxNewTokens) {
        return new Generation(new Limits(maxNewTokens, 0, 0, 0), new Sampling(false, 1, 0, 1, 0, 0),
                new Rules(1, 0, Set.of()), Beams.NONE, new Ends(Set.of(), 0, List.of()), List.of());
    }

    /// Drawn from the model's probabilities.
    public static Generation sampled(int maxNewTokens, long seed) {
        return greedy(maxNewTokens).withSampling(new Sampling(true, 1, 0, 1, 0, seed));
    }

    /// The defaults of a folder; ids that `generation_config.json` lacks come from `config.json`.
    public static Generation fromJson(Json generation, Json config) {
        Set<Integer> ends = new LinkedHashSet<>(ids(generation, config, "eos_token_id"));
        List<Integer> pads = ids(generation, config, "pad_token_id");
        int pad = !pads.isEmpty() ? pads.getFirst() : ends.isEmpty() ? 0 : ends.iterator().next();
        return greedy(20).withEnds(new Ends(ends, pad, List.of())).with(generation);
    }

    private static List<Integer> ids(Json generation, Json config, String name) {
        return generation.has(name) ? generation.integers(name) : config.has(name) ? config.integers(name) : List.of();
    }

    /// These options with those of `json` in their place, named as the reference names them.
    public Generation with(Json json) {
        var settled = new Limits(
                json.integer("max_new_tokens", json.has("max_length") ? Integer.MAX_VALUE : limits.maxNewTokens()),
                json.has("max_new_tokens") ? 0 : json.integer("max_length", limits.maxLength()),
                json.integer("min_new_tokens", limits.minNewTokens()), json.integer("min_length", limits.minLength()));
        boolean on = json.flag("do_sample", sampling.on());
        var drawn = new Sampling(on, json.number("temperature", sampling.temperature()),
                json.integer("top_k", sampling.topK()), json.number("top_p", sampling.topP()),
                json.number("min_p", sampling.minP()), sampling.seed());
        var ruled = new Rules(json.number("repetition_penalty", rules.repetitionPenalty()),
                json.integer("no_repeat_ngram_size", rules.noRepeatNgramSize()),
                json.has("suppress_tokens") ? Set.copyOf(json.integers("suppress_tokens")) : rules.suppressed());
        int count = json.positive("num_beams", beams.count());
        var searched = new Beams(count, json.positive("num_return_sequences", beams.returned()),
                json.number("length_penalty", beams.lengthPenalty()), early(json));
        return new Generation(settled, drawn, ruled, searched, ends, own);
    }

    private EarlyStopping early(Json json) {
        if (!json.has("early_stopping")) {
            return beams.earlyStopping();
        }
        return json.node().get("early_stopping").isString()
                ? EarlyStopping.NEVER
                : json.flag("early_stopping") ? EarlyStopping.AS_MANY_AS_BEAMS : EarlyStopping.HEURISTIC;
    }

    public Generation withLimits(Limits changed) {
        return new Generation(changed, sampling, rules, beams, ends, own);
    }

    public Generation withMaxNewTokens(int count) {
        return withLimits(new Limits(count, 0, limits.minNewTokens(), limits.minLength()));
    }

    public Generation withSampling(Sampling changed) {
        return new Generation(limits, changed, rules, beams, ends, own);
    }

    public Generation withRules(Rules changed) {
        return new Generation(limits, sampling, changed, beams, ends, own);
    }

    public Generation withBeams(Beams changed) {
        return new Generation(limits, sampling, rules, changed, ends, own);
    }

    public Generation withEnds(Ends changed) {
        return new Generation(limits, sampling, rules, beams, changed, own);
    }

    public Generation withStopStrings(List<String> strings) {
        return withEnds(new Ends(ends.ids(), ends.padId(), strings));
    }

    public Generation withStep(ScoreStep step) {
        var more = new ArrayList<>(own);
        more.add(step);
        return new Generation(limits, sampling, rules, beams, ends, List.copyOf(more));
    }

    /// How many ids a prompt of this length (with padding) may get.
    int room(int promptLength) {
        int byLength = limits.maxLength() == 0 ? Integer.MAX_VALUE : Math.max(0, limits.maxLength() - promptLength);
        return Math.min(limits.maxNewTokens(), byLength);
    }

    /// The steps that these options mean, in the reference's order.
    ///
    /// @param padding what was put before this row's prompt
    List<ScoreStep> steps(int padding) {
        var steps = new ArrayList<ScoreStep>();
        if (rules.repetitionPenalty() != 1) {
            steps.add(ScoreStep.repetitionPenalty(rules.repetitionPenalty()));
        }
        if (rules.noRepeatNgramSize() > 0) {
            steps.add(ScoreStep.noRepeatNgram(rules.noRepeatNgramSize()));
        }
        if (limits.minLength() > 0) {
            steps.add(ScoreStep.minLength(limits.minLength(), padding, ends.ids()));
        }
        if (limits.minNewTokens() > 0) {
            steps.add(ScoreStep.minNewTokens(limits.minNewTokens(), ends.ids()));
        }
        if (!rules.suppressed().isEmpty()) {
            steps.add(ScoreStep.suppress(rules.suppressed()));
        }
        if (sampling.on()) {
            if (sampling.temperature() != 1) {
                steps.add(ScoreStep.temperature(sampling.temperature()));
            }
            if (sampling.topK() > 0) {
                steps.add(ScoreStep.topK(sampling.topK()));
            }
            if (sampling.topP() < 1) {
                steps.add(ScoreStep.topP(sampling.topP()));
            }
            if (sampling.minP() > 0) {
                steps.add(ScoreStep.minP(sampling.minP()));
            }
        }
        steps.addAll(own);
        return steps;
    }
}
