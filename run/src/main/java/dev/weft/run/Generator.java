package dev.weft.run;

import dev.weft.nn.LanguageModel;
import dev.weft.nn.SequenceToSequence;
import dev.weft.tensor.Gradients;
import dev.weft.tensor.Randomness;
import dev.weft.tensor.Tensor;
import dev.weft.tensor.TensorScope;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.function.IntConsumer;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/// Ids to more ids: greedy, sampled, or by beam search, for one prompt or a batch. Safe to share between threads.
///
/// A text's ids do not depend on what else is in the batch, save for rounding, and save for chance and for the steps that
/// count padding as text (see [ScoreStep]).
public final class Generator {
    private final LanguageModel model;
    private final @Nullable LanguageModel assistant;
    private final List<ScoreStep> steps;
    private final Stop stop;
    private final @Nullable PromptCache remembered;
    private final @Nullable TokenConstraint constraint;

    private Generator(LanguageModel model, @Nullable LanguageModel assistant, List<ScoreStep> steps, Stop stop,
            @Nullable PromptCache remembered, @Nullable TokenConstraint constraint) {
        this.model = model;
        this.assistant = assistant;
        this.steps = steps;
        this.stop = stop;
        this.remembered = remembered;
        this.constraint = constraint;
    }

    /// By this model alone: no draft, no steps of its own, no constraint.
    public static Generator of(LanguageModel model) {
        return new Generator(model, null, List.of(), Stop.NEVER, null, null);
    }

    /// With one more step of one's own, after the penalties and before the steps of sampling.
    public Generator withStep(ScoreStep step) {
        var all = new ArrayList<>(steps);
        all.add(step);
        return new Generator(model, assistant, List.copyOf(all), stop, remembered, constraint);
    }

    /// With one more way to end. What the settings say of stop strings needs a tokenizer: see [Stop#strings].
    public Generator withStop(Stop end) {
        Stop before = stop;
        return new Generator(model, assistant, steps, before == Stop.NEVER
                ? end
                : (ids, promptLength) -> before.reached(ids, promptLength) || end.reached(ids, promptLength),
                remembered, constraint);
    }

    /// Only texts that a constraint allows; it must be over the tokenizer of this model.
    public Generator withConstraint(TokenConstraint allowed) {
        return new Generator(model, assistant, steps, stop, remembered, allowed);
    }

    /// The steps that are not in the settings.
    private List<ScoreStep> own(Prompts prompts, Generation options) {
        if (constraint == null) {
            return steps;
        }
        TokenBudget budget = TokenBudget.of(model, prompts, options);
        var all = new ArrayList<>(steps);
        all.add(constraint.begin(prompts, options, IntStream.range(0, prompts.rows()).map(budget::of).toArray()));
        return all;
    }

    /// With a smaller model of the same vocabulary, which guesses ids that this one checks, several in one pass: the
    /// text is the same, or of the same distribution when it is sampled, and comes quicker the more guesses are right
    /// (Leviathan et al. 2023). For one prompt at a time. The assistant stays the caller's to close.
    ///
    /// @throws IllegalArgumentException if the assistant has another vocabulary, or only one of both has an encoder
    public Generator withAssistant(LanguageModel smaller) {
        if (smaller.vocabSize() != model.vocabSize()) {
            throw new IllegalArgumentException(
                    "The assistant has a vocabulary of %d and the model one of %d; an assistant needs the model's tokenizer"
                            .formatted(smaller.vocabSize(), model.vocabSize()));
        }
        if (smaller instanceof SequenceToSequence != model instanceof SequenceToSequence) {
            throw new IllegalArgumentException(
                    "Of model and assistant one has an encoder and the other has none; take an assistant of the model's kind");
        }
        return new Generator(model, smaller, steps, stop, remembered, constraint);
    }

    /// Beginning where `cache` ends, as far as a prompt begins like the text in it. It stays the caller's to close.
    ///
    /// @throws IllegalArgumentException if the model has an encoder: its answers begin alike anyway
    public Generator withPromptCache(PromptCache cache) {
        requireDecoder();
        return new Generator(model, assistant, steps, stop, cache, constraint);
    }

    /// The beginning of many prompts, computed once; from where this generator's own prompt cache ends, if it has one.
    ///
    /// @throws IllegalArgumentException if there is no id, or an unknown one, or the model has an encoder
    public PromptCache promptCache(int... beginning) {
        requireDecoder();
        PromptCache one = remembered == null ? PromptCache.following() : remembered.copied();
        Prompts prompts = Prompts.of(List.of(beginning), 0);
        TokenBudget.of(model, prompts, Generation.greedy());
        try (var passes = new CachedPasses(model, Map.of(), prompts, 1, one);
                var off = Gradients.off();
                var scope = TensorScope.open()) {
            passes.begin();
        }
        return one.fixed();
    }

