package dev.weft.run.pipeline;

import dev.weft.run.Task;
import dev.weft.models.Loading;
import dev.weft.models.Models;
import dev.weft.models.heads.PretrainedModel;
import dev.weft.models.heads.HeadKind;
import dev.weft.models.heads.MultipleChoice;
import dev.weft.nn.ForwardPass;
import dev.weft.run.Tokenizers;
import dev.weft.tensor.DType;
import dev.weft.tensor.Device;
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
import java.util.Objects;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/// A folder opened for a task, and encodings on their way through its model: texts of like length go together, so that
/// little is computed for padding. Answers come in the order of the texts, and, but for rounding, none depends on the
/// others. Safe to share between threads.
final class Batches implements AutoCloseable {
    /// Tokens of a batch: enough to fill the processor, few enough for its caches.
    private static final int TOKENS = 2048;
    private static final String EMPTY = "is empty; give at least one word";

    private final PretrainedModel head;
    private final Tokenizer tokenizer;
    private final Device device;
    private final int padId;
    private final boolean typed;

    private Batches(PretrainedModel head, Tokenizer tokenizer) {
        this.head = head;
        this.tokenizer = tokenizer;
        device = head.parameters().values().iterator().next().device();
        padId = Tokenizers.padId(tokenizer, head.context().config());
        typed = head.context().config().integer("type_vocab_size", 0) > 1;
    }

    /// Opens a folder whose model has a head for a task.
    ///
    /// @throws IllegalArgumentException if it has another; the message says what the folder can do
    static Batches open(Path folder, Loading loading, Task task) {
        String architecture = Models.architecture(Models.config(folder));
        if (!task.heads().contains(HeadKind.of(architecture))) {
            throw new IllegalArgumentException("%s holds a %s, which can do: %s; asked for %s".formatted(folder,
                    architecture, Task.in(folder).stream().map(Task::title).collect(Collectors.joining(", ")),
                    task.title()));
        }
        Tokenizer tokenizer = Tokenizers.load(folder);
        return new Batches(Models.load(folder, loading), tokenizer);
    }

    /// A model that is there already.
    static Batches of(PretrainedModel head, Tokenizer tokenizer) {
        return new Batches(head, tokenizer);
    }

    PretrainedModel head() {
        return head;
    }

    Tokenizer tokenizer() {
        return tokenizer;
    }

    /// How many tokens a text may have, special ones included.
    int room() {
        return Math.min(head.textBackbone().maxPositions(), tokenizer.modelMaxLength().orElse(Integer.MAX_VALUE));
    }

    /// What the model says of one text.
    ///
    /// @param <T> of it, an answer
    @FunctionalInterface
    interface Reader<T> {
        /// @param outputs by name, each of this text alone, `[...]` without the batch, on the processor, in float32; of
        ///                padded texts with the padding, which stands on the right
        T read(Map<String, Tensor> outputs, Encoding encoding);
    }

    /// This folder's tokenizer, or one that cuts texts which are longer than the model's positions.
    Tokenizer tokenizer(boolean truncates) {
        return truncates ? tokenizer.with(Truncation.to(room())) : tokenizer;
    }

    /// Texts as the model takes them.
    ///
    /// @throws RefusedTexts if a text is empty or longer than the model's positions
    List<Encoding> encode(List<String> texts, boolean truncates) {
        requireWords(texts);
        return roomFor(tokenizer(truncates).encodeAll(texts));
    }

    /// @throws RefusedTexts if a text has nothing but white space
    static void requireWords(List<String> texts) {
        RefusedTexts.check(texts.size(), i -> texts.get(i).isBlank() ? EMPTY : null);
    }

    /// @throws RefusedTexts if one is longer than the model's positions
    List<Encoding> roomFor(List<Encoding> encodings) {
        RefusedTexts.check(encodings.size(), i -> problem(encodings.get(i).size()));
        return known(encodings);
    }

    /// @throws RefusedTexts if one has an id that the model has not
    private List<Encoding> known(List<Encoding> encodings) {
        int vocab = head.textBackbone().vocabSize();
        if (tokenizer.vocabSize() > vocab) {
            RefusedTexts.check(encodings.size(),
                    i -> Tokenizers.beyond(tokenizer, encodings.get(i).ids(), vocab));
        }
        return encodings;
    }

