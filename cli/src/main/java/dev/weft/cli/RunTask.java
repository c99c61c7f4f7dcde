package dev.weft.cli;

import dev.weft.checkpoint.Json;
import dev.weft.cli.Inputs.Item;
import dev.weft.run.Completion;
import dev.weft.run.Generation;
import dev.weft.run.TextGenerator;
import dev.weft.run.pipeline.ChoicePicker;
import dev.weft.run.pipeline.Classification;
import dev.weft.run.pipeline.Pipelines;
import dev.weft.run.pipeline.QuestionAnswerer;
import dev.weft.run.pipeline.RefusedTexts;
import dev.weft.run.pipeline.SentenceEmbedder;
import dev.weft.run.Task;
import dev.weft.run.pipeline.TextToText;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/// A task behind `weft run`.
///
/// @param options those of [RunOptions] that it knows
/// @param window  texts that are read, answered and written together
/// @param opener  opens a folder for it
record RunTask(Set<String> options, int window, Opener opener) {
    private static final JsonMapper JSON = new JsonMapper();
    /// Long enough that texts of like length meet.
    private static final int MANY = 1024;
    /// Few enough that an answer is not waited for long, where each is generated.
    private static final int FEW = 64;

    /// Opens a folder.
    @FunctionalInterface
    interface Opener {
        Answering open(Path folder, RunOptions told);
    }

    /// A folder that is open.
    ///
    /// @param answers    an object for each text
    /// @param dimensions of a vector, where each answer has one; else 0
    /// @param rankedBy   the number by which answers are shown best first, or null
    record Answering(AutoCloseable pipeline, Function<List<Item>, List<ObjectNode>> answers, int dimensions,
            @Nullable String rankedBy) implements AutoCloseable {
        @Override
        public void close() throws Exception {
            pipeline.close();
        }
    }

    /// All but what is a command of its own.
    static final Set<Task> TASKS = EnumSet.complementOf(EnumSet.of(Task.CHAT));

    /// The tasks that know an option.
    static List<Task> knowing(String option) {
        return TASKS.stream().filter(task -> known(task).options.contains(option)).toList();
    }

    /// @throws IllegalArgumentException if it is a command of its own
    static RunTask known(Task task) {
        return switch (task) {
            case TEXT_CLASSIFICATION -> task(MANY, "--top-k --function --pair-field --truncate", RunTask::classify);
            case ZERO_SHOT_CLASSIFICATION ->
                task(MANY, "--labels --multi-label --hypothesis --top-k", RunTask::classifyByLabels);
            case TOKEN_CLASSIFICATION -> task(MANY, "--aggregation --truncate", RunTask::find);
            case QUESTION_ANSWERING ->
                task(FEW, "--question --context-file --top-k --no-answer --max-answer --window --stride",
                        RunTask::answer);
            case MULTIPLE_CHOICE -> task(MANY, "--choice --truncate", RunTask::pick);
            case FILL_MASK -> task(MANY, "--top-k --targets --truncate", RunTask::fill);
            case SUMMARIZATION ->
                task(FEW,
                        "--prefix --windows --truncate --alignment --alignment-layer --max-new-tokens --beams --temperature --top-p --seed --set",
                        (folder, told) -> reply(Pipelines.summarization(folder, told.opening.loading()), told));
            case TRANSLATION -> task(FEW,
                    "--from --to --prefix --windows --truncate --alignment --alignment-layer --max-new-tokens --beams --temperature --top-p --seed --set",
                    RunTask::translate);
            case TEXT2TEXT_GENERATION ->
                task(FEW,
                        "--prefix --windows --truncate --alignment --alignment-layer --max-new-tokens --beams --temperature --top-p --seed --set",
                        (folder, told) -> reply(Pipelines.textToText(folder, told.opening.loading()), told));
            case TEXT_GENERATION ->
                task(FEW, "--max-new-tokens --beams --temperature --top-p --seed --set", RunTask::write);
            case CHAT -> throw new IllegalArgumentException(
                    "chat is a conversation, which weft run does not hold; say: weft chat FOLDER");
            case FEATURE_EXTRACTION -> task(MANY, "--truncate", RunTask::extract);
            case EMBEDDINGS -> task(MANY, "--pooling --normalize --dimensions --purpose --prefix --truncate --windows",
                    RunTask::embed);
            case SIMILARITY -> task(MANY, "--query --top-k --pooling --dimensions --purpose --prefix --truncate",
                    RunTask::compare);
            case RERANK -> task(MANY, "--query --top-k", RunTask::rank);
        };
    }

