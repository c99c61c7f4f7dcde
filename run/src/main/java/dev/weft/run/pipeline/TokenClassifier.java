package dev.weft.run.pipeline;

import dev.weft.run.Task;
import dev.weft.models.Loading;
import dev.weft.tensor.Tensor;
import dev.weft.text.Encoding;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/// Names and other stretches of a text that have a label. The Python library's `token-classification`, and its ways of
/// making one label of those of several tokens. Safe to share between threads.
public final class TokenClassifier implements AutoCloseable {
    /// How the labels of tokens become those of words and names.
    public enum Aggregation {
        /// Each token for itself.
        NONE,
        /// Neighbours of one label are one; a word may fall apart.
        SIMPLE,
        /// A word has the label of its first token.
        FIRST,
        /// A word has the label that its tokens have in the mean.
        AVERAGE,
        /// A word has the label of its surest token.
        MAX
    }

    /// What is no entity.
    private static final String OUTSIDE = "O";

    private final Batches batches;
    private final List<String> labels;
    private final Aggregation aggregation;
    private final boolean truncates;

    private TokenClassifier(Batches batches, Aggregation aggregation, boolean truncates) {
        this.batches = batches;
        this.aggregation = aggregation;
        this.truncates = truncates;
        labels = batches.head().context().labelNames();
    }

    static TokenClassifier open(Path folder, Loading loading) {
        return new TokenClassifier(Batches.open(folder, loading, Task.TOKEN_CLASSIFICATION), Aggregation.SIMPLE, false);
    }

    /// This one with another way of joining tokens. Both are closed by either.
    public TokenClassifier with(Aggregation other) {
        return new TokenClassifier(batches, other, truncates);
    }

    /// This one, cutting texts that are longer than the model's positions. Both are closed by either.
    public TokenClassifier truncating() {
        return new TokenClassifier(batches, aggregation, true);
    }

    /// The spans that a text names, in its order.
    public List<Entity> find(String text) {
        return find(List.of(text)).getFirst();
    }

    /// The entities of each text, in the order of the text.
    ///
    /// @throws RefusedTexts if a text is empty or longer than the model's positions
    public List<List<Entity>> find(List<String> texts) {
        List<Encoding> encodings = batches.encode(texts, truncates);
        List<float[][]> scores = batches.map(encodings, List.of("logits"), TokenClassifier::probabilities);
        return IntStream.range(0, texts.size())
                .mapToObj(i -> entities(texts.get(i), encodings.get(i), scores.get(i))).toList();
    }

    private static float[][] probabilities(Map<String, Tensor> outputs, Encoding encoding) {
        Tensor logits = outputs.get("logits").narrow(0, 0, encoding.size()).softmax(-1);
        int labels = (int) logits.size(1);
        float[] flat = logits.toFloats();
        float[][] rows = new float[encoding.size()][];
        Arrays.setAll(rows, i -> Arrays.copyOfRange(flat, i * labels, (i + 1) * labels));
        return rows;
    }

    /// A token or a word with the probability of each label.
    private record Unit(float[] scores, int start, int end) {
        int best() {
            int best = 0;
            for (int i = 1; i < scores.length; i++) {
                best = scores[i] > scores[best] ? i : best;
            }
            return best;
        }

        float score() {
            return scores[best()];
        }
    }

    private List<Entity> entities(String text, Encoding encoding, float[][] scores) {
        var units = new ArrayList<Unit>();
        var word = new ArrayList<Unit>();
        boolean byWord = aggregation != Aggregation.NONE && aggregation != Aggregation.SIMPLE;
        for (int i = 0; i < encoding.size(); i++) {
            if (encoding.specialTokensMask()[i]) {
                continue;
            }
            if (!word.isEmpty() && !(byWord && continues(text, encoding, i))) {
                units.add(joined(word));
                word.clear();
            }
            word.add(new Unit(scores[i], encoding.starts()[i], encoding.ends()[i]));
        }
        if (!word.isEmpty()) {
            units.add(joined(word));
        }
        return aggregation == Aggregation.NONE
                ? units.stream().map(unit -> entity(text, labels.get(unit.best()), List.of(unit)))
                        .filter(entity -> !entity.label().equals(OUTSIDE)).toList()
                : grouped(text, units);
    }

    /// Whether a token goes on with the word of the one before: by its spelling (`##ing`), else by the lack of a space.
    private static boolean continues(String text, Encoding encoding, int i) {
        int start = encoding.starts()[i];
        int length = encoding.ends()[i] - start;
        String token = encoding.tokens()[i];
        return token.startsWith("##")
                ? token.length() != length
                : start > 0 && !Character.isWhitespace(text.charAt(start - 1))
                        && !Character.isWhitespace(text.charAt(Math.min(start, text.length() - 1)))
                        && encoding.wordIds()[i] == encoding.wordIds()[i - 1];
    }

    private Unit joined(List<Unit> word) {
        float[] scores = switch (aggregation) {
            case NONE, SIMPLE, FIRST -> word.getFirst().scores();
            case MAX -> word.stream().reduce((a, b) -> b.score() > a.score() ? b : a).orElseThrow().scores();
            case AVERAGE -> {
                float[] mean = new float[labels.size()];
                for (Unit unit : word) {
                    for (int i = 0; i < mean.length; i++) {
                        mean[i] += unit.scores()[i] / word.size();
                    }
                }
                yield mean;
            }
        };
        return new Unit(scores, word.getFirst().start(), word.getLast().end());
    }

    /// Neighbours of one kind are one entity; `B-` begins another.
    private List<Entity> grouped(String text, List<Unit> units) {
        var entities = new ArrayList<Entity>();
        var group = new ArrayList<Unit>();
        String kind = "";
        for (Unit unit : units) {
            String label = labels.get(unit.best());
            String its = kind(label);
            if (!group.isEmpty() && (!its.equals(kind) || label.startsWith("B-"))) {
                entities.add(entity(text, kind, group));
                group.clear();
            }
            kind = its;
            group.add(unit);
        }
        if (!group.isEmpty()) {
            entities.add(entity(text, kind, group));
        }
        entities.removeIf(entity -> entity.label().equals(OUTSIDE));
        return List.copyOf(entities);
    }

    private static String kind(String label) {
        return label.startsWith("B-") || label.startsWith("I-") ? label.substring(2) : label;
    }

    private static Entity entity(String text, String label, List<Unit> units) {
        int start = units.getFirst().start();
        int end = units.getLast().end();
        double score = units.stream().mapToDouble(Unit::score).average().orElseThrow();
        return new Entity(label, score, text.substring(start, end), start, end);
    }

    @Override
    public void close() {
        batches.close();
    }
}
