package dev.weft.run;

import dev.weft.checkpoint.Json;
import dev.weft.checkpoint.ModelFolder;
import dev.weft.models.heads.PretrainedModel;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Predicate;
import java.util.stream.Stream;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.IntNode;
import tools.jackson.databind.node.ObjectNode;
import tools.jackson.databind.node.StringNode;

/// How text is generated. Names and meanings are those of `generation_config.json`, and so are the defaults: greedy,
/// 20 new ids.
///
/// ```java
/// Generation.sampled(7).withTemperature(0.8).withTopP(0.95).withMaxNewTokens(200)
/// ```
/// @param numReturnSequences texts for each prompt: samples, or the best of the beams
public record Generation(Limits limits, Sampling sampling, Penalties penalties, Words words, Forced forced,
        Beams beams, Scores scores, Assistance assistance, int numReturnSequences) {
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

    /// Which ids end a text.
    public sealed interface Ends {
        /// Nobody says: those of the model.
        record OfTheModel() implements Ends {}

        /// These. If there is none, a text ends by its length or a stop string alone.
        record Told(List<Integer> ids) implements Ends {
            public Told {
                ids = List.copyOf(ids);
            }
        }
    }

    /// Where a text ends.
    ///
    /// @param longest     at the latest here
    /// @param shortest    no end id before
    /// @param ends        which ids end a text
    /// @param padId       what follows in a batch where other rows go on
    /// @param stopStrings each of these ends a text, and is not part of it
    /// @param decay       how the end comes nearer
    public record Limits(Bound longest, Bound shortest, Ends ends, int padId, List<String> stopStrings, Decay decay) {
        public Limits {
            stopStrings = List.copyOf(stopStrings);
            require(longest.newTokens(0) > 0, "max_new_tokens or max_length must be above 0, found %s", longest);
            require(shortest.newTokens(0) >= 0, "min_new_tokens or min_length must not be negative, found %s",
                    shortest);
            require(stopStrings.stream().noneMatch(String::isEmpty),
                    "a stop string must not be empty, as every text has that in it; found %s; leave it out",
                    stopStrings.stream().map(each -> '"' + each + '"').toList());
        }

        /// Each of these ends a text; none where nobody says.
        public List<Integer> endIds() {
            return switch (ends) {
                case Ends.OfTheModel() -> List.of();
                case Ends.Told(List<Integer> ids) -> ids;
            };
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
    /// @param forceWordsIds       phrases that must appear, by beam search: of each entry one of the alternatives
    public record Words(List<List<Integer>> badWordsIds, List<Integer> suppressTokens,
            List<Integer> beginSuppressTokens, List<Bias> sequenceBias, List<List<List<Integer>>> forceWordsIds) {
        public Words {
            forceWordsIds = forceWordsIds.stream().map(each -> each.stream().map(List::copyOf).toList()).toList();
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
    public record Decay(int start, double factor) {
        public Decay {
            require(factor > 0, "the factor of exponential_decay_length_penalty must be above 0, found %s", factor);
        }
    }

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
    /// @param numBeams         1 means none
    /// @param lengthPenalty    a text's log probability is divided by its length to this power; the prompt does not count
    /// @param numBeamGroups    above 1, the beams search in so many groups, each away from those before it
    /// @param diversityPenalty taken from the score of an id as often as earlier groups chose it in the same step
    public record Beams(int numBeams, double lengthPenalty, EarlyStopping earlyStopping, int numBeamGroups,
            double diversityPenalty) {
        public Beams {
            require(numBeams > 0, "num_beams must be above 0, found %s", numBeams);
            require(numBeamGroups > 0, "num_beam_groups must be above 0, found %s", numBeamGroups);
            require(diversityPenalty >= 0, "diversity_penalty must not be negative, found %s", diversityPenalty);
        }
    }

    /// What is done with all scores.
    ///
    /// @param guidanceScale       above 1, what the prompt makes likelier becomes likelier still (Sanchez et al. 2023): how
    ///                            far the scores go from those without the prompt, but for its last id, to those with it
    /// @param renormalizeLogits   log probabilities after all other steps, which is to be seen in the scores of beams
    /// @param removeInvalidValues what is no number becomes 0, and what is infinite the largest or smallest number
    public record Scores(double guidanceScale, boolean renormalizeLogits, boolean removeInvalidValues) {}

    /// How ids are guessed that the model then only checks; see [Generator#withAssistant].
    ///
    /// @param numAssistantTokens  so many ids at the most, and never more than 48, are guessed by a smaller model in one go
    /// @param numAssistantTokensSchedule how that changes from go to go
    /// @param assistantConfidenceThreshold it guesses no more once it gave an id less probability than this
    /// @param promptLookupNumTokens so many are guessed without a model: what followed in the text on its last ids when they
    ///                            stood there before; 0 means that this is not done
    /// @param maxMatchingNgramSize so many last ids are looked for, and then fewer
    public record Assistance(int numAssistantTokens, Schedule numAssistantTokensSchedule,
            double assistantConfidenceThreshold, int promptLookupNumTokens, int maxMatchingNgramSize) {
        public Assistance {
            require(numAssistantTokens > 0, "num_assistant_tokens must be above 0, found %s", numAssistantTokens);
            require(assistantConfidenceThreshold >= 0 && assistantConfidenceThreshold <= 1,
                    "assistant_confidence_threshold must lie between 0 and 1, found %s", assistantConfidenceThreshold);
            require(promptLookupNumTokens >= 0, "prompt_lookup_num_tokens must not be negative, found %s",
                    promptLookupNumTokens);
            require(maxMatchingNgramSize > 0, "max_matching_ngram_size must be above 0, found %s",
                    maxMatchingNgramSize);
        }
    }

    /// How many ids an assistant guesses.
    public enum Schedule {
        /// As many each time.
        CONSTANT,
        /// Two more after all were right, else one less.
        HEURISTIC
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
            new Limits(new Bound.NewTokens(20), new Bound.NewTokens(0), new Ends.OfTheModel(), 0, List.of(),
                    new Decay(0, 1)),
            Sampling.greedy(), new Penalties(1, 1, 0, 0, 0, 0),
            new Words(List.of(), List.of(), List.of(), List.of(), List.of()),
            new Forced(OptionalInt.empty(), OptionalInt.empty(), List.of()),
            new Beams(1, 1, EarlyStopping.FALSE, 1, 0), new Scores(1, false, false),
            new Assistance(20, Schedule.CONSTANT, 0.4, 0, 2), 1);

    private static final String NO_ID = "an id, or -1 for none";
    /// Settings that may say that there is no such id.
    private static final Set<String> MAY_BE_NONE = Set.of("eos_token_id", "pad_token_id", "decoder_start_token_id",
            "forced_bos_token_id", "forced_eos_token_id");
    private static final String DECAY = "exponential_decay_length_penalty";

    /// Settings that change the text and that Weft does not know yet, each with the test of whether it is in use.
    private static final Map<String, Predicate<JsonNode>> UNKNOWN = Map.ofEntries(
            Map.entry("dola_layers", value -> true), Map.entry("constraints", value -> true),
            Map.entry("watermarking_config", value -> true));

    private static final Set<String> SETTINGS = Set.of("max_new_tokens", "max_length", "min_new_tokens", "min_length",
            "eos_token_id", "pad_token_id", "stop_strings", DECAY, "do_sample", "temperature", "top_k", "top_p",
            "min_p",
            "typical_p", "epsilon_cutoff", "eta_cutoff", "top_h", "penalty_alpha", "seed", "repetition_penalty",
            "encoder_repetition_penalty", "presence_penalty", "frequency_penalty", "no_repeat_ngram_size",
            "encoder_no_repeat_ngram_size", "bad_words_ids", "suppress_tokens", "begin_suppress_tokens",
            "sequence_bias", "force_words_ids", "decoder_start_token_id", "forced_bos_token_id",
            "forced_eos_token_id", "num_beams", "length_penalty", "early_stopping", "num_beam_groups",
            "diversity_penalty", "guidance_scale", "renormalize_logits", "remove_invalid_values",
            "num_assistant_tokens", "num_assistant_tokens_schedule", "assistant_confidence_threshold",
            "prompt_lookup_num_tokens", "max_matching_ngram_size", "num_return_sequences");

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

    /// What the folder says that a model was opened from.
    public static Generation of(PretrainedModel model) {
        Json generation = model.context().generation();
        Json config = model.context().config();
        return generation == null ? DEFAULTS.with(config) : fromJson(generation, config);
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
                new Limits(longest, shortest, told.limits.ends(), told.limits.padId(), stops,
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
                        json.has("sequence_bias") ? biases(json) : words.sequenceBias(),
                        json.has("force_words_ids") ? forceWords(json) : words.forceWordsIds()),
                told.forced, new Beams(json.positive("num_beams", beams.numBeams()),
                        json.number("length_penalty", beams.lengthPenalty()),
                        json.has("early_stopping") ? earlyStopping(json) : beams.earlyStopping(),
                        json.positive("num_beam_groups", beams.numBeamGroups()),
                        json.number("diversity_penalty", beams.diversityPenalty())),
                new Scores(json.number("guidance_scale", scores.guidanceScale()),
                        json.flag("renormalize_logits", scores.renormalizeLogits()),
                        json.flag("remove_invalid_values", scores.removeInvalidValues())),
                new Assistance(json.positive("num_assistant_tokens", assistance.numAssistantTokens()),
                        json.has("num_assistant_tokens_schedule")
                                ? schedule(json)
                                : assistance.numAssistantTokensSchedule(),
                        json.number("assistant_confidence_threshold", assistance.assistantConfidenceThreshold()),
                        json.integer("prompt_lookup_num_tokens", assistance.promptLookupNumTokens()),
                        json.positive("max_matching_ngram_size", assistance.maxMatchingNgramSize())),
                json.positive("num_return_sequences", numReturnSequences));
    }

    /// −1 stands for no such id.
    private Generation withIds(Json json) {
        Ends ends = json.has("eos_token_id") ? new Ends.Told(some(json, "eos_token_id", List.of())) : limits.ends();
        int pad = json.integer("pad_token_id", -1);
        boolean newEnds = !ends.equals(limits.ends());
        int padId = pad >= 0
                ? pad
                : newEnds && ends instanceof Ends.Told(var ids) && !ids.isEmpty() && padFollowsEnd()
                        ? ids.getFirst()
                        : limits.padId();
        return new Generation(
                new Limits(limits.longest(), limits.shortest(), ends, padId, limits.stopStrings(), limits.decay()),
                sampling, penalties, words, new Forced(id(json, "decoder_start_token_id", forced.decoderStart()),
                        id(json, "forced_bos_token_id", forced.first()),
                        some(json, "forced_eos_token_id", forced.last())),
                beams, scores, assistance, numReturnSequences);
    }

    private static OptionalInt id(Json json, String name, OptionalInt otherwise) {
        if (!json.has(name)) {
            return otherwise;
        }
        int id = json.integer(name);
        if (id < -1) {
            throw json.mustBe(name, NO_ID);
        }
        return id < 0 ? OptionalInt.empty() : OptionalInt.of(id);
    }

    /// Ids, of which there may be none.
    private static List<Integer> some(Json json, String name, List<Integer> otherwise) {
        List<Integer> ids = ids(json, name, otherwise);
        if (ids.stream().anyMatch(id -> id < -1)) {
            throw json.mustBe(name, NO_ID);
        }
        return ids.stream().filter(id -> id >= 0).toList();
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

    /// Each entry is a phrase, or a list of phrases of which one will do.
    private static List<List<List<Integer>>> forceWords(Json json) {
        String name = "force_words_ids";
        return json.node().get(name).valueStream().map(entry -> {
            boolean several = entry.isArray() && !entry.isEmpty() && entry.get(0).isArray();
            return several
                    ? entry.valueStream().map(phrase -> word(json, name, phrase)).toList()
                    : List.of(word(json, name, entry));
        }).toList();
    }

    private static Schedule schedule(Json json) {
        return switch (json.text("num_assistant_tokens_schedule")) {
            case "constant" -> Schedule.CONSTANT;
            // The other name keeps what was learnt for the next text, and here each begins anew.
            case "heuristic", "heuristic_transient" -> Schedule.HEURISTIC;
            default -> throw json.mustBe("num_assistant_tokens_schedule", "constant or heuristic");
        };
    }

    private static Decay decay(Json json) {
        List<Double> pair = json.numbers(DECAY);
        if (pair.size() != 2 || pair.get(0) % 1 != 0) {
            throw json.mustBe(DECAY, "a start, which is a whole number, and a factor");
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

    /// Refuses settings that contradict each other. Not the constructor does it, since they are set one after the other.
    ///
    /// @param assisted whether a smaller model guesses
    void requireConsistent(boolean assisted) {
        int groups = beams.numBeamGroups();
        boolean forces = !words.forceWordsIds().isEmpty();
        int k = sampling.topK();
        String guess = assisted
                ? "an assistant"
                : assistance.promptLookupNumTokens() > 0 ? "prompt_lookup_num_tokens" : null;
        if (numReturnSequences > beams.numBeams() && beams.numBeams() > 1) {
            throw contradiction("num_return_sequences (%d) must not be above num_beams (%d)", numReturnSequences,
                    beams.numBeams());
        }
        if (numReturnSequences > 1 && beams.numBeams() == 1 && !samples()) {
            throw contradiction(
                    "num_return_sequences is %d, but greedy passes gives one text; sample, or use num_beams",
                    numReturnSequences);
        }
        if (beams.numBeams() % groups != 0) {
            throw contradiction("num_beams (%d) must be a multiple of num_beam_groups (%d)", beams.numBeams(), groups);
        }
        if (groups > 1 && beams.diversityPenalty() == 0) {
            throw contradiction("num_beam_groups is %d and diversity_penalty 0, so that all groups would find the same;"
                    + " raise diversity_penalty, or use one group", groups);
        }
        if (groups == 1 && beams.diversityPenalty() > 0) {
            throw contradiction("diversity_penalty is %s, which needs num_beam_groups above 1",
                    beams.diversityPenalty());
        }
        if (forces && beams.numBeams() == 1) {
            throw contradiction("force_words_ids needs beam search; set num_beams above 1, found 1");
        }
        if (forces && groups > 1) {
            throw contradiction("force_words_ids does not go together with num_beam_groups (%d); set one of them",
                    groups);
        }
        if (samples() && (forces || groups > 1)) {
            throw contradiction("%s chooses the best and does not go together with do_sample; set do_sample to false",
                    forces ? "force_words_ids" : "num_beam_groups");
        }
        if (sampling.penaltyAlpha() > 0) {
            if (beams.numBeams() > 1 || samples()) {
                throw contradiction(
                        "penalty_alpha (%s) asks for contrastive search, which does not go together with %s; set one of them",
                        sampling.penaltyAlpha(),
                        samples() ? "do_sample" : "num_beams (%d)".formatted(beams.numBeams()));
            }
            if (k < 2) {
                throw contradiction("penalty_alpha (%s) needs a top_k of 2 or more to choose from, found %d",
                        sampling.penaltyAlpha(), k);
            }
        }
        if (guess != null) {
            Stream.of(beams.numBeams() > 1 ? "num_beams (%d)".formatted(beams.numBeams()) : "",
                    sampling.penaltyAlpha() > 0 ? "penalty_alpha (%s)".formatted(sampling.penaltyAlpha()) : "",
                    scores.guidanceScale() != 1 ? "guidance_scale (%s)".formatted(scores.guidanceScale()) : "",
                    numReturnSequences > 1 ? "num_return_sequences (%d)".formatted(numReturnSequences) : "")
                    .filter(other -> !other.isEmpty()).findFirst().ifPresent(other -> {
                        throw contradiction(
                                "%s guesses ids of one text and does not go together with %s; leave one of them out",
                                guess, other);
                    });
        }
    }

    private static IllegalArgumentException contradiction(String message, Object... found) {
        return new IllegalArgumentException(message.formatted(found));
    }

    /// All that name ids of the vocabulary, by the setting that does.
    Map<String, List<Integer>> ids() {
        var ids = new LinkedHashMap<String, List<Integer>>();
        ids.put("eos_token_id", limits.endIds());
        ids.put("pad_token_id", List.of(limits.padId()));
        ids.put("suppress_tokens", words.suppressTokens());
        ids.put("begin_suppress_tokens", words.beginSuppressTokens());
        ids.put("bad_words_ids", words.badWordsIds().stream().flatMap(List::stream).toList());
        ids.put("sequence_bias", words.sequenceBias().stream().flatMap(each -> each.ids().stream()).toList());
        ids.put("forced_bos_token_id", forced.first().stream().boxed().toList());
        ids.put("forced_eos_token_id", forced.last());
        return ids;
    }

    /// Whether chance plays a part.
    public boolean samples() {
        return sampling.draws();
    }

    /// These settings with one by its name in `generation_config.json`.
    ///
    /// @param value as it would stand there; what is no JSON is taken as text. Where an id may be missing, `none`, `null` and
    ///              -1 say so: without `eos_token_id` a text ends by its length or a stop string alone
    /// @throws IllegalArgumentException if there is no such setting, or the value is wrong
    public Generation with(String setting, String value) {
        if (!SETTINGS.contains(setting) && !UNKNOWN.containsKey(setting)) {
            throw new IllegalArgumentException(
                    "\"%s\" is no setting of generation; there are %s".formatted(setting,
                            String.join(", ", new TreeSet<>(SETTINGS))));
        }
        JsonNode read;
        try {
            read = MAPPER.readTree(value);
        } catch (JacksonException e) {
            read = StringNode.valueOf(value);
        }
        if (MAY_BE_NONE.contains(setting) && (read.isNull() || value.equals("none"))) {
            read = IntNode.valueOf(-1);
        }
        ObjectNode node = Json.object();
        node.set(setting, read);
        Json settings = Json.of("settings", node);
        if (!settings.has(setting)) {
            throw settings.mustBe(setting, "a value, or left out");
        }
        return with(settings);
    }

    private Generation with(String setting, Object value) {
        return with(setting(setting, value));
    }

    /// One setting, as a file would say it.
    static Json setting(String name, Object value) {
        ObjectNode node = Json.object();
        node.set(name, MAPPER.valueToTree(value));
        return Json.of("settings", node);
    }

    /// With so many new ids at the most.
    public Generation withMaxNewTokens(int count) {
        return with("max_new_tokens", count);
    }

    /// With the prompt.
    public Generation withMaxLength(int length) {
        return with("max_length", length);
    }

    /// With so many new ids before a text may end.
    public Generation withMinNewTokens(int count) {
        return with("min_new_tokens", count);
    }

    /// With the prompt.
    public Generation withMinLength(int length) {
        return with("min_length", length);
    }

    /// These end a text. With none of them it ends by its length or a stop string alone; settings that never said have the
    /// end ids of the model.
    public Generation withEndIds(List<Integer> ids) {
        return with(new Ends.Told(ids));
    }

    /// These settings with the ends of a model where they say nothing of ends.
    public Generation endingAs(Generation model) {
        return limits.ends() instanceof Ends.OfTheModel
                ? with(model.limits.ends()).withPadId(model.limits.padId())
                : this;
    }

    private Generation with(Ends ends) {
        return with(new Limits(limits.longest(), limits.shortest(), ends, limits.padId(), limits.stopStrings(),
                limits.decay()));
    }

    /// With another id that shorter rows are filled up with.
    public Generation withPadId(int id) {
        return with(new Limits(limits.longest(), limits.shortest(), limits.ends(), id, limits.stopStrings(),
                limits.decay()));
    }

    private Generation with(Limits limits) {
        return new Generation(limits, sampling, penalties, words, forced, beams, scores, assistance,
                numReturnSequences);
    }

    /// With no id forced to be the last: a constraint says itself how a text ends.
    Generation withoutForcedEnd() {
        return with("forced_eos_token_id", List.of());
    }

    /// With texts that end what is written, where they first occur.
    public Generation withStopStrings(List<String> strings) {
        return with("stop_strings", strings);
    }

    /// From `start` generated ids on, end ids become likelier by `factor` with each more.
    public Generation withLengthDecay(int start, double factor) {
        return with(DECAY, List.of(start, factor));
    }

    /// All that is said of sampling, in place of what was said before.
    public Generation withSampling(Sampling sampling) {
        return new Generation(limits, sampling, penalties, words, forced, beams, scores, assistance,
                numReturnSequences);
    }

    /// Drawing each id by chance, or taking the best.
    public Generation withDoSample(boolean doSample) {
        return with("do_sample", doSample);
    }

    /// See [Sampling#withTemperature].
    public Generation withTemperature(double temperature) {
        return with("temperature", temperature);
    }

    /// See [Sampling#withTopK].
    public Generation withTopK(int k) {
        return with("top_k", k);
    }

    /// See [Sampling#withTopP].
    public Generation withTopP(double p) {
        return with("top_p", p);
    }

    /// See [Sampling#withMinP].
    public Generation withMinP(double share) {
        return with("min_p", share);
    }

    /// See [Sampling#withTypicalP].
    public Generation withTypicalP(double p) {
        return with("typical_p", p);
    }

    /// See [Sampling#withEpsilonCutoff].
    public Generation withEpsilonCutoff(double epsilon) {
        return with("epsilon_cutoff", epsilon);
    }

    /// See [Sampling#withEtaCutoff].
    public Generation withEtaCutoff(double eta) {
        return with("eta_cutoff", eta);
    }

    /// See [Sampling#withTopH].
    public Generation withTopH(double share) {
        return with("top_h", share);
    }

    /// Contrastive search among the `top_k` best; see [Sampling#contrastive].
    public Generation withPenaltyAlpha(double alpha) {
        return with("penalty_alpha", alpha);
    }

    /// See [Sampling#withSeed].
    public Generation withSeed(long seed) {
        return with("seed", seed);
    }

    /// Makes ids that occurred less likely: their scores are divided by it, or multiplied where they are below 0 (Keskar et al.
    /// 2019); 1 for none.
    public Generation withRepetitionPenalty(double penalty) {
        return with("repetition_penalty", penalty);
    }

    /// Takes this from the scores of ids that were generated; 0 for none.
    public Generation withPresencePenalty(double penalty) {
        return with("presence_penalty", penalty);
    }

    /// Takes this from the score of an id for each time that it was generated; 0 for none.
    public Generation withFrequencyPenalty(double penalty) {
        return with("frequency_penalty", penalty);
    }

    /// Lets no so many ids in a row occur twice; 0 for no such limit.
    public Generation withNoRepeatNgramSize(int size) {
        return with("no_repeat_ngram_size", size);
    }

    /// Forbids these rows of ids.
    public Generation withBadWordsIds(List<List<Integer>> badWords) {
        return with("bad_words_ids", badWords);
    }

    /// Forbids these ids.
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

    /// Follows so many texts at once and keeps the best; 1 for none but one.
    public Generation withNumBeams(int count) {
        return with("num_beams", count);
    }

    /// Divides a beam's score by its length to this power: above 0 longer texts gain.
    public Generation withLengthPenalty(double power) {
        return with("length_penalty", power);
    }

    /// When beam search ends: with enough whole texts, when no better can be hoped for, or never before.
    public Generation withEarlyStopping(EarlyStopping when) {
        return with("early_stopping", switch (when) {
            case TRUE -> true;
            case FALSE -> false;
            case NEVER -> "never";
        });
    }

    /// In so many groups, each away from those before it; see [#withDiversityPenalty].
    public Generation withNumBeamGroups(int count) {
        return with("num_beam_groups", count);
    }

    /// Takes this from ids that an earlier group of beams chose at the same step (Vijayakumar et al. 2018).
    public Generation withDiversityPenalty(double penalty) {
        return with("diversity_penalty", penalty);
    }

    /// Phrases that must appear, by beam search; each entry gives alternatives of which one will do.
    public Generation withForceWordsIds(List<List<List<Integer>>> phrases) {
        return with("force_words_ids", phrases);
    }

    /// How far scores move away from those without the prompt (Sanchez et al. 2023); 1 for not at all.
    public Generation withGuidanceScale(double scale) {
        return with("guidance_scale", scale);
    }

    /// Whether scores become log probabilities again behind all steps.
    public Generation withRenormalizeLogits(boolean renormalize) {
        return with("renormalize_logits", renormalize);
    }

    /// Whether NaN and infinity among the scores are replaced.
    public Generation withRemoveInvalidValues(boolean remove) {
        return with("remove_invalid_values", remove);
    }

    /// Guesses so many ids from what followed on the same ids before, for the model to check.
    public Generation withPromptLookupNumTokens(int count) {
        return with("prompt_lookup_num_tokens", count);
    }

    /// How many ids in a row are looked up in the prompt for a guess.
    public Generation withMaxMatchingNgramSize(int size) {
        return with("max_matching_ngram_size", size);
    }

    /// How many ids a draft guesses at once.
    public Generation withNumAssistantTokens(int count) {
        return with("num_assistant_tokens", count);
    }

    /// Whether and how long that many changes with how many guesses were right.
    public Generation withNumAssistantTokensSchedule(Schedule schedule) {
        return with("num_assistant_tokens_schedule", switch (schedule) {
            case CONSTANT -> "constant";
            case HEURISTIC -> "heuristic";
        });
    }

    /// Below this probability of its own guess a draft stops.
    public Generation withAssistantConfidenceThreshold(double probability) {
        return with("assistant_confidence_threshold", probability);
    }

    /// So many texts for each prompt.
    public Generation withNumReturnSequences(int count) {
        return with("num_return_sequences", count);
    }

    static void require(boolean holds, String message, Object found) {
        if (!holds) {
            throw new IllegalArgumentException(message.formatted(found));
        }
    }
}
