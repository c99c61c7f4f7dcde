package dev.weft.run.pipeline;

import dev.weft.run.Task;
import dev.weft.models.Loading;
import dev.weft.models.heads.PretrainedModel;
import dev.weft.tensor.Gradients;
import dev.weft.tensor.Tensor;
import dev.weft.tensor.TensorScope;
import dev.weft.text.Encoding;
import dev.weft.text.Tokenizer;
import dev.weft.text.Truncation;
import java.nio.file.Path;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.stream.IntStream;

/// A vector for each text, such that texts of like meaning have like vectors (Reimers & Gurevych 2019). Reads what
/// `sentence-transformers` writes beside a model: `modules.json`, the pooling, what follows it, prompts, the longest text; a folder
/// without these is pooled by the mean. Safe to share between threads.
public final class SentenceEmbedder implements AutoCloseable {
    /// A text's vector.
    ///
    /// @param tokens  how many the text has, special ones included
    /// @param windows how many parts a long text was read in; their vectors were averaged
    public record Embedding(float[] vector, int tokens, int windows) {}

    /// How the vectors of tokens become one.
    public enum Pooling {
        MEAN("mean", "pooling_mode_mean_tokens"), CLS("cls", "pooling_mode_cls_token"), MAX("max",
                "pooling_mode_max_tokens"), LAST("lasttoken", "pooling_mode_lasttoken"), MEAN_SQRT_LENGTH(
                        "mean_sqrt_len_tokens", "pooling_mode_mean_sqrt_len_tokens"), WEIGHTED_MEAN("weightedmean",
                                "pooling_mode_weightedmean_tokens");

        /// What new and old files call it.
        final String mode;
        final String flag;

        Pooling(String mode, String flag) {
            this.mode = mode;
            this.flag = flag;
        }
    }

    /// How alike two vectors are; the larger, the more.
    public enum Similarity {
        /// Of the angle between them: 1 for the same direction, 0 for nothing in common.
        COSINE,
        /// Their product.
        DOT,
        /// Their distance, below 0.
        EUCLIDEAN,
        /// The sum of the distances of their numbers, below 0.
        MANHATTAN;

        double of(float[] one, float[] other) {
            requireSame(one, other);
            double sum = 0;
            for (int i = 0; i < one.length; i++) {
                double away = (double) one[i] - other[i];
                sum += switch (this) {
                    case COSINE, DOT -> (double) one[i] * other[i];
                    case EUCLIDEAN -> away * away;
                    case MANHATTAN -> Math.abs(away);
                };
            }
            return switch (this) {
                case COSINE -> similarity(one, other);
                case DOT -> sum;
                case EUCLIDEAN -> -Math.sqrt(sum);
                case MANHATTAN -> -sum;
            };
        }
    }

    /// What is done with a text on its way to a vector.
    ///
    /// @param modules    as the folder has it
    /// @param poolings   their results stand one behind the other
    /// @param normalizes whether vectors get the length 1 at the end
    /// @param dimensions only so many first numbers are kept, of models trained for it (Kusupati et al. 2022); 0: all
    /// @param maxTokens  longer texts are read in windows
    /// @param prompt     what stands before each text
    /// @param truncates  whether longer texts are cut instead
    record Setting(SentenceModules modules, List<Pooling> poolings, boolean normalizes, int dimensions, int maxTokens,
            String prompt, boolean truncates) {
        Setting withPoolings(List<Pooling> other) {
            return new Setting(modules, other, normalizes, dimensions, maxTokens, prompt, truncates);
        }

        Setting normalizing() {
            return new Setting(modules, poolings, true, dimensions, maxTokens, prompt, truncates);
        }

        Setting withDimensions(int other) {
            return new Setting(modules, poolings, normalizes, other, maxTokens, prompt, truncates);
        }

        Setting withPrompt(String other) {
            return new Setting(modules, poolings, normalizes, dimensions, maxTokens, other, truncates);
        }

        Setting truncating() {
            return new Setting(modules, poolings, normalizes, dimensions, maxTokens, prompt, true);
        }
    }

    private final Batches batches;
    private final Setting setting;

    private SentenceEmbedder(Batches batches, Setting setting) {
        this.batches = batches;
        this.setting = setting;
    }

    static SentenceEmbedder open(Path folder, Loading loading) {
        SentenceModules modules = SentenceModules.read(folder);
        Batches batches;
        try {
            batches = Batches.open(modules.transformer(), loading, Task.EMBEDDINGS);
        } catch (RuntimeException e) {
            modules.close();
            throw e;
        }
        return of(batches, modules);
    }

    /// A model that is there already and stays the caller's to close, pooled by the mean.
    public static SentenceEmbedder of(PretrainedModel model, Tokenizer tokenizer) {
        return of(Batches.of(model, tokenizer), SentenceModules.plain());
    }

