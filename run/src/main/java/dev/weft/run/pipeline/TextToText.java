package dev.weft.run.pipeline;

import dev.weft.run.Task;
import dev.weft.checkpoint.Json;
import dev.weft.models.Loading;
import dev.weft.models.heads.ConditionalLanguageModel;
import dev.weft.nn.ForwardPass;
import dev.weft.nn.Trace;
import dev.weft.run.Generated;
import dev.weft.run.Generation;
import dev.weft.run.Generator;
import dev.weft.run.Pieces;
import dev.weft.run.Stop;
import dev.weft.tensor.Gradients;
import dev.weft.tensor.Tensor;
import dev.weft.tensor.TensorScope;
import dev.weft.text.Encoding;
import dev.weft.text.Tokenizer;
import dev.weft.text.Truncation;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.TreeMap;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/// An answer to a text by an encoder-decoder: its translation, its summary, whatever it was trained for. The Python
/// library's `text2text-generation`, `translation` and `summarization`. Safe to share between threads.
public final class TextToText implements AutoCloseable {
    /// Texts that are answered together.
    private static final int ROWS = 16;

    /// An answer.
    ///
    /// @param inputTokens  of the text, special ones included
    /// @param outputTokens generated
    /// @param windows      how many parts a long text was answered in; the answers stand one behind the other
    public record Output(String text, int inputTokens, int outputTokens, int windows) {}

    private final Batches batches;
    private final Tokenizer tokenizer;
    private final Generation defaults;
    private final String prefix;
    private final TooLong length;
    private final String from;

    /// What is done with a text that is too long.
    private enum TooLong {
        REFUSED, CUT, IN_WINDOWS
    }

    /// @param from the language of the texts, or nothing
    private TextToText(Batches batches, Tokenizer tokenizer, Generation defaults, String prefix, TooLong length,
            String from) {
        this.from = from;
        this.batches = batches;
        this.tokenizer = tokenizer;
        this.defaults = defaults;
        this.prefix = prefix;
        this.length = length;
    }

    /// @param task its settings in `task_specific_params` of the config count
    static TextToText open(Path folder, Loading loading, Task task) {
        Batches batches = Batches.open(folder, loading, task);
        Json config = batches.head().context().config();
        var opened = new TextToText(batches, batches.tokenizer(), Generation.of(batches.head()),
                config.text("prefix", ""), TooLong.REFUSED, "");
        return config.has("task_specific_params") && config.object("task_specific_params").has(task.title())
                ? opened.settled(task.title())
                : opened;
    }

    /// A model that is there already and stays the caller's to close, with nothing before the texts.
    public static TextToText of(ConditionalLanguageModel model, Tokenizer tokenizer, Generation defaults) {
        return new TextToText(Batches.of(model, tokenizer), tokenizer, defaults, "", TooLong.REFUSED, "");
    }

    /// With this before each text, as T5 wants it: `translate English to German: `. All variants are closed by either.
    public TextToText withPrefix(String text) {
        return new TextToText(batches, tokenizer, defaults, text, length, from);
    }

    /// Cuts texts that are too long for the model.
    public TextToText truncating() {
        return new TextToText(batches, tokenizer, defaults, prefix, TooLong.CUT, from);
    }

    /// Answers texts that are too long in parts, which share an eighth.
    public TextToText inWindows() {
        return new TextToText(batches, tokenizer, defaults, prefix, TooLong.IN_WINDOWS, from);
    }

    /// Out of a language: `en_XX` of mBART, `eng_Latn` of NLLB, `en` of M2M100 and of T5; a beginning that only one has
    /// will do.
    ///
    /// @throws IllegalArgumentException if the model has no such language, with those it has
    public TextToText from(String language) {
        if (tasks(language, "").isEmpty()) {
            return new TextToText(batches, knownLanguage(language, () -> tokenizer.withLanguage(language)), defaults,
                    prefix, length, language);
        }
        return new TextToText(batches, tokenizer, defaults, prefix, length, language);
    }

