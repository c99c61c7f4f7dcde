package dev.weft.cli;

import dev.weft.checkpoint.Json;
import dev.weft.data.Format;
import dev.weft.data.Rows;
import dev.weft.data.TextSource;
import dev.weft.data.TokenFile;
import dev.weft.data.TokenWindows;
import dev.weft.eval.LanguageModelScore;
import dev.weft.eval.UsualMetrics;
import dev.weft.models.heads.CausalLanguageModel;
import dev.weft.recipe.Assessment;
import dev.weft.recipe.AssessmentSettings;
import dev.weft.recipe.Prediction;
import dev.weft.recipe.Recipe;
import dev.weft.run.Generation;
import dev.weft.run.pipeline.SentenceEmbedder;
import dev.weft.train.CausalEvaluation;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.OptionalInt;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/// `weft eval`: how well a model does its task on rows, or predicts a text.
@Command(name = "eval", mixinStandardHelpOptions = true, sortOptions = false, description = {
        "Measure how well a model does its task: on rows (--data) the task's usual metrics, on a long text (--text) loss, perplexity and bits per byte."}, footer = {
                "", "Columns are named as the task needs them, or told by options:",
                "  text-classification, regression      text, text_pair where there is one, label",
                "  multi-label-classification           text, text_pair where there is one, labels (a list)",
                "  sentence-similarity                  text, text_pair, label (a number)",
                "  token-classification                 tokens, tags (lists)",
                "  question-answering                   question, context, answers",
                "  multiple-choice                      text, choices (a list), label (from 0)",
                "  translation, summarization           source, target",
                "  text-generation, fill-mask           text", "", "Examples:",
                "  weft eval runs/sst2 --data test.tsv --text-column sentence",
                "  weft eval models/marian --data test.en --target-data test.de --beams 4",
                "  weft eval models/ner --data \"select * from 'test-*.parquet'\" --predictions out.jsonl --pictures out",
                "  weft eval runs/mine --text heldout.txt"})
final class EvalCommand implements Callable<Integer> {
    @Parameters(paramLabel = "FOLDER", description = "A run folder, a model folder with its tokenizer, or an adapter beside its base.")
    Path folder;

    @Option(names = "--adapter", paramLabel = "DIR", description = "An adapter over the model of FOLDER.")
    @Nullable
    Path adapter;

    @Option(names = "--data", paramLabel = "FILE", description = "Rows: a file, a glob, or a query (\"select …\").")
    @Nullable
    String data;

    @Option(names = "--target-data", paramLabel = "FILE", description = "A text whose lines are what those of --data become.")
    @Nullable
    String targetData;

    @Option(names = "--format", paramLabel = "KIND", description = "What --data holds: txt, csv, tsv, jsonl, json, conll or parquet. Default: by its name.")
    @Nullable
    String format;

    @Option(names = "--delimiter", paramLabel = "CHARACTER", description = "What stands between the values of csv and tsv files: one character, or tab. Default: as a csv file's first line shows.")
    @Nullable
    String delimiter;

    @Option(names = "--columns", split = ",", paramLabel = "NAME", description = "Names of the columns of a csv or tsv file whose first line has none.")
    List<String> names = List.of();

    @Option(names = "--task", description = "What the model is asked to do. Default: what it is made for.")
    @Nullable
    String task;

    @Mixin
    ColumnOptions columns;

    @Option(names = "--max-length", paramLabel = "TOKENS", description = "Longer texts are cut; texts to questions are read in windows of so many. Default: what the model has room for, at most 512 (questions 384, text-generation 1024).")
    @Nullable
    Integer maxLength;

    @Option(names = "--stride", defaultValue = "128", paramLabel = "TOKENS", description = "How much two windows share. Default: ${DEFAULT-VALUE}.")
    int stride;

    @Option(names = "--max-answer", defaultValue = "30", paramLabel = "TOKENS", description = "How long an answer to a question may be. Default: ${DEFAULT-VALUE}.")
    int maxAnswer;

    @Option(names = "--batch-tokens", defaultValue = "4096", paramLabel = "N", description = "Tokens at once, padding included. Default: ${DEFAULT-VALUE}.")
    long batchTokens;

    @Mixin
    LoadingOptions opening;

