package dev.weft.run.pipeline;

import dev.weft.run.Task;
import dev.weft.models.Loading;
import dev.weft.text.Encoding;
import dev.weft.text.Truncation;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/// Labels of one's own for a text, by a model that knows what follows from what (Yin et al. 2019). The Python library's
/// `zero-shot-classification`. Safe to share between threads.
public final class ZeroShotClassifier implements AutoCloseable {
    private static final String HYPOTHESIS = "This example is {}.";

    private final Batches batches;
    private final int entailment;
    private final int contradiction;
    private final String hypothesis;
    private final boolean several;

    private ZeroShotClassifier(Batches batches, int entailment, int contradiction, String hypothesis, boolean several) {
        this.batches = batches;
        this.entailment = entailment;
        this.contradiction = contradiction;
        this.hypothesis = hypothesis;
        this.several = several;
    }

    static ZeroShotClassifier open(Path folder, Loading loading) {
        Batches batches = Batches.open(folder, loading, Task.ZERO_SHOT_CLASSIFICATION);
        List<String> labels = batches.head().context().labelNames();
        int entails = IntStream.range(0, labels.size())
                .filter(i -> Task.entails(labels.get(i))).findFirst().orElse(-1);
        if (entails < 0 || labels.size() < 2) {
            batches.close();
            throw new IllegalArgumentException(
                    "%s tells apart %s; zero-shot classification needs a model with a label \"entailment\""
                            .formatted(folder, labels));
        }
        return new ZeroShotClassifier(batches, entails, entails == 0 ? labels.size() - 1 : 0, HYPOTHESIS, false);
    }

    /// With a sentence of one's own, in which `{}` stands for the label. Both are closed by either.
    public ZeroShotClassifier withHypothesis(String template) {
        if (!template.contains("{}")) {
            throw new IllegalArgumentException("the sentence must hold {} for the label, found \"" + template + "\"");
        }
        return new ZeroShotClassifier(batches, entailment, contradiction, template, several);
    }

    /// Where any number of labels may hold, each with a probability of its own. Both are closed by either.
    public ZeroShotClassifier ofSeveral() {
        return new ZeroShotClassifier(batches, entailment, contradiction, hypothesis, true);
    }

    /// One text among these labels, the likeliest first.
    public Classification classify(String text, List<String> labels) {
        return classify(List.of(text), labels).getFirst();
    }

    /// For each text the labels by their probability. A text that is too long with its label is cut.
    ///
    /// @throws RefusedTexts if a text is empty
    public List<Classification> classify(List<String> texts, List<String> labels) {
        if (labels.isEmpty()) {
            throw new IllegalArgumentException("There are no labels to choose from; give at least one");
        }
        Batches.requireWords(texts);
        var premises = new ArrayList<String>();
        var hypotheses = new ArrayList<String>();
        for (String text : texts) {
            labels.forEach(label -> {
                premises.add(text);
                hypotheses.add(hypothesis.replace("{}", label));
            });
        }
        List<Encoding> pairs = batches.tokenizer()
                .with(Truncation.to(batches.room()).with(Truncation.Strategy.ONLY_FIRST))
                .encodeAllPairs(premises, hypotheses);
        List<float[]> logits = batches.map(pairs, List.of("logits"),
                (outputs, pair) -> outputs.get("logits").toFloats());
        return IntStream.range(0, texts.size()).mapToObj(text -> {
            List<float[]> its = logits.subList(text * labels.size(), (text + 1) * labels.size());
            return Classification.of(labels, probabilities(its));
        }).toList();
    }

    private double[] probabilities(List<float[]> logits) {
        if (several || logits.size() == 1) {
            return logits.stream().mapToDouble(one -> Classification.Function.SOFTMAX
                    .apply(new float[]{one[contradiction], one[entailment]})[1]).toArray();
        }
        float[] entails = new float[logits.size()];
        for (int i = 0; i < entails.length; i++) {
            entails[i] = logits.get(i)[entailment];
        }
        return Classification.Function.SOFTMAX.apply(entails);
    }

    @Override
    public void close() {
        batches.close();
    }
}
