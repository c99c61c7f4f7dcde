package dev.weft.cli;

import dev.weft.checkpoint.Json;
import dev.weft.run.pipeline.Answer;
import dev.weft.run.pipeline.Classification;
import dev.weft.run.pipeline.MaskFiller;
import dev.weft.run.pipeline.Pipelines;
import dev.weft.run.pipeline.QuestionAnswerer;
import dev.weft.run.pipeline.SentenceEmbedder;
import dev.weft.run.pipeline.Task;
import dev.weft.run.pipeline.TextToText;
import dev.weft.run.pipeline.TokenClassifier;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/// `weft run`: a model's answers to texts.
@Command(name = "run", mixinStandardHelpOptions = true, sortOptions = false, description = "Let a model answer: labels, entities, answers, translations, vectors.", footer = {
        "", "Tasks:  text-classification, zero-shot-classification, token-classification, question-answering,",
        "        fill-mask, embeddings, rerank, translation, summarization, text2text-generation", "", "Examples:",
        "  weft run fill-mask models/bert \"Paris is the [MASK] of France.\"",
        "  weft run text-classification models/sst2 reviews.jsonl --field text --out scored.jsonl",
        "  weft run question-answering models/squad --question \"Who?\" --context-file page.txt",
        "  weft run rerank models/cross-encoder --query \"Who?\" passages.txt"})
final class RunCommand implements Callable<Integer> {
    /// Texts that are read, answered and written together.
    private static final int CHUNK = 256;
    private static final JsonMapper JSON = new JsonMapper();

    @Parameters(index = "0", paramLabel = "TASK", description = "What to do; see below.")
    String task;

    @Parameters(index = "1", paramLabel = "FOLDER", description = "A model folder.")
    Path folder;

    @Parameters(index = "2..*", paramLabel = "TEXT", description = "Texts, or files of a text in each line (.jsonl: an object in each line); - reads lines from standard input.")
    List<String> inputs = List.of();

    @Option(names = "--field", defaultValue = "text", paramLabel = "NAME", description = "Where a .jsonl line has its text. Default: ${DEFAULT-VALUE}.")
    String field;

    @Option(names = "--out", paramLabel = "FILE", description = "Write JSON lines there instead of showing answers.")
    @Nullable
    Path out;

    @Option(names = "--truncate", description = "Cut texts that are longer than the model's positions.")
    boolean truncate;

    @Option(names = "--top-k", defaultValue = "5", paramLabel = "N", description = "How many words, labels or answers are shown. Default: ${DEFAULT-VALUE}.")
    int topK;

    @Option(names = "--labels", split = ",", paramLabel = "LABEL", description = "zero-shot-classification: what to choose from.")
    List<String> labels = List.of();

    @Option(names = "--aggregation", defaultValue = "simple", description = "token-classification: none, simple, first, average or max. Default: ${DEFAULT-VALUE}.")
    TokenClassifier.Aggregation aggregation;

    @Option(names = "--question", description = "question-answering: what is asked.")
    @Nullable
    String question;

    @Option(names = "--context-file", paramLabel = "FILE", description = "question-answering: the text that answers.")
    @Nullable
    Path context;

    @Option(names = "--query", description = "rerank: what the passages are to answer.")
    @Nullable
    String query;

    @Mixin
    Output output;

    /// A text with what it came in, and what is said of it.
    private record Item(ObjectNode node, String text) {}

    /// What a task says of texts: an object for each.
    @FunctionalInterface
    private interface Answers {
        List<ObjectNode> of(List<String> texts);
    }

    private int failures;