    @Option(names = "--beams", paramLabel = "N", description = "Beam search of this width. Default: what the folder says.")
    @Nullable
    Integer beams;

    @Option(names = "--length-penalty", paramLabel = "POWER", description = "Above 0 longer texts, below 0 shorter ones. Default: what the folder says.")
    @Nullable
    Double lengthPenalty;

    @Option(names = "--max-new-tokens", paramLabel = "N", description = "Tokens of a written text at most. Default: what the folder says.")
    @Nullable
    Integer maxNewTokens;

    @Option(names = "--set", paramLabel = "NAME=VALUE", description = "Any other setting of generation_config.json; can be repeated.")
    Map<String, String> set = new LinkedHashMap<>();

    @Option(names = "--prefix", paramLabel = "TEXT", description = "What stands before each source. Default: what the config says.")
    @Nullable
    String prefix;

    @Option(names = "--from", defaultValue = "", paramLabel = "LANGUAGE", description = "Language of the sources, for models of several.")
    String from;

    @Option(names = "--to", defaultValue = "", paramLabel = "LANGUAGE", description = "Language of the translations.")
    String to;

    @Option(names = "--pooling", description = "How vectors of tokens become one: mean, cls, max, last, mean_sqrt_length or weighted_mean. Default: what the folder says.")
    SentenceEmbedder.@Nullable Pooling pooling;

    @Option(names = "--mask-share", defaultValue = "0.15", paramLabel = "SHARE", description = "Which part of the tokens fill-mask masks. Default: ${DEFAULT-VALUE}.")
    double maskShare;

    @Option(names = "--seed", defaultValue = "0", description = "Decides which tokens are masked. Default: ${DEFAULT-VALUE}.")
    long seed;

    @Option(names = "--predictions", paramLabel = "FILE", description = "Write what was said of each row, as JSON lines.")
    @Nullable
    Path predictions;

    @Option(names = "--pictures", paramLabel = "DIR", description = "Write pictures (SVG): a confusion matrix, a reliability curve.")
    @Nullable
    Path pictures;

    @Option(names = "--text", paramLabel = "PATH", arity = "1..*", description = "A long text instead of rows: files, folders or globs; UTF-8.")
    List<String> text = List.of();

    @Option(names = "--batch", defaultValue = "8", description = "Windows of --text at once. Default: ${DEFAULT-VALUE}.")
    int batch;

    @Option(names = "--seq", description = "Tokens in a window of --text. Default: the model's context, at most 1024.")
    @Nullable
    Integer seq;

    @Mixin
    Output output;

    @Override
    public Integer call() {
        if ((data == null) == text.isEmpty()) {
            throw new IllegalArgumentException("Say what to score: rows with --data, or a long text with --text");
        }
        Rows rows = data == null ? null : rows(data);
        for (Path file : new Path[]{predictions, pictures}) {
            Path parent = file == null ? null : file.toAbsolutePath().getParent();
            if (parent != null && !Files.isDirectory(parent)) {
                throw new IllegalArgumentException("%s: there is no folder %s to write to; make it first".formatted(
                        file, parent));
            }
        }
        try (var opened = ScoredModel.open(folder, adapter, opening.loading())) {
            if (rows == null) {
                scoreText(opened);
            } else {
                scoreRows(opened, rows);
            }
        }
        return 0;
    }

    /// How a run was trained says how its data is read, as far as nothing else is said.
    private Recipe recipe() {
        Path file = folder.resolve(Recipe.FILE);
        return Files.exists(file) ? Recipe.read(file) : Recipe.defaults();
    }

    private Rows rows(String from) {
        Recipe.Data trained = recipe().data();
        if (targetData != null) {
            return Rows.parallel("source", lines(from), "target", lines(targetData));
        }
        boolean file = !from.strip().contains(" ") || Files.exists(Path.of(from));
        Format kind = file
                ? Format.told(Path.of(from), format, delimiter == null ? trained.delimiter() : delimiter,
                        names.isEmpty() ? trained.columnNames() : names)
                : null;
        var mapped = new LinkedHashMap<String, String>();
        trained.columns().forEach((name, column) -> {
            if (column != null) {
                mapped.put(name, column);
            }
        });
        mapped.putAll(columns.given());
        return (kind == null ? Rows.of(from) : Rows.of(List.of(from), kind)).named(mapped);
    }