    private static RunTask task(int window, String options, Opener opener) {
        return new RunTask(Set.of(options.split(" ")), window, opener);
    }

    /// A pipeline whose answers are objects of their own.
    private static <T> Answering answering(AutoCloseable pipeline, Function<List<String>, List<T>> answers,
            Function<T, ObjectNode> shown) {
        return new Answering(pipeline, items -> answers.apply(texts(items)).stream().map(shown).toList(), 0, null);
    }

    private static List<String> texts(List<Item> items) {
        return items.stream().map(Item::text).toList();
    }

    private static ObjectNode list(String name, List<?> values) {
        ObjectNode node = Json.object();
        node.set(name, JSON.valueToTree(values));
        return node;
    }

    private static <T> T needed(@Nullable T value, String message) {
        if (value == null || value instanceof List<?> list && list.isEmpty()) {
            throw new IllegalArgumentException(message);
        }
        return value;
    }

    private static ObjectNode shown(Classification found, RunOptions told) {
        return list("scores", found.scores().stream().limit(told.topK).toList()).put("label", found.label())
                .put("score", found.score());
    }

    private static Answering classify(Path folder, RunOptions told) {
        var opened = Pipelines.textClassification(folder, told.opening.loading());
        var cutting = told.truncate ? opened.truncating() : opened;
        var classifier = told.function == null ? cutting : cutting.with(told.function);
        String field = told.pairField;
        if (field == null) {
            return answering(opened, classifier::classify, found -> shown(found, told));
        }
        return new Answering(opened, items -> {
            List<JsonNode> seconds = items.stream().map(item -> item.node().path(field)).toList();
            RefusedTexts.check(items.size(), i -> seconds.get(i).isString()
                    ? null
                    : "has no second text in the field \"%s\"".formatted(field));
            return classifier.classifyPairs(texts(items), seconds.stream().map(JsonNode::stringValue).toList()).stream()
                    .map(found -> shown(found, told)).toList();
        }, 0, null);
    }

    private static Answering classifyByLabels(Path folder, RunOptions told) {
        needed(told.labels, "zero-shot-classification needs --labels");
        var opened = Pipelines.zeroShotClassification(folder, told.opening.loading());
        var several = told.multiLabel ? opened.ofSeveral() : opened;
        var classifier = told.hypothesis == null ? several : several.withHypothesis(told.hypothesis);
        return answering(opened, texts -> classifier.classify(texts, told.labels), found -> shown(found, told));
    }

    private static Answering find(Path folder, RunOptions told) {
        var opened = Pipelines.tokenClassification(folder, told.opening.loading());
        var classifier = (told.truncate ? opened.truncating() : opened).with(told.aggregation);
        return answering(opened, classifier::find, found -> list("entities", found));
    }

    private static Answering answer(Path folder, RunOptions told) {
        var answerer = Pipelines.questionAnswering(folder, told.opening.loading());
        return new Answering(answerer, items -> {
            List<String> questions = items.stream()
                    .map(item -> told.question != null
                            ? told.question
                            : item.node().path("question").stringValue(""))
                    .toList();
            RefusedTexts.check(items.size(), i -> questions.get(i).isBlank()
                    ? "has no question; give --question, or a field \"question\""
                    : null);
            return answerer.answers(IntStream.range(0, items.size())
                    .mapToObj(i -> new QuestionAnswerer.Question(questions.get(i), items.get(i).text())).toList(),
                    told.answers()).stream().map(found -> list("answers", found)).toList();
        }, 0, null);
    }

    private static Answering pick(Path folder, RunOptions told) {
        var opened = Pipelines.multipleChoice(folder, told.opening.loading());
        var picker = told.truncate ? opened.truncating() : opened;
        return new Answering(opened, items -> picker.pick(items.stream().map(item -> new ChoicePicker.Question(
                item.text(), told.choices.isEmpty()
                        ? item.node().path("choices").valueStream().map(each -> each.stringValue("")).toList()
                        : told.choices))
                .toList()).stream().map(JSON::<ObjectNode>valueToTree).toList(), 0, null);
    }

    private static Answering fill(Path folder, RunOptions told) {
        var opened = Pipelines.fillMask(folder, told.opening.loading());
        var filler = told.truncate ? opened.truncating() : opened;
        return answering(opened,
                texts -> told.targets.isEmpty()
                        ? filler.fillAll(texts, told.topK)
                        : filler.fillAmong(texts, told.targets),
                masks -> list("fillings", masks.size() == 1 ? masks.getFirst() : masks));
    }