    /// One that [#save] wrote.
    ///
    /// @throws IllegalArgumentException if the file is none, or was computed by another model
    public PromptCache promptCache(Path file) {
        requireDecoder();
        return PromptCache.load(file, model);
    }

    /// Writes what this model computed to a safetensors file.
    ///
    /// @throws IllegalStateException if there is nothing in it
    public void save(PromptCache cache, Path file) {
        cache.save(file, model);
    }

    private void requireDecoder() {
        if (model instanceof SequenceToSequence) {
            throw new IllegalArgumentException(
                    "A prompt cache is for models without encoder; an encoded text is not the beginning of another");
        }
    }

    /// One prompt, of which nothing is padding.
    ///
    /// @throws IllegalArgumentException if the prompt is empty or fills the model's context, or an id is unknown
    public Generated generate(int[] prompt, Generation options) {
        return generate(List.of(prompt), options);
    }

    /// One prompt; `listener` is told each id as it is made, the end id too.
    public Generated generate(int[] prompt, Generation options, IntConsumer listener) {
        return generate(Prompts.of(List.of(prompt), options.limits().padId()), options,
                (text, id) -> listener.accept(id));
    }

    /// Prompts of any lengths.
    public Generated generate(List<int[]> prompts, Generation options) {
        return generate(Prompts.of(prompts, options.limits().padId()), options);
    }

    /// New ids behind each prompt.
    public Generated generate(Prompts prompts, Generation options) {
        return generate(Map.of(), prompts, options);
    }

    /// @throws IllegalArgumentException with beam search, whose ids are known only at the end
    public Generated generate(Prompts prompts, Generation options, TokenListener listener) {
        return generate(Map.of(), prompts, options, listener);
    }

    /// Answers to what an encoder-decoder encodes, a row each, begun with the settings' `decoder_start_token_id`.
    ///
    /// @param inputs by the names of the Python library: `input_ids [batch, seq]`, `attention_mask [batch, seq]`, …
    /// @throws IllegalArgumentException if the model has no encoder, or nobody says how an answer begins
    public Generated generate(Map<String, Tensor> inputs, Generation options) {
        int start = options.forced().decoderStart().orElseThrow(() -> new IllegalArgumentException(
                "decoder_start_token_id is in neither generation_config.json nor config.json; say which id begins an answer"));
        int rows = (int) inputs.values().iterator().next().size(0);
        return generate(inputs, Prompts.starts(start, rows), options);
    }

    /// The same, begun with ids of one's own.
    public Generated generate(Map<String, Tensor> inputs, Prompts begin, Generation given) {
        Generation options = settled(given);
        if (options.beams().numBeams() > 1) {
            options.requireConsistent(assistant != null);
            return new BeamSearch(checked(inputs, options), inputs, begin, options, source(inputs, begin),
                    own(begin, options), stop,
                    remembered)
                    .run();
        }
        return generate(inputs, begin, options, TokenListener.SILENT);
    }

    private Generated generate(Map<String, Tensor> inputs, Prompts prompts, Generation options,
            TokenListener listener) {
        try (var loop = loop(inputs, prompts, options)) {
            while (!loop.done()) {
                loop.step(listener);
            }
            return loop.result();
        }
    }

    /// One prompt; each id is made when it is asked for.
    ///
    /// @throws IllegalArgumentException with beam search, whose ids are known only at the end
    public TokenStream stream(int[] prompt, Generation options) {
        if (options.numReturnSequences() > 1) {
            throw new IllegalArgumentException("A stream has one text, and num_return_sequences is "
                    + options.numReturnSequences() + "; use generate");
        }
        return new TokenStream(loop(Map.of(), Prompts.of(List.of(prompt), options.limits().padId()), options));
    }

    private Generation settled(Generation options) {
        return constraint == null ? options : options.withoutForcedEnd();
    }

    private TokenLoop loop(Map<String, Tensor> inputs, Prompts prompts, Generation given) {
        Generation options = settled(given);
        if (options.beams().numBeams() > 1) {
            throw new IllegalArgumentException(
                    "Beam search with %d beams knows its ids only at the end; listen with num_beams 1"
                            .formatted(options.beams().numBeams()));
        }
        options.requireConsistent(assistant != null);
        checked(inputs, options);
        TokenBudget budget = TokenBudget.of(model, prompts, options);
        List<ScoreStep> all = ScoreStep.of(options, prompts, source(inputs, prompts), own(prompts, options));
        return new TokenLoop(prompts, options, budget, stop, nextIds(inputs, prompts, options, all, budget));
    }

