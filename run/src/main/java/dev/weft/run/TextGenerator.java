package dev.weft.run;

import dev.weft.checkpoint.ModelFolder;
import dev.weft.models.Models;
import dev.weft.models.heads.Head;
import dev.weft.nn.LanguageModel;
import dev.weft.run.constrained.Constraint;
import dev.weft.text.StreamingDecoder;
import dev.weft.text.Tokenizer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.Spliterator;
import java.util.Spliterators;
import java.util.function.Consumer;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.jspecify.annotations.Nullable;

/// A model folder, a prompt, and the text that follows.
///
/// ```java
/// try (var generator = TextGenerator.open(Path.of("gpt2"))) {
///     System.out.println(generator.generate("Once upon a time", generator.defaults().withMaxNewTokens(50)));
/// }
/// ```
/// Safe to share between threads.
public final class TextGenerator implements AutoCloseable {
    private static final String CHECKPOINTS = "checkpoints";
    private static final String STEP = "step-";

    private final LanguageModel model;
    private final Tokenizer tokenizer;
    private final Generation defaults;
    private final Generator generator;
    private final boolean ownsModel;

    private TextGenerator(LanguageModel model, Tokenizer tokenizer, Generation defaults, Generator generator,
            boolean ownsModel) {
        if (tokenizer.vocabSize() > model.vocabSize()) {
            throw new IllegalArgumentException(
                    "The tokenizer has %d ids and the model %d; they do not belong together, or the model's embedding was not enlarged"
                            .formatted(tokenizer.vocabSize(), model.vocabSize()));
        }
        this.model = model;
        this.tokenizer = tokenizer;
        this.defaults = withEnd(defaults, tokenizer);
        this.generator = generator;
        this.ownsModel = ownsModel;
    }

    /// A model that is there already and stays the caller's to close.
    public static TextGenerator of(LanguageModel model, Tokenizer tokenizer, Generation defaults) {
        return new TextGenerator(model, tokenizer, defaults, Generator.of(model), false);
    }

    /// Opens a model folder, or the folder of a run: of one without weights of its own, the newest checkpoint.
    ///
    /// @throws IllegalArgumentException if there is no language model or no tokenizer, or one does not fit the other
    public static TextGenerator open(Path folder) {
        Path place = weightsIn(folder);
        ModelFolder opened = ModelFolder.open(place);
        Tokenizer tokenizer = Tokenizers.load(hasTokenizer(place) ? place : folder);
        Head head = Models.load(place);
        try {
            if (head instanceof LanguageModel model) {
                return new TextGenerator(model, tokenizer, Generation.of(opened), Generator.of(model), true);
            }
            throw new IllegalArgumentException(
                    "%s is no language model".formatted(Models.architecture(opened.config())));
        } catch (IllegalArgumentException e) {
            head.close();
            throw new IllegalArgumentException(place + ": " + e.getMessage(), e);
        }
    }

    private static boolean hasTokenizer(Path folder) {
        return Files.isRegularFile(folder) || Stream.of("tokenizer.json", "tokenizer.model", "spiece.model",
                "sentencepiece.bpe.model", "vocab.json", "vocab.txt")
                .anyMatch(name -> Files.exists(folder.resolve(name)));
    }

    private static Path weightsIn(Path folder) {
        boolean here = Stream.of("model.safetensors", "model.safetensors.index.json", "pytorch_model.bin",
                "pytorch_model.bin.index.json").anyMatch(name -> Files.exists(folder.resolve(name)));
        return here ? folder : newestCheckpoint(folder).orElse(folder);
    }

    private static Optional<Path> newestCheckpoint(Path run) {
        Path checkpoints = run.resolve(CHECKPOINTS);
        if (!Files.isDirectory(checkpoints)) {
            return Optional.empty();
        }
        try (Stream<Path> entries = Files.list(checkpoints)) {
            return entries.filter(entry -> entry.getFileName().toString().matches(STEP + "\\d{1,18}"))
                    .max(Comparator.comparingLong(
                            entry -> Long.parseLong(entry.getFileName().toString().substring(STEP.length()))));
        } catch (IOException e) {
            throw new UncheckedIOException(checkpoints + " cannot be read: " + e.getMessage(), e);
        }
    }

    /// Where the model's files name no end, the tokenizer may.
    private static Generation withEnd(Generation options, Tokenizer tokenizer) {
        String end = tokenizer.specialTokens().get("eos_token");
        if (!options.limits().endIds().isEmpty() || end == null || tokenizer.id(end).isEmpty()) {
            return options;
        }
        int id = tokenizer.id(end).getAsInt();
        return options.withEndIds(List.of(id)).withPadId(id);
    }