    /// Into a language, by the same names. T5 is told by the settings of its config, the multilingual models of Marian by
    /// `>>fra<<` before the text, all others by the first token of the answer.
    ///
    /// @throws IllegalArgumentException if the model has no such language, with those it has
    public TextToText into(String language) {
        List<String> tasks = tasks(from, language);
        if (!tasks.isEmpty()) {
            return settled(tasks.getFirst());
        }
        String token = knownLanguage(language, () -> tokenizer.languageToken(language));
        if (token.startsWith(">>")) {
            return new TextToText(batches, tokenizer, defaults, token + " " + prefix, length, from);
        }
        int id = tokenizer.id(token).orElseThrow();
        Generation told = defaults.withForcedFirstId(id);
        // The first mBART began an answer with its language and nothing else.
        return new TextToText(batches, tokenizer,
                told.forced().decoderStart().isPresent()
                        ? told
                        : told.with(Json.of("", Json.object().put("decoder_start_token_id", id))),
                prefix, length, from);
    }

    /// The languages of the model, as [#from] and [#into] take them.
    public List<String> languages() {
        var pairs = tasks("", "").stream().flatMap(task -> Stream.of(task.split("_")[1], task.split("_")[3]));
        return Stream.concat(pairs, tokenizer.languages().stream()).distinct().toList();
    }

    /// Whether the model knows several languages and nothing says yet which one its answers are in; see [#into].
    public boolean lacksLanguage() {
        OptionalInt start = defaults.forced().decoderStart();
        boolean begun = start.isPresent() && tokenizer.languages().stream()
                .anyMatch(code -> tokenizer.id(tokenizer.languageToken(code)).equals(start));
        return !begun && prefix.isEmpty() && defaults.forced().first().isEmpty() && !languages().isEmpty();
    }

    private <T> T knownLanguage(String language, Supplier<T> token) {
        if (tokenizer.languages().isEmpty()) {
            throw new IllegalArgumentException(languages().isEmpty()
                    ? "\"%s\" cannot be chosen: this model names no languages".formatted(language)
                    : "\"%s\" is no language of this model; it has %s".formatted(language,
                            String.join(", ", tasks("", ""))));
        }
        return token.get();
    }

    /// The config's settings for a pair of languages: `translation_en_to_de`. An empty name stands for any.
    private List<String> tasks(String source, String target) {
        Json config = batches.head().context().config();
        if (!config.has("task_specific_params")) {
            return List.of();
        }
        return config.object("task_specific_params").names().stream().filter(name -> {
            String[] words = name.split("_");
            return words.length == 4 && words[0].equals("translation") && words[2].equals("to")
                    && (source.isEmpty() || words[1].equals(source)) && (target.isEmpty() || words[3].equals(target));
        }).sorted().toList();
    }

    private TextToText settled(String task) {
        Json own = batches.head().context().config().object("task_specific_params").object(task);
        return new TextToText(batches, tokenizer, defaults.with(own), own.text("prefix", prefix), length, from);
    }

    /// What the folder says of generation; the settings to start from.
    public Generation defaults() {
        return defaults;
    }

    /// What the model makes of one text.
    public String answer(String text) {
        return answer(List.of(text), defaults).getFirst().text();
    }

    /// An answer to each text, and where the model looked while it wrote it.
    ///
    /// @param layer  whose attention is shown, counted from 1; empty for the average of all
    /// @throws IllegalArgumentException if the model has no such layer, or texts are answered in windows
    /// @throws RefusedTexts if a text is empty, or longer than the model's positions
    public List<Alignment> aligned(List<String> texts, Generation options, OptionalInt layer) {
        if (length == TooLong.IN_WINDOWS) {
            throw new IllegalArgumentException(
                    "an alignment is of a whole text and its answer; ask for truncation instead of windows");
        }
        List<Encoding> encodings = spread(texts).stream().map(List::getFirst).toList();
        Answer[] answers = generate(encodings, options);
        return IntStream.range(0, answers.length).mapToObj(i -> align(encodings.get(i), answers[i], layer)).toList();
    }