    @Override
    public Integer call() throws IOException {
        Task asked = Task.named(task)
                .orElseThrow(() -> new IllegalArgumentException("unknown task \"%s\"; choose one of %s"
                        .formatted(task,
                                Arrays.stream(Task.values()).map(Task::title).collect(Collectors.joining(", ")))));
        switch (asked) {
            case TEXT_CLASSIFICATION -> {
                try (var opened = Pipelines.textClassification(folder)) {
                    var classifier = truncate ? opened.truncating() : opened;
                    answerAll(texts -> classifier.classify(texts).stream().map(this::node).toList());
                }
            }
            case ZERO_SHOT_CLASSIFICATION -> {
                try (var classifier = Pipelines.zeroShotClassification(folder)) {
                    answerAll(texts -> classifier.classify(texts, labels).stream().map(this::node).toList());
                }
            }
            case TOKEN_CLASSIFICATION -> {
                try (var classifier = Pipelines.tokenClassification(folder)) {
                    answerAll(texts -> classifier.with(aggregation).find(texts).stream()
                            .map(entities -> list("entities", entities)).toList());
                }
            }
            case FILL_MASK -> {
                try (var filler = Pipelines.fillMask(folder)) {
                    answerAll(texts -> texts.stream().map(text -> filled(filler, text)).toList());
                }
            }
            case EMBEDDINGS -> {
                try (var embedder = Pipelines.embeddings(folder)) {
                    answerAll(texts -> embedder.embed(texts).stream().map(RunCommand::node).toList());
                }
            }
            case TRANSLATION, SUMMARIZATION, TEXT_TO_TEXT -> {
                try (var opened = textToText(asked, folder)) {
                    TextToText answerer = truncate ? opened.truncating() : opened;
                    answerAll(texts -> answerer.answer(texts, answerer.defaults()).stream()
                            .map(RunCommand::node).toList());
                }
            }
            case QUESTION_ANSWERING -> answer();
            case RERANK -> rank();
            case FEATURE_EXTRACTION, MULTIPLE_CHOICE, TEXT_GENERATION -> throw new IllegalArgumentException(
                    asked == Task.TEXT_GENERATION
                            ? "to go on from a prompt: weft generate " + folder + " --prompt TEXT"
                            : "%s is in the library (dev.weft.run.pipeline), not in the command".formatted(task));
        }
        if (failures > 0) {
            System.err.println("weft: " + failures + " lines could not be read; the others are answered");
        }
        return failures > 0 ? 2 : 0;
    }

    private static ObjectNode node(TextToText.Output found) {
        return Json.object().put("answer", found.text()).put("input_tokens", found.inputTokens())
                .put("output_tokens", found.outputTokens()).put("windows", found.windows());
    }

    private static TextToText textToText(Task task, Path folder) {
        return switch (task) {
            case TRANSLATION -> Pipelines.translation(folder);
            case SUMMARIZATION -> Pipelines.summarization(folder);
            default -> Pipelines.textToText(folder);
        };
    }

    private ObjectNode node(Classification found) {
        ObjectNode node = Json.object().put("label", found.label()).put("score", found.score());
        node.set("scores", JSON.valueToTree(found.scores().stream().limit(topK).toList()));
        return node;
    }

    private static ObjectNode node(SentenceEmbedder.Embedding found) {
        ObjectNode node = Json.object().put("tokens", found.tokens()).put("windows", found.windows());
        node.set("vector", JSON.valueToTree(found.vector()));
        return node;
    }

    private ObjectNode filled(MaskFiller filler, String text) {
        List<List<MaskFiller.Filling>> masks = filler.fillAll(text, topK);
        return list("fillings", masks.size() == 1 ? masks.getFirst() : masks);
    }

    private static ObjectNode list(String name, List<?> values) {
        ObjectNode node = Json.object();
        node.set(name, JSON.valueToTree(values));
        return node;
    }

    private void answer() throws IOException {
        if (question == null || context == null) {
            throw new IllegalArgumentException("question-answering needs --question and --context-file");
        }
        try (var answerer = Pipelines.questionAnswering(folder)) {
            for (Answer found : answerer.answers(question, Files.readString(context),
                    QuestionAnswerer.options().withAnswers(topK))) {
                show(System.out, JSON.<ObjectNode>valueToTree(found));
            }
        }
    }