    /// What is wrong with so many tokens, or null.
    private @Nullable String problem(int tokens) {
        return tokens == 0
                ? EMPTY
                : tokens <= room()
                        ? null
                        : "has %d tokens and this model has room for %d; shorten it or ask for truncation"
                                .formatted(tokens, room());
    }

    /// An answer for each text, none of which is longer than the model's positions.
    ///
    /// @param wanted  the names of the outputs that are read
    <T> List<T> map(List<Encoding> encodings, List<String> wanted, Reader<T> reader) {
        head.requireOpen();
        List<Integer> order = IntStream.range(0, encodings.size()).boxed()
                .sorted(Comparator.comparingInt(i -> encodings.get(i).size())).toList();
        var answers = new ArrayList<T>();
        encodings.forEach(each -> answers.add(null));
        for (int from = 0; from < order.size();) {
            int to = from + 1;
            // The last of a batch is its longest.
            while (to < order.size() && (to + 1 - from) * encodings.get(order.get(to)).size() <= TOKENS) {
                to++;
            }
            List<Integer> batch = order.subList(from, to);
            List<T> read = batch(batch.stream().map(encodings::get).toList(), wanted, reader);
            for (int i = 0; i < batch.size(); i++) {
                answers.set(batch.get(i), read.get(i));
            }
            from = to;
        }
        return answers;
    }

    private <T> List<T> batch(List<Encoding> texts, List<String> wanted, Reader<T> reader) {
        int rows = texts.size();
        try (var off = Gradients.off(); var scope = TensorScope.open()) {
            Map<String, Tensor> outputs = head.outputs(inputs(texts), ForwardPass.plain());
            var here = new TreeMap<String, Tensor>();
            for (String name : wanted) {
                here.put(name, outputs.get(name).to(DType.FLOAT32).to(Device.CPU));
            }
            var answers = new ArrayList<T>(rows);
            for (int row = 0; row < rows; row++) {
                try (var one = TensorScope.open()) {
                    var its = new TreeMap<String, Tensor>();
                    for (Map.Entry<String, Tensor> output : here.entrySet()) {
                        its.put(output.getKey(), output.getValue().select(0, row));
                    }
                    answers.add(reader.read(its, texts.get(row)));
                }
            }
            return answers;
        }
    }

    /// A model's arguments for texts, padded on the right to the last, which is the longest.
    Map<String, Tensor> inputs(List<Encoding> texts) {
        texts.stream().map(text -> Tokenizers.beyond(tokenizer, text.ids(), head.textBackbone().vocabSize()))
                .filter(Objects::nonNull).findFirst().ifPresent(problem -> {
                    throw new IllegalArgumentException("A text " + problem);
                });
        int length = texts.getLast().size();
        var inputs = new TreeMap<String, Tensor>();
        inputs.put("input_ids", matrix(texts, length, padId, Encoding::ids));
        if (texts.getFirst().size() < length) {
            inputs.put("attention_mask", matrix(texts, length, 0, Encoding::attentionMask));
        }
        if (typed) {
            inputs.put("token_type_ids", matrix(texts, length, 0, Encoding::typeIds));
        }
        return inputs;
    }

    private interface Column {
        int[] of(Encoding encoding);
    }

    private Tensor matrix(List<Encoding> texts, int length, int padding, Column column) {
        int[] flat = new int[texts.size() * length];
        for (int row = 0; row < texts.size(); row++) {
            int[] values = column.of(texts.get(row));
            System.arraycopy(values, 0, flat, row * length, values.length);
            Arrays.fill(flat, row * length + values.length, (row + 1) * length, padding);
        }
        // A head that picks among choices wants their number; which text a choice belongs to is the pipeline's business.
        Tensor rows = head instanceof MultipleChoice
                ? Tensor.of(flat, texts.size(), 1, length)
                : Tensor.of(flat, texts.size(), length);
        return rows.to(device);
    }

    @Override
    public void close() {
        head.close();
    }
}
