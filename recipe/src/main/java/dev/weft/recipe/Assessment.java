package dev.weft.recipe;

import dev.weft.run.Tokenizers;
import dev.weft.data.Collator;
import dev.weft.data.Example;
import dev.weft.data.Labels;
import dev.weft.data.LengthBatches;
import dev.weft.data.Row;
import dev.weft.data.RowEncoder;
import dev.weft.data.Rows;
import dev.weft.data.examples.MaskedTokens;
import dev.weft.eval.Report;
import dev.weft.eval.UsualMetrics;
import dev.weft.models.heads.ConditionalLanguageModel;
import dev.weft.models.heads.PretrainedModel;
import dev.weft.models.heads.Pretraining;
import dev.weft.nn.ForwardPass;
import dev.weft.run.Generation;
import dev.weft.run.pipeline.SentenceEmbedder;
import dev.weft.run.pipeline.TextToText;
import dev.weft.tensor.Autocast;
import dev.weft.tensor.DType;
import dev.weft.tensor.Gradients;
import dev.weft.tensor.Tensor;
import dev.weft.tensor.TensorScope;
import dev.weft.text.Tokenizer;
import dev.weft.text.Truncation;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.TreeMap;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/// How well a model does its task on rows: the task's [usual metrics][UsualMetrics], the loss where there is one, and what it
/// said of each row.
///
/// Rows are read and encoded once; [#report] asks the model as it is at that moment, so that one assessment serves a whole
/// training run. The rows have the columns that [RowEncoder] names: `text`, `label`, `tokens`, `tags`, …
///
/// ```java
/// var assessment = Assessment.of(model, tokenizer, Rows.of("dev.tsv"), AssessmentSettings.usual(model, tokenizer));
/// System.out.println(assessment.report().table());
/// ```
public final class Assessment {
    private static final int MAX_ROWS = 1024;

    /// What came out.
    ///
    /// @param report      the usual values first, `loss` last where it is none of them
    /// @param predictions one for each row, in their order
    /// @param pictures    SVG files by name: `confusion-matrix`, `reliability`
    /// @param notes       what the reader of the values should know
    public record Result(Report report, List<Prediction> predictions, Map<String, String> pictures,
            List<String> notes) {
        private Result with(Report other) {
            return new Result(other, predictions, pictures, notes);
        }
    }

    /// Told after each batch.
    @FunctionalInterface
    public interface Progress {
        Progress SILENT = (what, done, all) -> {};

        /// @param what is being done: `scoring`, `writing`, `comparing`
        /// @param done of `all` examples
        void done(String what, long done, long all);
    }

    private final PretrainedModel model;
    private final AssessmentSettings settings;
    private final TaskScore<?> score;
    private final int rows;
    private final Collator collator;
    private final List<int[]> batches;

    private Assessment(PretrainedModel model, AssessmentSettings settings, TaskScore<?> score, int rows,
            Collator collator) {
        this.model = model;
        this.settings = settings;
        this.score = score;
        this.rows = rows;
        this.collator = collator;
        boolean pads = model.context().config().integer("pad_token_id", -1) >= 0;
        batches = batches(score.examples(), settings.batchTokens(), pads);
    }

    /// Reads and encodes rows.
    ///
    /// @param model stays the caller's to close
    /// @throws IllegalArgumentException if there are no rows, a column is not there, or a label is not the model's
    public static Assessment of(PretrainedModel model, Tokenizer tokenizer, Rows rows, AssessmentSettings settings) {
        var all = new ArrayList<Row>();
        rows.forEach(all::add);
        if (all.isEmpty()) {
            throw new IllegalArgumentException("%s: holds no rows, and of nothing there is no score".formatted(
                    rows.name()));
        }
        int room = model.textBackbone().maxPositions();
        if (settings.maxLength() > room) {
            throw new IllegalArgumentException("Texts of %d tokens were asked for, and the model has room for %d"
                    .formatted(settings.maxLength(), room));
        }
        return new Assessment(model, settings, score(model, tokenizer, all, settings), all.size(),
                new Collator(Tokenizers.padId(tokenizer, model.context().config()), Truncation.Side.RIGHT, 1));
    }

    private static TaskScore<?> score(PretrainedModel model, Tokenizer tokenizer, List<Row> rows,
            AssessmentSettings settings) {
        Truncation limit = Truncation.to(settings.maxLength());
        Supplier<Labels> labels = () -> Labels.of(model.context().labelNames());
        UsualMetrics task = settings.task();
        return switch (task) {
            case TEXT_CLASSIFICATION, MULTI_LABEL_CLASSIFICATION ->
                TextScore.of(task, labels.get(), rows, tokenizer, limit);
            case REGRESSION, MULTIPLE_CHOICE -> TextScore.of(task, Labels.of(List.of()), rows, tokenizer, limit);
            case TOKEN_CLASSIFICATION -> TagScore.of(labels.get(), rows, tokenizer, limit);
            case QUESTION_ANSWERING -> SpanScore.of(rows, tokenizer,
                    Truncation.windows(settings.maxLength(), settings.stride()), settings.maxAnswer());
            case TEXT_GENERATION -> TokenScore.language(rows, tokenizer, limit);
            case FILL_MASK -> TokenScore.masked(rows, tokenizer, limit,
                    model instanceof Pretraining ? "prediction_logits" : "logits",
                    masks(model, tokenizer, settings.maskShare()), settings.seed());
            case SENTENCE_SIMILARITY -> new SimilarityScore(rows, SentenceEmbedder
                    .of(model, tokenizer.with(limit)).with(settings.pooling()));
            case TRANSLATION, SUMMARIZATION -> written(model, tokenizer, rows, settings);
            case AUTOMATIC_SPEECH_RECOGNITION -> throw new IllegalArgumentException("Models of speech are not scored");
        };
    }

