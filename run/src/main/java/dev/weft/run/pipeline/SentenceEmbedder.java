package dev.weft.run.pipeline;

import dev.weft.checkpoint.Json;
import dev.weft.models.heads.Head;
import dev.weft.tensor.Tensor;
import dev.weft.text.Encoding;
import dev.weft.text.Tokenizer;
import dev.weft.text.Truncation;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;

/// A vector for each text, such that texts of like meaning have like vectors (Reimers & Gurevych 2019). Reads what
/// `sentence-transformers` writes beside a model: `modules.json`, the pooling, prompts, the longest text; a folder without
/// these is pooled by the mean. Safe to share between threads.
public final class SentenceEmbedder implements AutoCloseable {
    /// A text's vector.
    ///
    /// @param tokens  how many the text has, special ones included
    /// @param windows how many parts a long text was read in; their vectors were averaged
    public record Embedding(float[] vector, int tokens, int windows) {}

    /// How the vectors of tokens become one.
    public enum Pooling {
        MEAN("pooling_mode_mean_tokens"), CLS("pooling_mode_cls_token"), MAX("pooling_mode_max_tokens"), LAST(
                "pooling_mode_lasttoken"), MEAN_SQRT_LENGTH("pooling_mode_mean_sqrt_len_tokens"), WEIGHTED_MEAN(
                        "pooling_mode_weightedmean_tokens");

        private final String inFile;

        Pooling(String inFile) {
            this.inFile = inFile;
        }
    }

    /// What is done with a text on its way to a vector.
    ///
    /// @param poolings   their results stand one behind the other
    /// @param normalizes whether vectors get the length 1
    /// @param dimensions only so many first numbers are kept, of models trained for it (Kusupati et al. 2022); 0: all
    /// @param maxTokens  longer texts are read in windows
    /// @param lowercases whether texts are made lower case first
    /// @param prompts    what stands before a text, by its purpose
    /// @param prompt     what stands before each text
    /// @param truncates  whether longer texts are cut instead
    record Setting(List<Pooling> poolings, boolean normalizes, int dimensions, int maxTokens, boolean lowercases,
            Map<String, String> prompts, String prompt, boolean truncates) {
        Setting withPoolings(List<Pooling> other) {
            return new Setting(other, normalizes, dimensions, maxTokens, lowercases, prompts, prompt, truncates);
        }

        Setting normalizing() {
            return new Setting(poolings, true, dimensions, maxTokens, lowercases, prompts, prompt, truncates);
        }

        Setting withDimensions(int other) {
            return new Setting(poolings, normalizes, other, maxTokens, lowercases, prompts, prompt, truncates);
        }

        Setting withPrompt(String other) {
            return new Setting(poolings, normalizes, dimensions, maxTokens, lowercases, prompts, other, truncates);
        }

        Setting truncating() {
            return new Setting(poolings, normalizes, dimensions, maxTokens, lowercases, prompts, prompt, true);
        }
    }

    private final Batches batches;
    private final Setting setting;

    private SentenceEmbedder(Batches batches, Setting setting) {
        this.batches = batches;
        this.setting = setting;
    }

    static SentenceEmbedder open(Path folder) {
        Path transformer = folder;
        List<Pooling> poolings = List.of(Pooling.MEAN);
        boolean normalizes = false;
        if (Files.exists(folder.resolve("modules.json"))) {
            for (Json module : modules(folder)) {
                String type = module.text("type");
                Path place = folder.resolve(module.text("path", ""));
                switch (type.substring(type.lastIndexOf('.') + 1)) {
                    case "Transformer" -> transformer = place;
                    case "Pooling" -> poolings = poolings(Json.read(place.resolve("config.json")));
                    case "Normalize" -> normalizes = true;
                    default -> throw new IllegalArgumentException(
                            "%s: the module %s is not known; Weft knows Transformer, Pooling and Normalize"
                                    .formatted(folder.resolve("modules.json"), type));
                }
            }
        }
        Batches batches = Batches.open(transformer, Task.EMBEDDINGS);
        Json limits = optional(transformer.resolve("sentence_bert_config.json"));
        Json prompts = optional(folder.resolve("config_sentence_transformers.json"));
        var known = new HashMap<String, String>();
        if (prompts.has("prompts")) {
            Json texts = prompts.object("prompts");
            texts.names().forEach(name -> known.put(name, texts.text(name)));
        }
        String usual = prompts.has("default_prompt_name")
                ? known.getOrDefault(prompts.text("default_prompt_name"), "")
                : "";
        return new SentenceEmbedder(batches, new Setting(poolings, normalizes, 0,
                Math.min(batches.room(), limits.integer("max_seq_length", Integer.MAX_VALUE)),
                limits.flag("do_lower_case", false), Map.copyOf(known), usual, false));
    }

    /// A model that is there already and stays the caller's to close, pooled by the mean.
    public static SentenceEmbedder of(Head model, Tokenizer tokenizer) {
        Batches batches = Batches.of(model, tokenizer);
        return new SentenceEmbedder(batches,
                new Setting(List.of(Pooling.MEAN), false, 0, batches.room(), false, Map.of(), "", false));
    }

    /// How a folder says that vectors of tokens become one; the mean where it says nothing, the first where it says several.
    public static Pooling pooling(Path folder) {
        return Files.exists(folder.resolve("modules.json"))
                ? modules(folder).stream().filter(module -> module.text("type").endsWith("Pooling")).findFirst()
                        .map(module -> poolings(
                                Json.read(folder.resolve(module.text("path", "")).resolve("config.json"))).getFirst())
                        .orElse(Pooling.MEAN)
                : Pooling.MEAN;
    }