    private static SentenceEmbedder of(Batches batches, SentenceModules modules) {
        try {
            int width = modules.width(batches.head().backbone().hiddenSize(),
                    modules.poolings().size());
            return new SentenceEmbedder(batches, new Setting(modules, modules.poolings(), false,
                    modules.dimensions() < width ? modules.dimensions() : 0,
                    Math.min(batches.room(), modules.maxTokens()), modules.prompt(), false));
        } catch (RuntimeException e) {
            modules.close();
            batches.close();
            throw e;
        }
    }

    /// How a folder says that vectors of tokens become one; the mean where it says nothing.
    ///
    /// @throws IllegalArgumentException if that is not all it does with them
    public static Pooling pooling(Path folder) {
        try (SentenceModules modules = SentenceModules.read(folder)) {
            if (modules.poolings().size() > 1 || !modules.prompt().isEmpty() || modules.lowercases()
                    || modules.steps().stream().anyMatch(step -> !(step instanceof SentenceModules.Step.Normalized))) {
                throw new IllegalArgumentException(
                        folder + ": its vectors are made by more than a pooling; say --pooling to compare by that alone");
            }
            return modules.poolings().getFirst();
        }
    }

    /// Makes the folder of a model one of sentence vectors, for [Pipelines#embeddings] and for `sentence-transformers`.
    ///
    /// @param normalizes whether vectors get the length 1
    /// @param maxTokens  of a text at most
    public static void describe(Path folder, PretrainedModel model, Pooling pooling, boolean normalizes,
            int maxTokens) {
        SentenceModules.write(folder, model.backbone().hiddenSize(), pooling, normalizes, maxTokens);
    }

    private SentenceEmbedder with(Setting other) {
        return new SentenceEmbedder(batches, other);
    }

    /// With another pooling than the folder says. Both are closed by either, as with all of these.
    public SentenceEmbedder with(Pooling pooling) {
        return with(setting.withPoolings(List.of(pooling)));
    }

    /// With vectors of length 1, so that their dot product is their cosine.
    public SentenceEmbedder normalizing() {
        return with(setting.normalizing());
    }

    /// Cutting texts that are too long, as `sentence-transformers` does, instead of reading them in windows.
    public SentenceEmbedder truncating() {
        return with(setting.truncating());
    }

    /// With only the first numbers of each vector, as models trained for it allow.
    public SentenceEmbedder withDimensions(int dimensions) {
        int all = with(setting.withDimensions(0)).dimensions();
        if (dimensions < 1 || dimensions > all) {
            throw new IllegalArgumentException("vectors of this model have %d dimensions, asked for %d"
                    .formatted(all, dimensions));
        }
        return with(setting.withDimensions(dimensions));
    }

    /// The purposes for which the folder puts something before a text: `query`, `passage`.
    public Set<String> purposes() {
        return setting.modules.prompts().keySet();
    }

    /// With what the folder puts before texts of this purpose: `query`, `passage`.
    ///
    /// @throws IllegalArgumentException if it knows no such purpose, naming those it knows
    public SentenceEmbedder forPurpose(String purpose) {
        String prompt = setting.modules.prompts().get(purpose);
        if (prompt == null) {
            throw new IllegalArgumentException("this model has no prompt \"%s\"; it has %s".formatted(purpose,
                    setting.modules.prompts().keySet().stream().sorted().toList()));
        }
        return withPrompt(prompt);
    }

    /// With this before each text.
    public SentenceEmbedder withPrompt(String prompt) {
        return with(setting.withPrompt(prompt));
    }

    /// How long a vector is.
    public int dimensions() {
        if (setting.dimensions > 0) {
            return setting.dimensions;
        }
        return setting.modules.width(batches.head().backbone().hiddenSize(), setting.poolings.size());
    }

    /// One text's vector, of as many numbers as the model is wide or its last layer says.
    public float[] embed(String text) {
        return embed(List.of(text)).getFirst().vector();
    }

    /// A vector for each text. One that is too long for the model is read in windows that share an eighth, and its vector
    /// is theirs averaged by their tokens; see [#truncating].
    ///
    /// @throws RefusedTexts if a text is empty
    public List<Embedding> embed(List<String> texts) {
        Batches.requireWords(texts);
        var spreading = batches.tokenizer().with(Truncation.windows(setting.maxTokens, setting.maxTokens / 8));
        var cutting = batches.tokenizer().with(Truncation.to(setting.maxTokens));
        List<List<Encoding>> spread = texts.stream().map(text -> {
            String whole = cased(setting.prompt + text);
            return setting.truncates ? List.of(cutting.encode(whole)) : spreading.encode(whole);
        }).toList();
        int left = setting.modules.promptCounts() || setting.prompt.isEmpty() ? 0 : promptTokens(cutting);
        // Of each text's first window only.
        var skipped = new IdentityHashMap<Encoding, Integer>();
        spread.forEach(windows -> skipped.put(windows.getFirst(), Math.min(left, windows.getFirst().size() - 1)));
        List<float[]> pooled = batches.map(spread.stream().flatMap(List::stream).toList(),
                List.of("last_hidden_state"), (outputs, text) -> pooled(outputs.get("last_hidden_state"), text,
                        skipped.getOrDefault(text, 0)));
        var joined = new float[texts.size()][];
        int from = 0;
        for (int text = 0; text < joined.length; text++) {
            List<Encoding> windows = spread.get(text);
            int[] counts = windows.stream().mapToInt(each -> each.size() - skipped.getOrDefault(each, 0)).toArray();
            joined[text] = averaged(pooled.subList(from, from + windows.size()), counts);
            from += windows.size();
        }
        float[][] vectors = finished(joined);
        return IntStream.range(0, joined.length).mapToObj(text -> new Embedding(vectors[text],
                spread.get(text).stream().mapToInt(Encoding::size).sum(), spread.get(text).size())).toList();
    }

