package dev.weft.recipe;

import dev.weft.data.Example;
import dev.weft.data.Labels;
import dev.weft.data.Row;
import dev.weft.data.RowEncoder;
import dev.weft.data.RowEncoder.Target;
import dev.weft.eval.Calibration;
import dev.weft.eval.Classification;
import dev.weft.eval.Metric;
import dev.weft.eval.MultiLabel;
import dev.weft.eval.Regression;
import dev.weft.eval.RocAuc;
import dev.weft.eval.UsualMetrics;
import dev.weft.text.Tokenizer;
import dev.weft.text.Truncation;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.IntStream;

/// One answer for a whole text: a label, labels, a number, or which of several texts it is.
///
/// @param labels of the model; none where numbers or choices are asked for
record TextScore(UsualMetrics task, Labels labels, List<Row> rows, List<Example> examples)
        implements
            TaskScore<float[]> {
    /// Above so many, a picture says nothing, and ranks for each label cost more than they tell.
    private static final int MOST_LABELS = 50;

    static TextScore of(UsualMetrics task, Labels labels, List<Row> given, Tokenizer tokenizer, Truncation limit) {
        List<Row> rows = switch (task) {
            case TEXT_CLASSIFICATION -> LabelNames.of(given, "label", labels);
            case MULTI_LABEL_CLASSIFICATION -> LabelNames.of(given, "labels", labels);
            default -> given;
        };
        RowEncoder encoder = switch (task) {
            case TEXT_CLASSIFICATION -> new RowEncoder.Texts(tokenizer, limit, new Target.OneOf(labels));
            case MULTI_LABEL_CLASSIFICATION -> new RowEncoder.Texts(tokenizer, limit, new Target.AnyOf(labels));
            case MULTIPLE_CHOICE -> new RowEncoder.Choices(tokenizer, limit);
            default -> new RowEncoder.Texts(tokenizer, limit, new Target.Number());
        };
        return new TextScore(task, labels, rows, Assessment.encoded(rows, encoder));
    }

    @Override
    public List<String> outputs() {
        return List.of("logits");
    }

    @Override
    public float[] answer(int number, Map<String, float[]> its) {
        float[] logits = its.get("logits");
        TaskScore.best(logits, 0, logits.length, rows.get(number));
        return logits;
    }

    @Override
    public Assessment.Result result(List<float[]> answers, Assessment.Progress progress) {
        return switch (task) {
            case REGRESSION -> numbers(answers);
            case MULTI_LABEL_CLASSIFICATION -> sets(answers);
            default -> classes(answers);
        };
    }

    private Assessment.Result numbers(List<float[]> answers) {
        var metric = new Regression();
        var predictions = new ArrayList<Prediction>();
        for (int i = 0; i < rows.size(); i++) {
            double expected = rows.get(i).number("label");
            metric.add((double) answers.get(i)[0], expected);
            predictions.add(Prediction.of(rows.get(i).place(), (double) answers.get(i)[0], expected));
        }
        return new Assessment.Result(task.report(metric), predictions, Map.of(), List.of());
    }

    /// Each label whose logit is above 0 is said: its probability is above a half.
    private Assessment.Result sets(List<float[]> answers) {
        var metric = new MultiLabel(labels.names());
        var ranks = new RocAuc(labels.names());
        var predictions = new ArrayList<Prediction>();
        for (int i = 0; i < rows.size(); i++) {
            float[] logits = answers.get(i);
            Set<String> expected = new TreeSet<>(rows.get(i).labels("labels"));
            var said = new TreeSet<String>();
            IntStream.range(0, logits.length).filter(id -> logits[id] > 0).forEach(id -> said.add(labels.name(id)));
            metric.add(said, expected);
            ranks.add(IntStream.range(0, logits.length).mapToDouble(id -> logits[id]).toArray(), expected);
            predictions.add(Prediction.of(rows.get(i).place(), List.copyOf(said), List.copyOf(expected)));
        }
        return new Assessment.Result(labels.size() > MOST_LABELS ? task.report(metric) : task.report(metric, ranks),
                predictions, Map.of(), List.of());
    }

    private Assessment.Result classes(List<float[]> answers) {
        boolean named = task == UsualMetrics.TEXT_CLASSIFICATION;
        var metric = new Classification(labels.names(), null, 0);
        var calibration = new Calibration();
        var ranks = new RocAuc(named ? labels.names() : List.of(""));
        var predictions = new ArrayList<Prediction>();
        for (int i = 0; i < rows.size(); i++) {
            double[] probabilities = probabilities(answers.get(i));
            int best = TaskScore.best(answers.get(i), 0, probabilities.length, rows.get(i));
            String said = named ? labels.name(best) : Integer.toString(best);
            String expected = rows.get(i).label("label");
            metric.add(said, expected);
            calibration.add(probabilities[best], said.equals(expected));
            if (named && labels.size() <= MOST_LABELS) {
                ranks.add(probabilities, Set.of(expected));
            }
            predictions.add(Prediction.of(rows.get(i).place(), said, expected).with("probability",
                    probabilities[best]));
        }
        var metrics = new ArrayList<Metric<?, ?>>(List.of(metric));
        var pictures = new LinkedHashMap<String, String>();
        if (named && labels.size() <= MOST_LABELS) {
            metrics.add(ranks);
            pictures.put("confusion-matrix", metric.matrix().svg());
        }
        metrics.add(calibration);
        pictures.put("reliability", calibration.svg());
        return new Assessment.Result(task.report(metrics.toArray(Metric<?, ?>[]::new)), predictions, pictures,
                List.of());
    }

    private static double[] probabilities(float[] logits) {
        double highest = IntStream.range(0, logits.length).mapToDouble(i -> logits[i]).max().orElseThrow();
        double[] shares = IntStream.range(0, logits.length).mapToDouble(i -> Math.exp(logits[i] - highest)).toArray();
        double sum = IntStream.range(0, shares.length).mapToDouble(i -> shares[i]).sum();
        return IntStream.range(0, shares.length).mapToDouble(i -> shares[i] / sum).toArray();
    }
}