    private static Rows lines(String file) {
        return Rows.of(List.of(file), new Format.Lines());
    }

    private AssessmentSettings settings(ScoredModel opened) {
        Recipe trained = recipe();
        boolean run = Files.exists(folder.resolve(Recipe.FILE));
        AssessmentSettings usual = run && task == null
                ? trained.assessment(opened.model(), opened.tokenizer())
                : task == null
                        ? AssessmentSettings.usual(opened.model(), opened.tokenizer())
                        : AssessmentSettings.usual(UsualMetrics.of(task), opened.model(), opened.tokenizer());
        AssessmentSettings told = usual.withBatchTokens(batchTokens).withLanguages(from, to)
                .withMasks(maskShare, seed)
                .withPooling(pooling != null || usual.task() != UsualMetrics.SENTENCE_SIMILARITY
                        ? Objects.requireNonNullElse(pooling, usual.pooling())
                        : SentenceEmbedder.pooling(folder))
                .withGeneration(generation(usual.generation()));
        told = maxLength == null ? told : told.withMaxLength(maxLength);
        return (prefix == null ? told : told.withPrefix(prefix)).withAnswers(stride, maxAnswer);
    }

    private Generation generation(Generation usual) {
        Generation told = usual;
        for (Map.Entry<String, String> each : set.entrySet()) {
            told = told.with(each.getKey(), each.getValue());
        }
        told = maxNewTokens == null ? told : told.withMaxNewTokens(maxNewTokens);
        told = beams == null ? told : told.withNumBeams(beams);
        return lengthPenalty == null ? told : told.withLengthPenalty(lengthPenalty);
    }

    private void scoreRows(ScoredModel opened, Rows rows) {
        Assessment assessment = Assessment.of(opened.model(), opened.tokenizer(), rows, settings(opened));
        Assessment.Result result;
        try (var progress = new ProgressLine()) {
            result = assessment.run(progress::examples);
        }
        if (predictions != null) {
            write(predictions, String.join("", result.predictions().stream().map(Prediction::json)
                    .map(line -> line + "\n").toList()));
        }
        if (pictures != null) {
            result.pictures().forEach((name, svg) -> write(pictures.resolve(name + ".svg"), svg));
        }
        if (output.json) {
            ObjectNode node = Json.parse("the report", result.report().json()).node();
            node.put("rows", assessment.rows());
            ArrayNode notes = node.putArray("notes");
            result.notes().forEach(notes::add);
            output.object(node);
        } else {
            System.out.print(result.report().table());
            System.out.printf("  %,d rows%n", assessment.rows());
            result.notes().forEach(note -> System.out.println("  " + note));
        }
    }

    private static void write(Path file, String content) {
        try {
            Files.createDirectories(file.toAbsolutePath().getParent());
            Files.writeString(file, content);
        } catch (IOException e) {
            throw new UncheckedIOException("%s cannot be written: %s".formatted(file, e.getMessage()), e);
        }
    }

    private void scoreText(ScoredModel opened) {
        if (!(opened.model() instanceof CausalLanguageModel model)) {
            throw new IllegalArgumentException(opened.home() + " is no language model, which predicts text");
        }
        try (var tokens = TokenFile.of(TextSource.of(text), opened.tokenizer(), OptionalInt.empty(),
                Recipe.defaultCache(), TokenFile.Progress.SILENT)) {
            int window = Math.min(seq == null ? 1024 : seq, model.maxPositions());
            var windows = new TokenWindows(tokens, batch, window);
            CausalEvaluation.Sum sum = CausalEvaluation.score(model, windows, opened.device());
            var score = new LanguageModelScore(sum.negativeLogLikelihood(), sum.tokens(), tokens.sourceBytes());
            var facts = new LinkedHashMap<String, Object>();
            facts.put("loss", score.loss());
            facts.put("perplexity", score.perplexity());
            facts.put("bits per byte", score.bitsPerByte());
            facts.put("tokens", score.tokens());
            facts.put("bytes", score.bytes());
            facts.put("window", window);
            output.facts(facts);
        }
    }
}
