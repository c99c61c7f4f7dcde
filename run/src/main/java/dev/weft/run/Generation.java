package dev.weft.run;

import dev.weft.checkpoint.Json;
import dev.weft.checkpoint.ModelFolder;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.function.Predicate;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/// How text is generated. Names and meanings are those of `generation_config.json`, and so are the defaults: greedy,
/// 20 new ids.
///
/// ```java
/// Generation.sampled(7).withTemperature(0.8).withTopP(0.95).withMaxNewTokens(200)
/// ```
/// @param numReturnSequences texts for each prompt: samples, or the best of the beams
public record Generation(Limits limits, Sampling sampling, Penalties penalties, Words words, Forced forced,
        Beams beams, int numReturnSequences) {
    /// A length, counted from one of two places.
    public sealed interface Bound {
        /// Counted without the prompt.
        record NewTokens(int count) implements Bound {}

        /// Counted with the prompt and its padding.
        record Total(int length) implements Bound {}

        /// The same without the prompt.
        default int newTokens(int promptLength) {
            return switch (this) {
                case NewTokens(int count) -> count;
                case Total(int length) -> length - promptLength;
            };
        }
    }

    /// Where a text ends.
    ///
    /// @param longest     at the latest here
    /// @param shortest    no end id before
    /// @param endIds      each of these ends a text
    /// @param padId       what follows in a batch where other rows go on
    /// @param stopStrings each of these ends a text, and is not part of it
    /// @param decay       how the end comes nearer
    public record Limits(Bound longest, Bound shortest, List<Integer> endIds, int padId, List<String> stopStrings,
            Decay decay) {
        public Limits {
            endIds = List.copyOf(endIds);
            stopStrings = List.copyOf(stopStrings);
            require(longest.newTokens(0) > 0, "max_new_tokens or max_length must be above 0, found %s", longest);
            require(shortest.newTokens(0) >= 0, "min_new_tokens or min_length must not be negative, found %s",
                    shortest);
            require(stopStrings.stream().noneMatch(String::isEmpty), "a stop string must not be empty, found %s",
                    stopStrings);
        }
    }

    /// What is made less likely, or impossible.
    ///
    /// @param repetitionPenalty        above 1, ids that stand there already become less likely
    /// @param encoderRepetitionPenalty above 1, ids of the encoded text, or of the prompt, become likelier
    /// @param presencePenalty          taken from the score of an id that was generated already
    /// @param frequencyPenalty         taken from it as often as it was generated
    /// @param noRepeatNgramSize        no sequence of so many ids twice; 0 allows all
    /// @param encoderNoRepeatNgramSize none of so many ids that stands in the encoded text, or in the prompt; 0 allows all
    public record Penalties(double repetitionPenalty, double encoderRepetitionPenalty, double presencePenalty,
            double frequencyPenalty, int noRepeatNgramSize, int encoderNoRepeatNgramSize) {
        public Penalties {
            require(repetitionPenalty > 0, "repetition_penalty must be above 0, found %s", repetitionPenalty);
            require(encoderRepetitionPenalty > 0, "encoder_repetition_penalty must be above 0, found %s",
                    encoderRepetitionPenalty);
            require(noRepeatNgramSize >= 0, "no_repeat_ngram_size must not be negative, found %s", noRepeatNgramSize);
            require(encoderNoRepeatNgramSize >= 0, "encoder_no_repeat_ngram_size must not be negative, found %s",
                    encoderNoRepeatNgramSize);
        }
    }

    /// Words and ids that are wanted or not.
    ///
    /// @param badWordsIds         never these sequences
    /// @param suppressTokens      never these ids
    /// @param beginSuppressTokens not these first
    /// @param sequenceBias        added to the score of what would complete a sequence
    public record Words(List<List<Integer>> badWordsIds, List<Integer> suppressTokens,
            List<Integer> beginSuppressTokens, List<Bias> sequenceBias) {
        public Words {
            badWordsIds = badWordsIds.stream().map(List::copyOf).toList();
            suppressTokens = List.copyOf(suppressTokens);
            beginSuppressTokens = List.copyOf(beginSuppressTokens);
            sequenceBias = List.copyOf(sequenceBias);
            require(badWordsIds.stream().noneMatch(List::isEmpty),
                    "bad_words_ids must not hold an empty word, found %s", badWordsIds);
        }
    }

    /// What is added to the score of a sequence's last id where all before it stands there.
    public record Bias(List<Integer> ids, double bias) {
        public Bias {
            ids = List.copyOf(ids);
            require(!ids.isEmpty(), "sequence_bias must not hold an empty sequence, found %s", ids);
        }
    }

    /// From `start` generated ids on, end ids become likelier by `factor` with each more; a factor of 1 changes nothing.
    public record Decay(int start, double factor) {}

    /// Ids that nobody chooses.
    ///
    /// @param decoderStart what an encoder-decoder's answers begin with, before the first that is generated
    /// @param first        generated first, where there is one id before it: often the language to translate to
    /// @param last         one of these is generated last where there is no room for more; empty forces none
    public record Forced(OptionalInt decoderStart, OptionalInt first, List<Integer> last) {
        public Forced {
            last = List.copyOf(last);
        }
    }

    /// Beam search: so many unfinished texts are carried on at once.
    ///
    /// @param numBeams      1 means none
    /// @param lengthPenalty a text's log probability is divided by its length to this power; the prompt does not count
    public record Beams(int numBeams, double lengthPenalty, EarlyStopping earlyStopping) {
        public Beams {
            require(numBeams > 0, "num_beams must be above 0, found %s", numBeams);
        }
    }

    /// When beam search ends, once there are as many finished texts as beams.
    public enum EarlyStopping {
        /// At once.
        TRUE,
        /// When the best unfinished text, as long as it is now, scores no better than the worst finished one.
        FALSE,
        /// When no unfinished text can get better than the worst finished one at any length.
        NEVER
    }

    private static final JsonMapper MAPPER = new JsonMapper();

    private static final Generation DEFAULTS = new Generation(
            new Limits(new Bound.NewTokens(20), new Bound.NewTokens(0), List.of(), 0, List.of(), new Decay(0, 1)),
            Sampling.greedy(), new Penalties(1, 1, 0, 0, 0, 0),
            new Words(List.of(), List.of(), List.of(), List.of()),
            new Forced(OptionalInt.empty(), OptionalInt.empty(), List.of()), new Beams(1, 1, EarlyStopping.FALSE), 1);

    private static final String DECAY = "exponential_decay_length_penalty";

    /// Settings that change the text and that Weft does not know yet, each with the test of whether it is in use.
    private static final Map<String, Predicate<JsonNode>> UNKNOWN = Map.ofEntries(
            Map.entry("top_h", value -> true),
            Map.entry("penalty_alpha", value -> value.asDouble(0) != 0),
            Map.entry("num_beam_groups", value -> value.asInt(1) != 1),
            Map.entry("guidance_scale", value -> value.asDouble(1) != 1),
            Map.entry("watermarking_config", value -> true));

    public Generation {
        require(numReturnSequences > 0, "num_return_sequences must be above 0, found %s", numReturnSequences);
    }

    /// Always the best id.
    public static Generation greedy() {
        return DEFAULTS;
    }

    /// Drawn among the 50 best; the same seed gives the same text.
    public static Generation sampled(long seed) {
        return DEFAULTS.withDoSample(true).withSeed(seed);
    }

    /// The settings of a model folder.
    public static Generation of(ModelFolder folder) {
        return folder.generationConfig().map(generation -> fromJson(generation, folder.config()))
                .orElseGet(() -> DEFAULTS.with(folder.config()));
    }

    /// What `generation_config.json` says; the ids it lacks come from `config.json`.
    public static Generation fromJson(Json generation, Json config) {
        return DEFAULTS.withIds(config).with(generation);
    }

    /// These settings with what `json` says in the words of `generation_config.json`; the rest stays. Where both are
    /// given, `max_new_tokens` counts and not `max_length`, likewise `min_new_tokens`.
    ///
    /// @throws IllegalArgumentException for a wrong value, or a setting that would change the text and is not known
    public Generation with(Json json) {
        for (var unknown : UNKNOWN.entrySet()) {
            if (json.has(unknown.getKey()) && unknown.getValue().test(json.node().get(unknown.getKey()))) {
                throw json.mustBe(unknown.getKey(), "left out, as Weft does not know it");
            }
        }
        Generation told = withIds(json);
        Bound longest = bound(json, "max_new_tokens", "max_length", limits.longest());
        Bound shortest = bound(json, "min_new_tokens", "min_length", limits.shortest());
        List<String> stops = json.has("stop_strings") ? json.texts("stop_strings") : limits.stopStrings();
        return new Generation(
                new Limits(longest, shortest, told.limits.endIds(), told.limits.padId(), stops,
                        json.has(DECAY) ? decay(json) : limits.decay()),
                sampling.with(json),
                new Penalties(json.number("repetition_penalty", penalties.repetitionPenalty()),
                        json.number("encoder_repetition_penalty", penalties.encoderRepetitionPenalty()),
                        json.number("presence_penalty", penalties.presencePenalty()),
                        json.number("frequency_penalty", penalties.frequencyPenalty()),
                        json.integer("no_repeat_ngram_size", penalties.noRepeatNgramSize()),
                        json.integer("encoder_no_repeat_ngram_size", penalties.encoderNoRepeatNgramSize())),
                new Words(json.has("bad_words_ids") ? badWords(json) : words.badWordsIds(),
                        ids(json, "suppress_tokens", words.suppressTokens()),
                        ids(json, "begin_suppress_tokens", words.beginSuppressTokens()),
                        json.has("sequence_bias") ? biases(json) : words.sequenceBias()),
                told.forced, new Beams(json.positive("num_beams", beams.numBeams()),
                        json.number("length_penalty", beams.lengthPenalty()),
                        json.has("early_stopping") ? earlyStopping(json) : beams.earlyStopping()),
                json.positive("num_return_sequences", numReturnSequences));
    }

    /// Some files say −1 where there is no such id.
    private Generation withIds(Json json) {
        List<Integer> ends = ids(json, "eos_token_id", limits.endIds()).stream().filter(id -> id >= 0).toList();
        int pad = json.integer("pad_token_id", -1);
        boolean endsChanged = !ends.equals(limits.endIds());
        int padId = pad >= 0
                ? pad
                : endsChanged && !ends.isEmpty() && padFollowsEnd() ? ends.getFirst() : limits.padId();
        return new Generation(
                new Limits(limits.longest(), limits.shortest(), ends, padId, limits.stopStrings(), limits.decay()),
                sampling, penalties, words, new Forced(id(json, "decoder_start_token_id", forced.decoderStart()),
                        id(json, "forced_bos_token_id", forced.first()),
                        ids(json, "forced_eos_token_id", forced.last())),
                beams, numReturnSequences);
    }

    private static OptionalInt id(Json json, String name, OptionalInt otherwise) {
        return json.has(name) ? OptionalInt.of(json.integer(name)) : otherwise;
    }

    /// Whether nobody chose the pad id, so that it is the first end id.
    private boolean padFollowsEnd() {
        return limits.padId() == (limits.endIds().isEmpty() ? 0 : limits.endIds().getFirst());
    }

    private static Bound bound(Json json, String newTokens, String total, Bound otherwise) {
        return json.has(newTokens)
                ? new Bound.NewTokens(json.integer(newTokens))
                : json.has(total) ? new Bound.Total(json.integer(total)) : otherwise;
    }

    private static List<Integer> ids(Json json, String name, List<Integer> otherwise) {
        return json.has(name) ? json.integers(name) : otherwise;
    }

    private static List<List<Integer>> badWords(Json json) {
        return json.node().get("bad_words_ids").valueStream().map(word -> word(json, "bad_words_ids", word)).toList();
    }

    private static List<Integer> word(Json json, String name, JsonNode word) {
        if (!word.isArray() || !word.valueStream().allMatch(JsonNode::isInt)) {
            throw json.mustBe(name, "a list of lists of ids");
        }
        return word.valueStream().map(JsonNode::intValue).toList();
    }

    private static List<Bias> biases(Json json) {
        String form = "a list of pairs, each a list of ids and a number";
        return json.node().get("sequence_bias").valueStream().map(pair -> {
            if (!pair.isArray() || pair.size() != 2 || !pair.get(1).isNumber()) {
                throw json.mustBe("sequence_bias", form);
            }
            return new Bias(word(json, "sequence_bias", pair.get(0)), pair.get(1).doubleValue());
        }).toList();
    }

    private static Decay decay(Json json) {
        List<Double> pair = json.numbers(DECAY);
        if (pair.size() != 2) {
            throw json.mustBe(DECAY, "a start and a factor");
        }
        return new Decay(pair.get(0).intValue(), pair.get(1));
    }

    private static EarlyStopping earlyStopping(Json json) {
        JsonNode value = json.node().get("early_stopping");
        if (value.isBoolean()) {
            return value.booleanValue() ? EarlyStopping.TRUE : EarlyStopping.FALSE;
        }
        if (value.isString() && value.stringValue().equals("never")) {
            return EarlyStopping.NEVER;
        }
        throw json.mustBe("early_stopping", "true, false or \"never\"");
    }

    /// Whether chance plays a part.
    public boolean samples() {
        return sampling.draws();
    }

    private Generation with(String setting, Object value) {
        ObjectNode node = Json.object();
        node.set(setting, MAPPER.valueToTree(value));
        return with(Json.of("settings", node));
    }

    public Generation withMaxNewTokens(int count) {
        return with("max_new_tokens", count);
    }

    /// With the prompt.
    public Generation withMaxLength(int length) {
        return with("max_length", length);
    }

    public Generation withMinNewTokens(int count) {
        return with("min_new_tokens", count);
    }

    /// With the prompt.
    public Generation withMinLength(int length) {
        return with("min_length", length);
    }

    public Generation withEndIds(List<Integer> ids) {
        return new Generation(new Limits(limits.longest(), limits.shortest(), ids, limits.padId(),
                limits.stopStrings(), limits.decay()), sampling, penalties, words, forced, beams, numReturnSequences);
    }

    public Generation withPadId(int id) {
        return new Generation(new Limits(limits.longest(), limits.shortest(), limits.endIds(), id,
                limits.stopStrings(), limits.decay()), sampling, penalties, words, forced, beams, numReturnSequences);
    }

    public Generation withStopStrings(List<String> strings) {
        return with("stop_strings", strings);
    }

    /// From `start` generated ids on, end ids become likelier by `factor` with each more.
    public Generation withLengthDecay(int start, double factor) {
        return with(DECAY, List.of(start, factor));
    }

    /// All that is said of sampling, in place of what was said before.
    public Generation withSampling(Sampling sampling) {
        return new Generation(limits, sampling, penalties, words, forced, beams, numReturnSequences);
    }

    public Generation withDoSample(boolean doSample) {
        return with("do_sample", doSample);
    }

    public Generation withTemperature(double temperature) {
        return with("temperature", temperature);
    }

    public Generation withTopK(int k) {
        return with("top_k", k);
    }

    public Generation withTopP(double p) {
        return with("top_p", p);
    }

    public Generation withMinP(double share) {
        return with("min_p", share);
    }

    public Generation withTypicalP(double p) {
        return with("typical_p", p);
    }

    public Generation withEpsilonCutoff(double epsilon) {
        return with("epsilon_cutoff", epsilon);
    }

    public Generation withEtaCutoff(double eta) {
        return with("eta_cutoff", eta);
    }

    public Generation withSeed(long seed) {
        return with("seed", seed);
    }

    public Generation withRepetitionPenalty(double penalty) {
        return with("repetition_penalty", penalty);
    }

    public Generation withPresencePenalty(double penalty) {
        return with("presence_penalty", penalty);
    }

    public Generation withFrequencyPenalty(double penalty) {
        return with("frequency_penalty", penalty);
    }

    public Generation withNoRepeatNgramSize(int size) {
        return with("no_repeat_ngram_size", size);
    }

    public Generation withBadWordsIds(List<List<Integer>> badWords) {
        return with("bad_words_ids", badWords);
    }

    public Generation withSuppressTokens(List<Integer> ids) {
        return with("suppress_tokens", ids);
    }

    /// Adds to the score of what would complete a sequence; see [Bias].
    public Generation withSequenceBias(List<Bias> biases) {
        return with("sequence_bias", biases.stream().map(each -> List.of(each.ids(), each.bias())).toList());
    }

    /// What an encoder-decoder's answers begin with.
    public Generation withDecoderStartId(int id) {
        return with("decoder_start_token_id", id);
    }

    /// Generated first: the language to translate to.
    public Generation withForcedFirstId(int id) {
        return with("forced_bos_token_id", id);
    }

    public Generation withNumBeams(int count) {
        return with("num_beams", count);
    }

    public Generation withLengthPenalty(double power) {
        return with("length_penalty", power);
    }

    public Generation withEarlyStopping(EarlyStopping when) {
        return with("early_stopping", switch (when) {
            case TRUE -> true;
            case FALSE -> false;
            case NEVER -> "never";
        });
    }

    public Generation withNumReturnSequences(int count) {
        return with("num_return_sequences", count);
    }

    static void require(boolean holds, String message, Object found) {
        if (!holds) {
            throw new IllegalArgumentException(message.formatted(found));
        }
    }
}