    private static Answering translate(Path folder, RunOptions told) {
        TextToText opened = Pipelines.translation(folder, told.opening.loading());
        try {
            TextToText from = told.from == null ? opened : opened.from(told.from);
            TextToText into = told.to == null ? from : from.into(told.to);
            if (into.lacksLanguage() && told.prefix == null) {
                throw new IllegalArgumentException("into which language? Give --to; this model has "
                        + String.join(", ", into.languages()));
            }
            return reply(opened, into, told);
        } catch (IllegalArgumentException e) {
            opened.close();
            throw e;
        }
    }

    private static Answering reply(TextToText opened, RunOptions told) {
        return reply(opened, opened, told);
    }

    private static Answering reply(TextToText opened, TextToText settled, RunOptions told) {
        TextToText answerer = told.truncate ? settled.truncating() : told.windows ? settled.inWindows() : settled;
        TextToText whole = told.prefix == null ? answerer : answerer.withPrefix(told.prefix);
        return new Answering(opened, items -> {
            Generation options = told.generation(whole.defaults(), items.getFirst().number());
            if (told.alignment != null) {
                return AlignmentFiles.answers(whole, items, options, told);
            }
            return whole.answer(texts(items), options).stream()
                    .map(found -> Json.object().put("answer", found.text()).put("input_tokens", found.inputTokens())
                            .put("output_tokens", found.outputTokens()).put("windows", found.windows()))
                    .toList();
        }, 0, null);
    }

    private static Answering write(Path folder, RunOptions told) {
        TextGenerator writer = TextGenerator.open(folder, told.opening.loading());
        // A setting that is refused is refused once, not for each text.
        Generation options = told.generation(writer.defaults(), 0);
        return new Answering(writer, items -> {
            // Where chance plays a part each text has its own, wherever a run began; and what is wrong with one text is said
            // of it alone.
            List<List<Completion>> all = options.samples() || items.size() == 1
                    ? items.stream()
                            .map(item -> writer.complete(item.text(),
                                    told.generation(writer.defaults(), item.number())))
                            .toList()
                    : writer.complete(texts(items), options);
            return all.stream().map(List::getFirst)
                    .map(found -> Json.object().put("answer", found.text()).put("input_tokens", found.promptTokens())
                            .put("output_tokens", found.newTokens())
                            .put("finish", found.finish().toString().toLowerCase(Locale.ROOT)))
                    .toList();
        }, 0, null);
    }

    private static Answering extract(Path folder, RunOptions told) {
        var opened = Pipelines.featureExtraction(folder, told.opening.loading());
        var extractor = told.truncate ? opened.truncating() : opened;
        return answering(opened, extractor::extract, found -> {
            ObjectNode node = list("tokens", Arrays.asList(found.encoding().tokens()));
            node.set("vectors", JSON.valueToTree(found.vectors()));
            return node;
        });
    }

    private static Answering embed(Path folder, RunOptions told) {
        SentenceEmbedder opened = Pipelines.embeddings(folder, told.opening.loading());
        SentenceEmbedder embedder = told.embedder(opened);
        return new Answering(opened, items -> embedder.embed(texts(items)).stream()
                .map(found -> Json.object().put("tokens", found.tokens()).put("windows", found.windows())
                        .putPOJO("vector", found.vector()))
                .toList(), embedder.dimensions(), null);
    }

    private static Answering compare(Path folder, RunOptions told) {
        String query = needed(told.query, "similarity needs --query");
        SentenceEmbedder opened = Pipelines.embeddings(folder, told.opening.loading());
        SentenceEmbedder embedder = told.embedder(opened);
        float[] its = embedder.embed(query);
        return new Answering(opened,
                items -> embedder.embed(texts(items)).stream()
                        .map(found -> Json.object().put("similarity",
                                embedder.alike(its, found.vector())))
                        .toList(),
                0, "similarity");
    }

    private static Answering rank(Path folder, RunOptions told) {
        String query = needed(told.query, "rerank needs --query");
        var reranker = Pipelines.rerank(folder, told.opening.loading());
        return new Answering(reranker, items -> DoubleStream.of(reranker.scores(query, texts(items)))
                .mapToObj(score -> Json.object().put("score", score)).toList(), 0, "score");
    }
}