    private static List<Json> modules(Path folder) {
        Path file = folder.resolve("modules.json");
        try {
            return Json.parse(file.toString(), "{\"modules\":" + Files.readString(file) + "}").objects("modules");
        } catch (IOException e) {
            throw new UncheckedIOException(file + " cannot be read: " + e.getMessage(), e);
        }
    }

    private static Json optional(Path file) {
        return Files.exists(file) ? Json.read(file) : Json.of(file.toString(), Json.object());
    }

    private static List<Pooling> poolings(Json config) {
        var poolings = new ArrayList<Pooling>();
        // The order in which the vectors stand one behind the other.
        for (Pooling pooling : List.of(Pooling.CLS, Pooling.MAX, Pooling.MEAN, Pooling.MEAN_SQRT_LENGTH,
                Pooling.WEIGHTED_MEAN, Pooling.LAST)) {
            if (config.flag(pooling.inFile, false)) {
                poolings.add(pooling);
            }
        }
        return poolings.isEmpty() ? List.of(Pooling.MEAN) : List.copyOf(poolings);
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
        if (dimensions < 1 || dimensions > dimensions(setting.poolings)) {
            throw new IllegalArgumentException("vectors of this model have %d dimensions, asked for %d"
                    .formatted(dimensions(setting.poolings), dimensions));
        }
        return with(setting.withDimensions(dimensions));
    }

    /// The purposes for which the folder puts something before a text: `query`, `passage`.
    public Set<String> purposes() {
        return setting.prompts.keySet();
    }

    /// With what the folder puts before texts of this purpose: `query`, `passage`.
    ///
    /// @throws IllegalArgumentException if it knows no such purpose, naming those it knows
    public SentenceEmbedder forPurpose(String purpose) {
        String prompt = setting.prompts.get(purpose);
        if (prompt == null) {
            throw new IllegalArgumentException("this model has no prompt \"%s\"; it has %s".formatted(purpose,
                    setting.prompts.keySet().stream().sorted().toList()));
        }
        return withPrompt(prompt);
    }

    /// With this before each text.
    public SentenceEmbedder withPrompt(String prompt) {
        return with(setting.withPrompt(prompt));
    }

    /// How long a vector is.
    public int dimensions() {
        return setting.dimensions > 0 ? setting.dimensions : dimensions(setting.poolings);
    }

    private int dimensions(List<Pooling> poolings) {
        return poolings.size() * batches.head().backbone().hiddenSize();
    }

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
            String given = setting.prompt + text;
            String whole = setting.lowercases ? given.toLowerCase(Locale.ROOT) : given;
            return setting.truncates ? List.of(cutting.encode(whole)) : spreading.encode(whole);
        }).toList();
        List<float[]> pooled = batches.map(spread.stream().flatMap(List::stream).toList(),
                List.of("last_hidden_state"), (outputs, text) -> pooled(outputs.get("last_hidden_state"), text));
        var embeddings = new ArrayList<Embedding>();
        int from = 0;
        for (List<Encoding> windows : spread) {
            embeddings.add(joined(windows, pooled.subList(from, from + windows.size())));
            from += windows.size();
        }
        return embeddings;
    }

    private float[] pooled(Tensor padded, Encoding text) {
        int n = text.size();
        Tensor hidden = padded.narrow(0, 0, n);
        return Tensor.cat(setting.poolings.stream().map(pooling -> switch (pooling) {
            case CLS -> hidden.select(0, 0);
            case LAST -> hidden.select(0, n - 1);
            case MAX -> hidden.max(0, false);
            case MEAN -> hidden.sum(0, false).div(n);
            case MEAN_SQRT_LENGTH -> hidden.sum(0, false).div(Math.sqrt(n));
            case WEIGHTED_MEAN -> hidden.mul(Tensor.arange(1, n + 1).to(hidden.dtype()).unsqueeze(1)).sum(0, false)
                    .div(n * (n + 1) / 2.0);
        }).toList(), 0).toFloats();
    }

    private Embedding joined(List<Encoding> windows, List<float[]> vectors) {
        int kept = dimensions();
        float[] whole = new float[kept];
        int tokens = windows.stream().mapToInt(Encoding::size).sum();
        for (int i = 0; i < vectors.size(); i++) {
            float share = (float) windows.get(i).size() / tokens;
            float[] vector = vectors.get(i);
            for (int d = 0; d < kept; d++) {
                whole[d] += share * vector[d];
            }
        }
        if (setting.normalizes) {
            double length = Math.sqrt(IntStream.range(0, kept).mapToDouble(d -> whole[d] * whole[d]).sum());
            for (int d = 0; d < kept && length > 0; d++) {
                whole[d] /= (float) length;
            }
        }
        return new Embedding(whole, tokens, vectors.size());
    }

    /// How alike a text and each of others are in meaning, as the cosine of their vectors.
    public double[] similarities(String text, List<String> others) {
        float[] its = embed(text);
        return embed(others).stream().mapToDouble(other -> similarity(its, other.vector())).toArray();
    }

    /// The cosine of the angle between two vectors: 1 for the same direction, 0 for nothing in common.
    public static double similarity(float[] one, float[] other) {
        if (one.length != other.length) {
            throw new IllegalArgumentException("vectors of %d and %d numbers cannot be compared".formatted(one.length,
                    other.length));
        }
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

    @Override
    public void close() {
        batches.close();
    }
}