    /// What a running batch carries on.
    RunningBatch.Ticket ticket(LanguageModel batch, Prompts prompts, Generation given, TokenListener listener) {
        Generation options = settled(given);
        if (batch != model) {
            throw new IllegalArgumentException(
                    "This generator is of another model than the batch; make it of the batch's");
        }
        if (options.beams().numBeams() > 1 || options.sampling().penaltyAlpha() > 0 || assistant != null
                || options.assistance().promptLookupNumTokens() > 0) {
            throw new IllegalArgumentException(
                    "A running batch chooses or draws one id after the other: no beams, contrastive search or guessed ids; use generate");
        }
        options.requireConsistent(false);
        checked(Map.of(), options);
        TokenBudget budget = TokenBudget.of(model, prompts, options);
        List<ScoreStep> all = ScoreStep.of(options, prompts, prompts.ids(), own(prompts, options));
        var passes = new CachedPasses(model, Map.of(), prompts, options.numReturnSequences(), remembered);
        var choice = new SingleChoice(passes, Guidance.of(model, prompts, options.numReturnSequences(), options),
                options, all);
        return new RunningBatch.Ticket(new TokenLoop(prompts, options, budget, stop, choice), choice, passes,
                listener);
    }

    private NextIds nextIds(Map<String, Tensor> inputs, Prompts prompts, Generation options, List<ScoreStep> all,
            TokenBudget budget) {
        if (options.sampling().penaltyAlpha() > 0) {
            int candidates = options.sampling().topK();
            if (candidates > model.vocabSize()) {
                throw new IllegalArgumentException("top_k (%d) is more than the vocabulary of %d".formatted(candidates,
                        model.vocabSize()));
            }
            // Without what is remembered: it looks at the hidden states of all ids.
            return new ContrastiveSearch(passes(inputs, prompts, candidates, budget, null), prompts, options,
                    all);
        }
        int copies = options.numReturnSequences();
        if (assistant == null && options.assistance().promptLookupNumTokens() == 0) {
            return new SingleChoice(passes(inputs, prompts, copies, budget, remembered),
                    Guidance.of(model, prompts, copies, options), options, all);
        }
        if (prompts.rows() > 1 || prompts.padded()) {
            throw new IllegalArgumentException(
                    "Guessing ids is for one prompt without padding, found %d; give them one by one, or leave out the assistant or prompt_lookup_num_tokens"
                            .formatted(prompts.rows()));
        }
        var randomness = Randomness.seeded(options.sampling().seed());
        Draft draft = assistant == null
                ? Draft.lookup(options, inputs.isEmpty() ? List.of() : List.of(source(inputs, prompts)))
                : new Draft.OfModel(new CachedPasses(assistant, inputs, prompts, 1), assistant.maxPositions(), options,
                        all,
                        randomness);
        return new AssistedDecoding(passes(inputs, prompts, 1, budget, remembered), draft, options, all,
                budget.of(0),
                model.recomputesBeyond(), randomness);
    }

    private CachedPasses passes(Map<String, Tensor> inputs, Prompts prompts, int copies, TokenBudget budget,
            @Nullable PromptCache known) {
        return new CachedPasses(model, inputs, prompts, copies, known).withRoom(prompts.length() + budget.asked());
    }

    /// The ids that are answered.
    private static int[][] source(Map<String, Tensor> inputs, Prompts prompts) {
        Tensor encoded = inputs.get("input_ids");
        if (encoded == null) {
            return prompts.ids();
        }
        int length = (int) encoded.size(1);
        int[] flat = encoded.toInts();
        return IntStream.range(0, (int) encoded.size(0))
                .mapToObj(row -> Arrays.copyOfRange(flat, row * length, (row + 1) * length)).toArray(int[][]::new);
    }

    private LanguageModel checked(Map<String, Tensor> inputs, Generation options) {
        if (inputs.isEmpty() == model instanceof SequenceToSequence) {
            throw new IllegalArgumentException(inputs.isEmpty()
                    ? "This model answers to what it encodes: give it inputs, such as input_ids"
                    : "This model has no encoder: give it prompts to go on from, not " + inputs.keySet());
        }
        if (options.scores().guidanceScale() != 1
                && (!inputs.isEmpty() || options.sampling().penaltyAlpha() > 0)) {
            throw new IllegalArgumentException(
                    "guidance_scale (%s) is for models without encoder, and not for contrastive search; set it to 1"
                            .formatted(options.scores().guidanceScale()));
        }
        return model;
    }
}