    private String cased(String text) {
        return setting.modules.lowercases() ? text.toLowerCase(Locale.ROOT) : text;
    }

    /// Tokens of the prompt, with what the tokenizer puts before a text and without what it puts behind.
    private int promptTokens(Tokenizer cutting) {
        Encoding prompt = cutting.encode(cased(setting.prompt));
        int n = prompt.size();
        return n > 0 && cutting.isSpecial(prompt.ids()[n - 1]) ? n - 1 : n;
    }

    /// @param skipped tokens at the beginning that are not pooled
    private float[] pooled(Tensor padded, Encoding text, int skipped) {
        int n = text.size() - skipped;
        Tensor hidden = padded.narrow(0, skipped, n);
        return Tensor.cat(setting.poolings.stream().map(pooling -> switch (pooling) {
            case CLS -> hidden.select(0, 0);
            case LAST -> hidden.select(0, n - 1);
            case MAX -> hidden.max(0, false);
            case MEAN -> hidden.sum(0, false).div(n);
            case MEAN_SQRT_LENGTH -> hidden.sum(0, false).div(Math.sqrt(n));
            // Places count from the text's beginning, whatever is left out.
            case WEIGHTED_MEAN ->
                hidden.mul(Tensor.arange(skipped + 1, text.size() + 1).to(hidden.dtype()).unsqueeze(1))
                        .sum(0, false).div(n * (2.0 * skipped + n + 1) / 2);
        }).toList(), 0).toFloats();
    }

    /// The average of a text's windows, each counting as it has tokens.
    private static float[] averaged(List<float[]> vectors, int[] counts) {
        float[] whole = new float[vectors.getFirst().length];
        int tokens = IntStream.of(counts).sum();
        for (int i = 0; i < counts.length; i++) {
            float share = (float) counts[i] / tokens;
            for (int d = 0; d < whole.length; d++) {
                whole[d] += share * vectors.get(i)[d];
            }
        }
        return whole;
    }

    /// What the folder's modules make of these vectors, as many numbers of each as are wanted.
    private float[][] finished(float[][] vectors) {
        int kept = dimensions();
        var all = new float[vectors.length][];
        try (var off = Gradients.off(); var scope = TensorScope.open()) {
            for (int i = 0; i < vectors.length; i++) {
                Tensor vector = Tensor.of(vectors[i], 1, vectors[i].length);
                for (SentenceModules.Step step : setting.modules.steps()) {
                    vector = step.forward(vector);
                }
                vector = vector.narrow(1, 0, kept);
                all[i] = (setting.normalizes ? new SentenceModules.Step.Normalized().forward(vector) : vector)
                        .toFloats();
            }
        }
        return all;
    }

    /// How alike a text and each of others are in meaning, as the folder says to compare: by the cosine, if it says nothing.
    public double[] similarities(String text, List<String> others) {
        float[] its = embed(text);
        return embed(others).stream().mapToDouble(other -> alike(its, other.vector())).toArray();
    }

    /// How alike two vectors of this model are, as the folder says to compare them.
    public double alike(float[] one, float[] other) {
        return setting.modules.similarity().of(one, other);
    }

    /// The cosine of the angle between two vectors: 1 for the same direction, 0 for nothing in common.
    public static double similarity(float[] one, float[] other) {
        requireSame(one, other);
        double dot = 0;
        double first = 0;
        double second = 0;
        for (int i = 0; i < one.length; i++) {
            dot += (double) one[i] * other[i];
            first += (double) one[i] * one[i];
            second += (double) other[i] * other[i];
        }
        return dot / Math.max(1e-12, Math.sqrt(first) * Math.sqrt(second));
    }

    private static void requireSame(float[] one, float[] other) {
        if (one.length != other.length) {
            throw new IllegalArgumentException("vectors of %d and %d numbers cannot be compared".formatted(one.length,
                    other.length));
        }
    }

    @Override
    public void close() {
        setting.modules.close();
        batches.close();
    }
}