    private static MaskedTokens masks(PretrainedModel model, Tokenizer tokenizer, double share) {
        String mask = tokenizer.specialTokens().get("mask_token");
        if (mask == null) {
            throw new IllegalArgumentException("The tokenizer names no mask_token, only " + tokenizer.specialTokens());
        }
        return new MaskedTokens(tokenizer.id(mask).orElseThrow(),
                Math.min(tokenizer.vocabSize(), model.textBackbone().vocabSize()), share);
    }

    private static TaskScore<?> written(PretrainedModel model, Tokenizer tokenizer, List<Row> given,
            AssessmentSettings settings) {
        Truncation limit = Truncation.to(settings.maxLength());
        List<Row> rows = given.stream().map(row -> {
            var values = new LinkedHashMap<String, @Nullable Object>(row.values());
            values.put("source", settings.prefix() + row.text("source"));
            return new Row(values, row.place());
        }).toList();
        Generation generation = settings.generation();
        TextToText writer = TextToText.of((ConditionalLanguageModel) model, tokenizer.with(limit), generation);
        writer = settings.from().isEmpty() ? writer : writer.from(settings.from());
        writer = settings.to().isEmpty() ? writer : writer.into(settings.to());
        OptionalInt start = generation.forced().decoderStart();
        boolean plain = settings.from().isEmpty() && settings.to().isEmpty() && start.isPresent();
        return WrittenScore.of(settings.task(), rows,
                plain ? new RowEncoder.Pairs(tokenizer, limit, tokenizer, limit, start.getAsInt()) : null, writer,
                settings.to().isEmpty() ? generation : writer.defaults());
    }

    /// The examples of all rows, encoded on all processors, in their order.
    static List<Example> encoded(List<Row> rows, RowEncoder encoder) {
        return rows.parallelStream().map(encoder::encode).flatMap(List::stream).toList();
    }

    /// Batches of about one length.
    ///
    /// @param pads whether the model tells padding from text; else only examples of one length share a batch
    private static List<int[]> batches(List<Example> examples, long tokens, boolean pads) {
        var alike = new TreeMap<Long, List<Integer>>();
        for (int i = 0; i < examples.size(); i++) {
            Example.Feature ids = examples.get(i).features().get("input_ids");
            long length = pads || ids == null ? 0 : ids.length();
            alike.computeIfAbsent(length << Integer.SIZE | (ids == null ? 1 : ids.rows()), key -> new ArrayList<>())
                    .add(i);
        }
        var batches = new ArrayList<int[]>();
        for (List<Integer> group : alike.values()) {
            int[] lengths = group.stream().mapToInt(i -> examples.get(i).length()).toArray();
            long room = Math.max(tokens, Arrays.stream(lengths).max().orElseThrow());
            for (int[] batch : new LengthBatches(lengths, room, MAX_ROWS, 0).epoch(0)) {
                batches.add(Arrays.stream(batch).map(group::get).toArray());
            }
        }
        return batches;
    }

    public AssessmentSettings settings() {
        return settings;
    }

    /// How many rows are judged.
    public int rows() {
        return rows;
    }

    /// What the model reaches as it is now. The first value is the one to choose models by; [UsualMetrics#higherIsBetter]
    /// says which way.
    public Report report() {
        return run(Progress.SILENT).report();
    }

    /// The same with what it said of each row, and pictures.
    ///
    /// @throws IllegalArgumentException if the model gives something that is not a number, naming the row
    public Result run(Progress progress) {
        try (var off = Gradients.off();
                var mixed = settings.precision() == DType.FLOAT32
                        ? Autocast.current(settings.device()).open()
                        : Autocast.open(settings.device(), settings.precision());
                var scope = TensorScope.open()) {
            return asked(score, progress);
        }
    }

    private <A> Result asked(TaskScore<A> score, Progress progress) {
        int count = score.examples().size();
        var answers = new ArrayList<A>(Collections.nCopies(count, null));
        var sum = new LossSum();
        long done = 0;
        for (int[] batch : batches) {
            try (var scope = TensorScope.open()) {
                var inputs = new TreeMap<String, Tensor>();
                collator.collate(Arrays.stream(batch).mapToObj(score.examples()::get).toList())
                        .forEach((name, tensor) -> inputs.put(name, tensor.to(settings.device())));
                Map<String, Tensor> outputs = model.outputs(inputs, ForwardPass.plain());
                if (score.wantsLoss()) {
                    sum.add(model.losses(outputs, inputs, 0));
                }
                List<A> its = score.answers(batch, inputs, outputs);
                for (int i = 0; i < batch.length; i++) {
                    answers.set(batch[i], its.get(i));
                }
            }
            done += batch.length;
            progress.done("scoring", done, count);
        }
        Result result = score.result(answers, progress);
        return score.wantsLoss() ? result.with(with(result.report(), sum.mean())) : result;
    }

    /// A report with the loss at its end.
    static Report with(Report report, double loss) {
        var values = new LinkedHashMap<>(report.values());
        values.put("loss", loss);
        return new Report(report.task(), values, report.signatures());
    }
}