    public LanguageModel model() {
        return model;
    }

    public Tokenizer tokenizer() {
        return tokenizer;
    }

    /// What the folder says of generation; the settings to start from.
    public Generation defaults() {
        return defaults;
    }

    /// With a step of one's own. The model stays with this one, to be closed here.
    public TextGenerator withStep(ScoreStep step) {
        return new TextGenerator(model, tokenizer, defaults, generator.withStep(step), false);
    }

    /// Only texts that a constraint allows. It is put into the ids of this tokenizer here, once: keep what is returned for
    /// all requests. The model stays with this one, to be closed here.
    ///
    /// @throws IllegalArgumentException if the vocabulary cannot write such a text
    public TextGenerator withConstraint(Constraint constraint) {
        return new TextGenerator(model, tokenizer, defaults, generator.withConstraint(constraint.over(tokenizer)),
                false);
    }

    /// What follows the prompt, without it. Settings that name no end ids have those of the model.
    ///
    /// @throws IllegalArgumentException if the prompt has no tokens or fills the model's context
    public String generate(String prompt, Generation options) {
        return complete(prompt, options).getFirst().text();
    }

    /// The same with why it ended; as many texts as [Generation#numReturnSequences] says, best first.
    public List<Completion> complete(String prompt, Generation options) {
        Generation settled = settled(options);
        int[] ids = ids(prompt);
        Generated generated = generator(settled).generate(ids, settled);
        return generated.texts().stream().map(text -> {
            var shown = new StringBuilder();
            var pieces = new Pieces(ids, settled);
            for (int i = 0; i < text.ids().length; i++) {
                shown.append(pieces.next(text.ids()[i], i + 1 == text.ids().length ? text.finish() : null));
            }
            return new Completion(shown.toString(), ids.length, text.ids().length, text.finish(), text.score());
        }).toList();
    }

    /// What follows the prompt, in pieces as they are made: whole characters, nothing of a stop string. Close the stream
    /// when it is not read to its end.
    public Stream<String> stream(String prompt, Generation options) {
        Generation settled = settled(options);
        int[] ids = ids(prompt);
        TokenStream tokens = generator(settled).stream(ids, settled);
        var pieces = new Pieces(ids, settled);
        var source = new Spliterators.AbstractSpliterator<String>(Long.MAX_VALUE,
                Spliterator.ORDERED | Spliterator.NONNULL) {
            @Override
            public boolean tryAdvance(Consumer<? super String> action) {
                while (tokens.hasNext()) {
                    String piece = pieces.next(tokens.nextInt(), tokens.finish());
                    if (!piece.isEmpty()) {
                        action.accept(piece);
                        return true;
                    }
                }
                return false;
            }
        };
        return StreamSupport.stream(source, false).onClose(tokens::close);
    }

    private Generator generator(Generation options) {
        List<String> stops = options.limits().stopStrings();
        return stops.isEmpty() ? generator : generator.withStop(Stop.strings(tokenizer, stops));
    }

    private Generation settled(Generation options) {
        return options.limits().endIds().isEmpty()
                ? options.withEndIds(defaults.limits().endIds()).withPadId(defaults.limits().padId())
                : options;
    }

    private int[] ids(String prompt) {
        int[] ids = tokenizer.encode(prompt).ids();
        if (ids.length == 0) {
            String begin = tokenizer.specialTokens().get("bos_token");
            throw new IllegalArgumentException("The prompt is empty; "
                    + (begin == null ? "give a few characters to go on from" : "to begin from nothing, give " + begin));
        }
        return ids;
    }

    @Override
    public void close() {
        if (ownsModel) {
            model.close();
        }
    }

    /// Ids to text that can be shown.
    private final class Pieces {
        private final StreamingDecoder decoder = tokenizer.streamingDecoder(true);
        private final StopText stop;
        private final List<Integer> endIds;

        Pieces(int[] prompt, Generation options) {
            stop = new StopText(options.limits().stopStrings());
            endIds = options.limits().endIds();
            // The text of an id may depend on the one before: a space at the beginning of a word.
            for (int id : prompt) {
                decoder.push(id);
            }
        }

        /// @param finish why the text ends with this id, or null
        String next(int id, @Nullable Finish finish) {
            String text = endIds.contains(id) ? "" : decoder.push(id);
            if (finish == null) {
                return stop.push(text);
            }
            return stop.push(text + decoder.flush()) + stop.flush();
        }
    }
}
