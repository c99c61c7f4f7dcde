package dev.weft.run.pipeline;

import dev.weft.checkpoint.Json;
import dev.weft.checkpoint.ModelFolder;
import dev.weft.models.heads.ConditionalLanguageModel;
import dev.weft.models.heads.HeadKind;
import dev.weft.run.Generated;
import dev.weft.run.Generation;
import dev.weft.run.Generator;
import dev.weft.tensor.Tensor;
import dev.weft.tensor.TensorScope;
import dev.weft.text.Encoding;
import dev.weft.text.Tokenizer;
import dev.weft.text.Truncation;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

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

    /// What is done with a text that is too long.
    private enum TooLong {
        REFUSED, CUT, IN_WINDOWS
    }

    private TextToText(Batches batches, Tokenizer tokenizer, Generation defaults, String prefix, TooLong length) {
        this.batches = batches;
        this.tokenizer = tokenizer;
        this.defaults = defaults;
        this.prefix = prefix;
        this.length = length;
    }

    /// @param task its settings in `task_specific_params` of the config count: `summarization`, `translation_en_to_de`
    static TextToText open(Path folder, String task) {
        Batches batches = Batches.open(folder, HeadKind.SEQ2SEQ);
        Json config = batches.head().frame().config();
        Generation defaults = Generation.of(ModelFolder.open(folder));
        String prefix = config.text("prefix", "");
        if (config.has("task_specific_params") && config.object("task_specific_params").has(task)) {
            Json own = config.object("task_specific_params").object(task);
            defaults = defaults.with(own);
            prefix = own.text("prefix", prefix);
        }
        return new TextToText(batches, batches.tokenizer(), defaults, prefix, TooLong.REFUSED);
    }

    /// With this before each text, as T5 wants it: `translate English to German: `. All variants are closed by either.
    public TextToText withPrefix(String text) {
        return new TextToText(batches, tokenizer, defaults, text, length);
    }

    /// Cuts texts that are too long for the model.
    public TextToText truncating() {
        return new TextToText(batches, tokenizer, defaults, prefix, TooLong.CUT);
    }

    /// Answers texts that are too long in parts, which share an eighth.
    public TextToText inWindows() {
        return new TextToText(batches, tokenizer, defaults, prefix, TooLong.IN_WINDOWS);
    }

    /// Into a language, by its code in the vocabulary: `de_DE` of mBART-50, `__de__` of M2M100.
    ///
    /// @throws IllegalArgumentException if the vocabulary has no such code
    public TextToText into(String language) {
        int id = tokenizer.id(language).orElseThrow(() -> new IllegalArgumentException(
                "\"%s\" is no language of this vocabulary; it has the special tokens %s".formatted(language,
                        tokenizer.addedTokens().stream().filter(token -> token.special())
                                .map(token -> token.content()).limit(200).toList())));
        return new TextToText(batches, tokenizer, defaults.withForcedFirstId(id), prefix, length);
    }

    /// What the folder says of generation; the settings to start from.
    public Generation defaults() {
        return defaults;
    }

    public String answer(String text) {
        return answer(List.of(text), defaults).getFirst().text();
    }

    /// An answer to each text.
    ///
    /// @throws IllegalArgumentException if a text is empty, or longer than the model's positions
    public List<Output> answer(List<String> texts, Generation options) {
        List<List<Encoding>> spread = IntStream.range(0, texts.size())
                .mapToObj(i -> encode(i, prefix + texts.get(i), texts.get(i))).toList();
        List<Encoding> all = spread.stream().flatMap(List::stream).toList();
        int[][] answers = generate(all, options);
        var outputs = new ArrayList<Output>();
        int from = 0;
        for (List<Encoding> windows : spread) {
            int to = from + windows.size();
            String text = IntStream.range(from, to).mapToObj(i -> tokenizer.decode(answers[i], true).strip())
                    .collect(Collectors.joining(" "));
            outputs.add(new Output(text, windows.stream().mapToInt(Encoding::size).sum(),
                    IntStream.range(from, to).map(i -> answers[i].length).sum(), windows.size()));
            from = to;
        }
        return outputs;
    }

    private List<Encoding> encode(int index, String given, String text) {
        if (text.isBlank()) {
            throw new IllegalArgumentException("Text %d is empty; give at least one word".formatted(index));
        }
        int room = batches.room();
        return switch (length) {
            case CUT -> List.of(tokenizer.with(Truncation.to(room)).encode(given));
            case IN_WINDOWS -> tokenizer.with(Truncation.windows(room, room / 8)).encode(given);
            case REFUSED -> {
                Encoding whole = tokenizer.encode(given);
                if (whole.size() > room) {
                    throw new IllegalArgumentException(
                            "Text %d has %d tokens and this model has room for %d; shorten it, or ask for truncation or windows"
                                    .formatted(index, whole.size(), room));
                }
                yield List.of(whole);
            }
        };
    }

    /// Texts of like length together; the answers in the order of the texts, without what follows an end.
    private int[][] generate(List<Encoding> encodings, Generation options) {
        var generator = Generator.of((ConditionalLanguageModel) batches.head());
        int[][] answers = new int[encodings.size()][];
        List<Integer> order = IntStream.range(0, encodings.size()).boxed()
                .sorted(Comparator.comparingInt(i -> encodings.get(i).size())).toList();
        for (int from = 0; from < order.size(); from += ROWS) {
            List<Integer> batch = order.subList(from, Math.min(from + ROWS, order.size()));
            try (var scope = TensorScope.open()) {
                Map<String, Tensor> inputs = batches.inputs(batch.stream().map(encodings::get).toList());
                List<Generated.Text> texts = generator.generate(inputs, options).texts();
                int copies = texts.size() / batch.size();
                for (int i = 0; i < batch.size(); i++) {
                    answers[batch.get(i)] = texts.get(i * copies).ids();
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