    /// The model reads what it wrote once more, all of it in one pass.
    private Alignment align(Encoding text, Answer answer, OptionalInt layer) {
        int[] given = IntStream.concat(IntStream.of(answer.begun), IntStream.of(answer.ids)).limit(
                answer.begun.length + answer.ids.length - 1L).toArray();
        try (var off = Gradients.off();
                var scope = TensorScope.open();
                var trace = Trace.recording(Alignment::isWeights)) {
            Map<String, Tensor> inputs = new TreeMap<>(batches.inputs(List.of(text)));
            inputs.put("decoder_input_ids", Tensor.of(given, 1, given.length).to(inputs.get("input_ids").device()));
            batches.head().outputs(inputs, ForwardPass.plain().withTrace(trace));
            double[][] weights = Alignment.averaged(trace.values(), layer);
            return new Alignment(answer.text, readable(text.ids()), readable(answer.ids),
                    Arrays.copyOfRange(weights, answer.begun.length - 1, weights.length));
        }
    }

    private List<String> readable(int[] ids) {
        return IntStream.of(ids).mapToObj(id -> {
            String alone = tokenizer.decode(new int[]{id}).strip();
            return alone.isEmpty() ? tokenizer.token(id) : alone;
        }).toList();
    }

    /// An answer to each text.
    ///
    /// @throws RefusedTexts if a text is empty, or longer than the model's positions
    public List<Output> answer(List<String> texts, Generation options) {
        List<List<Encoding>> spread = spread(texts);
        List<Encoding> all = spread.stream().flatMap(List::stream).toList();
        Answer[] answers = generate(all, options);
        var outputs = new ArrayList<Output>();
        int from = 0;
        for (List<Encoding> windows : spread) {
            int to = from + windows.size();
            String text = IntStream.range(from, to).mapToObj(i -> answers[i].text).collect(Collectors.joining(" "));
            outputs.add(new Output(text, windows.stream().mapToInt(Encoding::size).sum(),
                    IntStream.range(from, to).map(i -> answers[i].ids.length).sum(), windows.size()));
            from = to;
        }
        return outputs;
    }

    /// The windows of each text.
    private List<List<Encoding>> spread(List<String> texts) {
        Batches.requireWords(texts);
        List<List<Encoding>> spread = texts.stream().map(text -> encode(prefix + text)).toList();
        RefusedTexts.check(texts.size(), i -> length != TooLong.REFUSED || spread.get(i).getFirst().size() <= batches
                .room()
                        ? null
                        : "has %d tokens and this model has room for %d; shorten it, or ask for truncation or windows"
                                .formatted(spread.get(i).getFirst().size(), batches.room()));
        return spread;
    }

    private List<Encoding> encode(String given) {
        int room = batches.room();
        return switch (length) {
            case CUT -> List.of(tokenizer.with(Truncation.to(room)).encode(given));
            case IN_WINDOWS -> tokenizer.with(Truncation.windows(room, room / 8)).encode(given);
            case REFUSED -> List.of(tokenizer.encode(given));
        };
    }

    /// What the decoder began with, what it wrote, and the text of that.
    private record Answer(int[] begun, int[] ids, String text) {}

    /// Texts of like length together; the answers in the order of the texts, without what follows an end.
    private Answer[] generate(List<Encoding> encodings, Generation options) {
        var generator = Generator.of((ConditionalLanguageModel) batches.head())
                .withStop(Stop.strings(tokenizer, options.limits().stopStrings()));
        var answers = new Answer[encodings.size()];
        List<Integer> order = IntStream.range(0, encodings.size()).boxed()
                .sorted(Comparator.comparingInt(i -> encodings.get(i).size())).toList();
        for (int from = 0; from < order.size(); from += ROWS) {
            List<Integer> batch = order.subList(from, Math.min(from + ROWS, order.size()));
            try (var scope = TensorScope.open()) {
                Map<String, Tensor> inputs = batches.inputs(batch.stream().map(encodings::get).toList());
                Generated generated = generator.generate(inputs, options);
                List<Generated.Text> texts = generated.texts();
                int copies = texts.size() / batch.size();
                for (int i = 0; i < batch.size(); i++) {
                    Generated.Text best = texts.get(i * copies);
                    int[] begun = generated.prompts().ids()[best.prompt()];
                    answers[batch.get(i)] = new Answer(begun, best.ids(),
                            Pieces.text(tokenizer, begun, best, options).strip());
                }
            }
        }
        return answers;
    }

    @Override
    public void close() {
        batches.close();
    }
}