    private void rank() throws IOException {
        if (query == null) {
            throw new IllegalArgumentException("rerank needs --query");
        }
        var passages = new ArrayList<String>();
        read(item -> passages.add(item.text()));
        try (var reranker = Pipelines.rerank(folder)) {
            reranker.rank(query, passages).stream().limit(topK)
                    .forEach(each -> show(System.out, JSON.<ObjectNode>valueToTree(each)));
        }
    }

    private void answerAll(Answers answers) throws IOException {
        try (PrintStream to = out == null
                ? System.out
                : new PrintStream(Files.newOutputStream(out), false, StandardCharsets.UTF_8)) {
            var chunk = new ArrayList<Item>();
            long[] done = {0};
            read(item -> {
                chunk.add(item);
                if (chunk.size() == CHUNK) {
                    flush(chunk, answers, to, done);
                }
            });
            flush(chunk, answers, to, done);
            if (out != null) {
                System.err.printf(Locale.ROOT, "%,d texts answered, written to %s%n", done[0], out);
            }
        }
    }

    private void flush(List<Item> chunk, Answers answers, PrintStream to, long[] done) {
        List<ObjectNode> found = answers.of(chunk.stream().map(Item::text).toList());
        for (int i = 0; i < found.size(); i++) {
            ObjectNode whole = chunk.get(i).node();
            whole.setAll(found.get(i));
            show(to, whole);
        }
        done[0] += chunk.size();
        if (out != null && !chunk.isEmpty() && Boolean.getBoolean("weft.terminal")) {
            System.err.printf(Locale.ROOT, "\r%,d texts", done[0]);
        }
        chunk.clear();
    }

    private void show(PrintStream to, ObjectNode node) {
        if (output.json || out != null && to != System.out) {
            to.println(node);
            return;
        }
        String shown = node.properties().stream().filter(entry -> !entry.getKey().equals("vector"))
                .map(entry -> entry.getKey() + ": "
                        + (entry.getValue().isString() ? entry.getValue().stringValue() : entry.getValue()))
                .collect(Collectors.joining("  "));
        to.println(shown);
    }

    @FunctionalInterface
    private interface Items {
        void accept(Item item);
    }

    private void read(Items items) throws IOException {
        if (inputs.isEmpty()) {
            throw new IllegalArgumentException("give texts or files, or - for standard input");
        }
        for (String input : inputs) {
            Path file = file(input);
            if (input.equals("-")) {
                lines(new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8)), "standard input",
                        false, items);
            } else if (file != null) {
                try (BufferedReader reader = Files.newBufferedReader(file)) {
                    lines(reader, input, input.endsWith(".jsonl"), items);
                }
            } else {
                items.accept(new Item(Json.object().put("text", input), input));
            }
        }
    }

    /// The file of that name, or null where it is a text.
    private static @Nullable Path file(String input) {
        try {
            Path file = Path.of(input);
            return Files.isRegularFile(file) ? file : null;
        } catch (InvalidPathException aText) {
            return null;
        }
    }

    private void lines(BufferedReader reader, String name, boolean objects, Items items) {
        int number = 0;
        for (Iterator<String> lines = reader.lines().iterator(); lines.hasNext();) {
            String line = lines.next();
            number++;
            if (line.isBlank()) {
                continue;
            }
            if (!objects) {
                items.accept(new Item(Json.object().put("text", line), line));
                continue;
            }
            try {
                if (JSON.readTree(line) instanceof ObjectNode node && node.path(field).isString()) {
                    items.accept(new Item(node, node.path(field).stringValue()));
                } else {
                    failed(name, number, "no object with a text \"%s\"; name its field with --field".formatted(field));
                }
            } catch (JacksonException e) {
                failed(name, number, "not JSON: " + e.getOriginalMessage());
            }
        }
    }

    private void failed(String name, int line, String reason) {
        failures++;
        System.err.printf("weft: %s, line %d: %s%n", name, line, reason);
    }
}
