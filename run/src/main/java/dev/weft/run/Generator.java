package dev.weft.run;

import dev.weft.nn.LanguageModel;
import dev.weft.nn.SequenceToSequence;
import dev.weft.run.constrained.TokenConstraint;
import dev.weft.tensor.Tensor;
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
    private final List<ScoreStep> steps;
    private final Stop stop;
    private final @Nullable TokenConstraint constraint;

    private Generator(LanguageModel model, List<ScoreStep> steps, Stop stop, @Nullable TokenConstraint constraint) {
        this.model = model;
        this.steps = steps;
        this.stop = stop;
        this.constraint = constraint;
    }

    public static Generator of(LanguageModel model) {
        return new Generator(model, List.of(), Stop.NEVER, null);
    }

    /// With one more step of one's own, after the penalties and before the steps of sampling.
    public Generator withStep(ScoreStep step) {
        var all = new ArrayList<>(steps);
        all.add(step);
        return new Generator(model, List.copyOf(all), stop, constraint);
    }

    /// With one more way to end. What the settings say of stop strings needs a tokenizer: see [Stop#strings].
    public Generator withStop(Stop end) {
        Stop before = stop;
        return new Generator(model, steps, before == Stop.NEVER
                ? end
                : (ids, promptLength) -> before.reached(ids, promptLength) || end.reached(ids, promptLength),
                constraint);
    }

    /// Only texts that a constraint allows; it must be over the tokenizer of this model.
    public Generator withConstraint(TokenConstraint constraint) {
        return new Generator(model, steps, stop, constraint);
    }

    /// The steps that are not in the settings.
    private List<ScoreStep> own(Prompts prompts, Generation options) {
        if (constraint == null) {
            return steps;
        }
        Room room = Room.of(model, prompts, options);
        var all = new ArrayList<>(steps);
        all.add(constraint.begin(prompts, options, IntStream.range(0, prompts.rows()).map(room::of).toArray()));
        return all;
    }

    /// A constraint says itself where a text ends: no end id is forced where there is no more room.
    private Generation settled(Generation options) {
        Generation.Forced forced = options.forced();
        return constraint == null || forced.last().isEmpty()
                ? options
                : new Generation(options.limits(), options.sampling(), options.penalties(), options.words(),
                        new Generation.Forced(forced.decoderStart(), forced.first(), List.of()), options.beams(),
                        options.numReturnSequences());
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
    public Generated generate(Map<String, Tensor> inputs, Prompts begin, Generation options) {
        if (options.beams().numBeams() > 1) {
            return new BeamSearch(checked(inputs), inputs, begin, options,
                    ScoreStep.of(settled(options), begin, source(inputs, begin), own(begin, options)), stop)
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

    private TokenLoop loop(Map<String, Tensor> inputs, Prompts prompts, Generation options) {
        if (options.beams().numBeams() > 1) {
            throw new IllegalArgumentException(
                    "Beam search with %d beams knows its ids only at the end; listen with num_beams 1"
                            .formatted(options.beams().numBeams()));
        }
        return new TokenLoop(checked(inputs), inputs, prompts, options,
                ScoreStep.of(settled(options), prompts, source(inputs, prompts), own(prompts, options)), stop);
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

    private LanguageModel checked(Map<String, Tensor> inputs) {
        if (inputs.isEmpty() == model instanceof SequenceToSequence) {
            throw new IllegalArgumentException(inputs.isEmpty()
                    ? "This model answers to what it encodes: give it inputs, such as input_ids"
                    : "This model has no encoder: give it prompts to go on from, not " + inputs.keySet());
        }
        return model;
    }
}
