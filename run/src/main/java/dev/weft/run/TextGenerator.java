package dev.weft.run;

import dev.weft.checkpoint.AdapterFolder;
import dev.weft.models.Loading;
import dev.weft.models.Models;
import dev.weft.models.heads.PretrainedModel;
import dev.weft.models.heads.HeadKind;
import dev.weft.nn.LanguageModel;
import dev.weft.nn.SequenceToSequence;
import dev.weft.grammar.Constraint;
import dev.weft.text.Tokenizer;
import dev.weft.text.Truncation;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.IntStream;
import java.util.stream.Stream;

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
    /// Prompts that are carried on together.
    private static final int ROWS = 16;

    private final LanguageModel model;
    private final Tokenizer tokenizer;
    private final Generation defaults;
    private final Generator generator;
    private final boolean ownsModel;
    private final boolean truncates;

    private TextGenerator(LanguageModel model, Tokenizer tokenizer, Generation defaults, Generator generator,
            boolean ownsModel, boolean truncates) {
        this.model = model;
        this.tokenizer = tokenizer;
        this.defaults = withEnd(defaults, tokenizer, model.vocabSize());
        this.generator = generator;
        this.ownsModel = ownsModel;
        this.truncates = truncates;
    }

    /// A model that is there already and stays the caller's to close.
    public static TextGenerator of(LanguageModel model, Tokenizer tokenizer, Generation defaults) {
        return new TextGenerator(model, tokenizer, defaults, Generator.of(model), false, false);
    }

    /// Opens a model folder, an adapter's over the model that it names, or the folder of a run: of one without weights of its
    /// own, the newest checkpoint.
    ///
    /// @throws IllegalArgumentException if there is no language model or no tokenizer, or one does not fit the other
    public static TextGenerator open(Path folder) {
        return open(folder, Loading.usual());
    }

    /// The same in another type, or on another device.
    public static TextGenerator open(Path folder, Loading loading) {
        Path place = weightsIn(folder);
        Models.config(place); // a folder without a model is told before one without a tokenizer
        Tokenizer tokenizer = Tokenizers.load(hasTokenizer(place) ? place : folder);
        PretrainedModel head = Models.load(place, loading);
        try {
            if (head instanceof LanguageModel model && !(head instanceof SequenceToSequence)) {
                return new TextGenerator(model, tokenizer, Generation.of(head), Generator.of(model), true, false);
            }
            String architecture = Models.architecture(head.context().config());
            throw new IllegalArgumentException("holds a %s, which can do: %s; asked for %s".formatted(architecture,
                    String.join(", ", Task.of(HeadKind.of(architecture))), Task.TEXT_GENERATION.title()));
        } catch (IllegalArgumentException e) {
            head.close();
            throw new IllegalArgumentException(place + ": " + e.getMessage(), e);
        }
    }

    private static boolean hasTokenizer(Path folder) {
        return Files.isRegularFile(folder) || AdapterFolder.is(folder) || Tokenizers.isIn(folder);
    }

    private static Path weightsIn(Path folder) {
        boolean here = Stream.of("model.safetensors", "model.safetensors.index.json", "pytorch_model.bin",
                "pytorch_model.bin.index.json", AdapterFolder.CONFIG)
                .anyMatch(name -> Files.exists(folder.resolve(name)));
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
    private static Generation withEnd(Generation options, Tokenizer tokenizer, int vocab) {
        String end = tokenizer.specialTokens().get("eos_token");
        int id = end == null ? -1 : tokenizer.id(end).orElse(-1);
        return id < 0 || id >= vocab
                ? options
                : options.endingAs(Generation.greedy().withEndIds(List.of(id)).withPadId(id));
    }

    /// The model that writes; closed by whoever opened it, or with this.
    public LanguageModel model() {
        return model;
    }

    /// What turns text to ids and back.
    public Tokenizer tokenizer() {
        return tokenizer;
    }

    /// What the folder says of generation; the settings to start from.
    public Generation defaults() {
        return defaults;
    }

    /// With a step of one's own. The model stays with this one, to be closed here.
    public TextGenerator withStep(ScoreStep step) {
        return with(generator.withStep(step));
    }

    /// With prompts that are too long cut: their end stays, so much of it that there is room for what is asked for, though
    /// half of the model's positions at least. The model stays with this one, to be closed here.
    public TextGenerator truncating() {
        return new TextGenerator(model, tokenizer, defaults, generator, false, true);
    }

    /// Only texts that a constraint allows. It is put into the ids of this tokenizer here, once: keep what is returned for
    /// all requests. The model stays with this one, to be closed here.
    ///
    /// @throws IllegalArgumentException if the vocabulary cannot write such a text
    public TextGenerator withConstraint(Constraint constraint) {
        return with(generator.withConstraint(TokenConstraint.of(constraint, tokenizer)));
    }

    /// With a smaller model of the same tokenizer, which guesses ids for this one to check; see
    /// [Generator#withAssistant]. Both models stay to be closed where they were opened.
    ///
    /// @throws IllegalArgumentException if its tokenizer or its vocabulary is another
    public TextGenerator withAssistant(TextGenerator smaller) {
        for (int id = 0; id < Math.max(tokenizer.vocabSize(), smaller.tokenizer.vocabSize()); id++) {
            String own = id < tokenizer.vocabSize() ? tokenizer.token(id) : null;
            String other = id < smaller.tokenizer.vocabSize() ? smaller.tokenizer.token(id) : null;
            if (!Objects.equals(own, other)) {
                throw new IllegalArgumentException(
                        "The assistant has another tokenizer: id %d is \"%s\" there and \"%s\" here; an assistant needs the model's own"
                                .formatted(id, other, own));
            }
        }
        return with(generator.withAssistant(smaller.model));
    }

    /// Beginning where `cache` ends, as far as a prompt begins like the text in it; see [Generator#withPromptCache]. The model
    /// stays with this one, the cache with whoever made it.
    public TextGenerator withPromptCache(PromptCache cache) {
        return with(generator.withPromptCache(cache));
    }

    /// The beginning of many prompts, computed once.
    public PromptCache promptCache(String beginning) {
        return generator.promptCache(tokenizer.encode(beginning).ids());
    }

    /// One that [#save] wrote.
    ///
    /// @throws IllegalArgumentException if the file is none, or was computed by another model
    public PromptCache promptCache(Path file) {
        return generator.promptCache(file);
    }

    /// Writes what this model computed to a safetensors file.
    public void save(PromptCache cache, Path file) {
        generator.save(cache, file);
    }

    private TextGenerator with(Generator other) {
        return new TextGenerator(model, tokenizer, defaults, other, false, truncates);
    }

    /// What follows the prompt, without it. Settings that say nothing of end ids have those of the model.
    ///
    /// @throws IllegalArgumentException if the prompt has no tokens, one that the model does not know, or fills the model's
    ///                                  context
    /// @throws java.util.concurrent.CancellationException if the thread is interrupted, which stays so
    /// @throws IllegalStateException if the model was closed
    public String generate(String prompt, Generation options) {
        return complete(prompt, options).getFirst().text();
    }

    /// The same by the settings of the model, with this sampling.
    public String generate(String prompt, Sampling sampling) {
        return generate(prompt, defaults.withSampling(sampling));
    }

    /// What follows each of many prompts. Those of like length are carried on together; each text is what the prompt gets
    /// alone, but for rounding and, where there is sampling, for chance.
    ///
    /// @throws IllegalArgumentException if a prompt has no tokens or fills the model's context, naming its place
    public List<String> generate(List<String> prompts, Generation options) {
        return complete(prompts, options).stream().map(texts -> texts.getFirst().text()).toList();
    }

    /// The same with why it ended; as many texts as [Generation#numReturnSequences] says, best first.
    public List<Completion> complete(String prompt, Generation options) {
        return complete(ids("The prompt", prompt, options), options);
    }

    /// The same for many prompts: a list of texts for each.
    public List<List<Completion>> complete(List<String> prompts, Generation options) {
        return completeAll(IntStream.range(0, prompts.size())
                .mapToObj(i -> ids("Prompt " + i, prompts.get(i), options)).toList(), options.endingAs(defaults));
    }

    /// The same for a prompt whose ids are known, special ones included.
    public List<Completion> complete(int[] prompt, Generation options) {
        return completeAll(List.of(prompt), options.endingAs(defaults)).getFirst();
    }

    private List<List<Completion>> completeAll(List<int[]> prompts, Generation options) {
        for (int i = 0; i < prompts.size(); i++) {
            requireKnown(prompts.size() == 1 ? "The prompt" : "Prompt " + i, prompts.get(i));
        }
        // What counts with padding must not meet any.
        boolean alike = options.limits().longest() instanceof Generation.Bound.Total
                || options.limits().shortest() instanceof Generation.Bound.Total
                || !options.penalties().equals(Generation.greedy().penalties());
        List<Integer> order = IntStream.range(0, prompts.size()).boxed()
                .sorted(Comparator.comparingInt(i -> prompts.get(i).length)).toList();
        var completions = new ArrayList<List<Completion>>(Collections.nCopies(prompts.size(), List.of()));
        for (int from = 0; from < order.size();) {
            int length = prompts.get(order.get(from)).length;
            List<Integer> batch = order.stream().skip(from).limit(ROWS)
                    .takeWhile(i -> !alike || prompts.get(i).length == length).toList();
            from += batch.size();
            List<Generated.Text> texts = generator(options)
                    .generate(batch.stream().map(prompts::get).toList(), options).texts();
            int copies = texts.size() / batch.size();
            for (int i = 0; i < batch.size(); i++) {
                int[] prompt = prompts.get(batch.get(i));
                completions.set(batch.get(i), texts.subList(i * copies, (i + 1) * copies).stream()
                        .map(text -> completion(prompt, text, options)).toList());
            }
        }
        return completions;
    }

    private Completion completion(int[] prompt, Generated.Text text, Generation options) {
        return new Completion(Pieces.text(tokenizer, prompt, text, options), prompt.length, text.ids().length,
                text.logProbabilities(), text.finish(), text.score());
    }

    /// What follows the prompt, in pieces as they are made: whole characters, nothing of a stop string. Close the stream
    /// when it is not read to its end.
    public Stream<String> stream(String prompt, Generation options) {
        return pieces(prompt, options).stream();
    }

    /// The same by the settings of the model, with this sampling.
    public Stream<String> stream(String prompt, Sampling sampling) {
        return stream(prompt, defaults.withSampling(sampling));
    }

    /// The same with why it ended and how many tokens it took, once it has been read.
    public TextStream pieces(String prompt, Generation options) {
        return pieces(ids("The prompt", prompt, options), options);
    }

    /// The same for a prompt whose ids are known, special ones included.
    public TextStream pieces(int[] prompt, Generation options) {
        requireKnown("The prompt", prompt);
        Generation settled = options.endingAs(defaults);
        return new TextStream(generator(settled).stream(prompt, settled), new Pieces(tokenizer, prompt, settled),
                prompt.length);
    }

    private Generator generator(Generation options) {
        List<String> stops = options.limits().stopStrings();
        return stops.isEmpty() ? generator : generator.withStop(Stop.strings(tokenizer, stops));
    }

    private void requireKnown(String what, int[] prompt) {
        String beyond = Tokenizers.beyond(tokenizer, prompt, model.vocabSize());
        if (beyond != null) {
            throw new IllegalArgumentException(what + " " + beyond);
        }
    }

    private int[] ids(String what, String prompt, Generation options) {
        int positions = model.maxPositions();
        int[] ids = tokenizer.encode(prompt).ids();
        if (truncates) {
            int room = switch (options.limits().longest()) {
                case Generation.Bound.NewTokens(int count) -> positions - Math.min(count, positions / 2);
                case Generation.Bound.Total(int length) -> Math.min(length, positions) - 1;
            };
            ids = ids.length <= room
                    ? ids
                    : tokenizer.with(Truncation.to(Math.max(1, room)).at(Truncation.Side.LEFT)).encode(prompt).ids();
        }
        if (ids.length == 0) {
            String begin = tokenizer.specialTokens().get("bos_token");
            throw new IllegalArgumentException(what + " is empty; "
                    + (begin == null ? "give a few characters to go on from" : "to begin from nothing, give " + begin));
        }
        if (ids.length >= positions) {
            throw new IllegalArgumentException(
                    "%s has %d tokens and this model has room for %d, new ones included; shorten it, or ask for truncation"
                            .formatted(what, ids.length, positions));
        }
        return ids;
    }

    @Override
    public void close() {
        if (ownsModel) {
            model.close();
        }
    }
}
