package dev.weft.cli;

import dev.weft.cli.Inputs.Item;
import dev.weft.run.pipeline.Outcome;
import dev.weft.run.Task;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.PriorityQueue;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import java.util.zip.GZIPOutputStream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.IModelTransformer;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;
import tools.jackson.databind.node.POJONode;

/// `weft run`: a model's answers to texts, of a few words or of files of any size.
@Command(name = "run", mixinStandardHelpOptions = true, sortOptions = false, modelTransformer = RunCommand.TaskList.class, customSynopsis = "weft run TASK FOLDER [OPTION...] TEXT...", description = {
        "Let a model answer: labels, entities, answers, translations, vectors.",
        "With --out, a run that was stopped goes on when the same command is given again."})
final class RunCommand implements Callable<Integer> {
    private static final JsonMapper JSON = new JsonMapper();

    @Parameters(index = "0", paramLabel = "TASK", description = "What to do; see below.")
    String task;

    @Parameters(index = "1", paramLabel = "FOLDER", description = "A model folder, a run's, or an adapter's beside its base.")
    Path folder;

    @Parameters(index = "2..*", paramLabel = "TEXT", description = "Texts, or files of a text in each line (.jsonl: an object in each line), packed (.gz) or not; - reads lines from standard input.")
    List<String> inputs = List.of();

    @Option(names = "--field", defaultValue = "text", paramLabel = "NAME", description = "Where a .jsonl line has its text. Default: ${DEFAULT-VALUE}.")
    String field;

    @Option(names = "--unit", paramLabel = "line|file", description = "Whether each line of a file is a text, or the whole file. Default: line, in summarization file.")
    @Nullable
    String unit;

    @Option(names = "--out", paramLabel = "FILE", description = "Write JSON lines there (.jsonl, .jsonl.gz), or vectors (.npy), instead of showing answers.")
    @Nullable
    Path out;

    @Option(names = "--restart", description = "Begin anew where another run of --out was stopped.")
    boolean restart;

    @Mixin
    RunOptions told;

    @Mixin
    Output output;

    @Spec
    CommandSpec spec;

    /// The tasks at the end of the help, from the same list that runs them.
    static final class TaskList implements IModelTransformer {
        @Override
        public CommandSpec transform(CommandSpec spec) {
            var lines = new ArrayList<>(List.of("", "Tasks, and which of the options above each knows:"));
            for (Task task : Task.values()) {
                lines.add("  %-26s%s".formatted(task.title(), task.about()));
                lines.addAll(RunTask.TASKS.contains(task)
                        ? wrapped(RunTask.known(task).options().stream().sorted().toList())
                        : List.of());
            }
            lines.addAll(List.of("", "weft info FOLDER says which of them a folder can do.", "", "Examples:",
                    "  weft run fill-mask models/bert \"Paris is the [MASK] of France.\"",
                    "  weft run text-classification models/sst2 reviews.jsonl --field text --out scored.jsonl",
                    "  weft run question-answering models/squad --question \"Who?\" --context-file page.txt",
                    "  weft run embeddings models/minilm sentences.txt --out vectors.npy",
                    "  weft run rerank models/cross-encoder --query \"Who?\" passages.txt"));
            spec.usageMessage().footer(lines.toArray(String[]::new));
            return spec;
        }

        private static List<String> wrapped(List<String> words) {
            var lines = new ArrayList<String>();
            var line = new StringBuilder();
            for (String word : words) {
                if (line.length() + word.length() > 48) {
                    lines.add("  %-26s%s".formatted("", line.toString().strip()));
                    line.setLength(0);
                }
                line.append(word).append(' ');
            }
            lines.add("  %-26s%s".formatted("", line.toString().strip()));
            return lines;
        }
    }

    /// Answers of a window on their way out.
    private interface Sink {
        /// @param answers an object for each text of the window, null where there is none
        /// @return whether anybody still wants more
        boolean add(List<@Nullable ObjectNode> answers, Inputs.Place next);

        void finish();
    }

    private long answered;
    private long failed;

    @Override
    public Integer call() throws Exception {
        Task asked = Task.named(task)
                .orElseThrow(() -> new IllegalArgumentException("unknown task \"%s\"; choose one of %s".formatted(task,
                        RunTask.TASKS.stream().map(Task::title).collect(Collectors.joining(", ")))));
        RunTask known = RunTask.known(asked);
        checkOptions(known);
        boolean wholeFiles = unit == null
                ? asked == Task.SUMMARIZATION || told.contextFile != null
                : unit.equals("file");
        try (var texts = new Inputs(arguments(), field, wholeFiles);
                AnswerFile file = out == null ? null : AnswerFile.open(out, fingerprint(), restart);
                var answering = known.opener().open(ScoredModel.modelFolder(folder), told);
                var progress = new ProgressLine()) {
            if (file != null) {
                goOn(file, texts);
            }
            if (file == null) {
                answerAll(texts, known.window(), answering, answering.rankedBy() != null && !output.json
                        ? best(answering.rankedBy())
                        : shown(), progress);
            } else {
                Interrupts.saying(() -> System.err.printf(Locale.ROOT,
                        "%nweft: stopped behind %,d texts; the same command goes on from there%n",
                        file.progress().answered() + file.progress().failed()),
                        () -> answerAll(texts, known.window(), answering, sink(file, answering), progress));
            }
        }
        if (out != null) {
            System.err.printf(Locale.ROOT, "%,d texts answered, written to %s%n", answered, out);
        }
        if (failed > 0) {
            System.err.printf(Locale.ROOT, "weft: %,d of %,d texts failed; the others are answered%n", failed,
                    answered + failed);
        }
        return failed > 0 ? 2 : 0;
    }

    private void answerAll(Inputs texts, int most, RunTask.Answering answering, Sink sink, ProgressLine progress) {
        boolean wanted = true;
        for (List<Item> window = window(texts, most); wanted && !window.isEmpty(); window = window(texts, most)) {
            wanted = sink.add(answers(window, answering), texts.place());
            if (out != null) {
                progress.texts(answered + failed, texts.bytesRead(), texts.bytesTotal());
            }
        }
        sink.finish();
    }

    private List<String> arguments() {
        var all = new ArrayList<>(inputs);
        if (told.contextFile != null) {
            if (Inputs.file(told.contextFile) == null) {
                throw new IllegalArgumentException(told.contextFile + ": there is no such file");
            }
            all.add(told.contextFile);
        }
        return all;
    }

    private void checkOptions(RunTask known) {
        if (unit != null && !unit.equals("line") && !unit.equals("file")) {
            throw new IllegalArgumentException("--unit is line or file, found \"" + unit + "\"");
        }
        if (told.truncate && told.windows) {
            throw new IllegalArgumentException("--truncate and --windows contradict each other; give one");
        }
        if (told.alignmentLayer != null && told.alignment == null) {
            throw new IllegalArgumentException("--alignment-layer is for --alignment, which is not given");
        }
        if (told.alignment != null && told.windows) {
            throw new IllegalArgumentException("--alignment is of whole texts; give --truncate instead of --windows");
        }
        if (told.topK < 1) {
            throw new IllegalArgumentException("--top-k must be at least 1, found " + told.topK);
        }
        if (restart && out == null) {
            throw new IllegalArgumentException("--restart is for --out, which is not given");
        }
        for (String name : given().keySet()) {
            List<Task> owners = RunTask.knowing(name);
            if (!owners.isEmpty() && !known.options().contains(name)) {
                throw new IllegalArgumentException("%s does not know %s, which is for %s; it knows %s".formatted(task,
                        name, owners.stream().map(Task::title).collect(Collectors.joining(", ")),
                        known.options().stream().sorted().collect(Collectors.joining(", "))));
            }
        }
        if (out != null && out.toString().endsWith(".npy") && !task.equals(Task.EMBEDDINGS.title())) {
            throw new IllegalArgumentException(
                    "%s: only embeddings are a vector for each text; write JSON lines (.jsonl)".formatted(out));
        }
    }

    /// The options on the command line with their values.
    private Map<String, String> given() {
        var given = new TreeMap<String, String>();
        for (OptionSpec option : spec.commandLine().getParseResult().matchedOptions()) {
            given.put(option.longestName(), String.valueOf(option.<Object>getValue()));
        }
        return given;
    }

    /// Of all that decides the answers. What comes from standard input cannot be read again, so that no run goes on with
    /// it.
    private String fingerprint() throws IOException {
        var facts = new ArrayList<String>();
        facts.add(task);
        Map<String, String> given = given();
        List.of("--out", "--restart", "--json").forEach(given::remove);
        facts.add(given.toString());
        try (Stream<Path> files = Files.isDirectory(folder) ? Files.list(folder) : Stream.of(folder)) {
            for (Path file : files.filter(Files::isRegularFile).sorted().toList()) {
                facts.add(stamp(file));
            }
        }
        for (String argument : arguments()) {
            Path file = Inputs.file(argument);
            facts.add(file == null ? argument : stamp(file));
            if (argument.equals(Inputs.STANDARD_INPUT)) {
                facts.add(Long.toString(System.nanoTime()));
            }
        }
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256")
                    .digest(String.join("\0", facts).getBytes(StandardCharsets.UTF_8)));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }

    private static String stamp(Path file) throws IOException {
        return "%s %d %s".formatted(file.toRealPath(), Files.size(file), Files.getLastModifiedTime(file));
    }

    private void goOn(AnswerFile file, Inputs texts) {
        AnswerFile.Progress before = file.progress();
        answered = before.answered();
        failed = before.failed();
        texts.goOn(before.next(), answered + failed);
        if (answered + failed > 0) {
            System.err.printf(Locale.ROOT, "going on behind %,d texts, whose answers are there%n", answered + failed);
        }
    }

    /// As many texts as are answered together; of a pipe what is there, so that nobody waits for the next.
    private static List<Item> window(Inputs texts, int most) {
        var window = new ArrayList<Item>();
        while (window.size() < most && (window.isEmpty() || texts.ready())) {
            Item next = texts.next();
            if (next == null) {
                break;
            }
            window.add(next);
        }
        return window;
    }

    private List<@Nullable ObjectNode> answers(List<Item> window, RunTask.Answering answering) {
        List<Item> good = window.stream().filter(item -> item.problem() == null).toList();
        Iterator<Outcome<ObjectNode>> outcomes = Outcome.each(good, answering.answers()).iterator();
        var answers = new ArrayList<@Nullable ObjectNode>();
        for (Item item : window) {
            Outcome<ObjectNode> outcome = item.problem() != null
                    ? new Outcome.Refused<>(item.problem())
                    : outcomes.next();
            switch (outcome) {
                case Outcome.Answered<ObjectNode>(ObjectNode answer) -> {
                    answered++;
                    ObjectNode whole = item.node();
                    whole.setAll(answer);
                    answers.add(whole);
                }
                case Outcome.Refused<ObjectNode>(String reason) -> {
                    failed++;
                    answers.add(null);
                    System.err.printf("weft: %s: %s%n", item.where(), reason);
                }
            }
        }
        return answers;
    }

    private Sink sink(AnswerFile file, RunTask.Answering answering) {
        String name = String.valueOf(out);
        boolean vectors = name.endsWith(".npy");
        boolean packed = name.endsWith(".gz");
        return new Sink() {
            @Override
            public boolean add(List<@Nullable ObjectNode> answers, Inputs.Place next) {
                byte[] head = vectors ? AnswerFile.npyHead(answered + failed, answering.dimensions()) : null;
                byte[] bytes = vectors ? rows(answers, answering.dimensions()) : lines(answers, packed);
                file.add(head, bytes, next, answered, failed);
                return true;
            }

            @Override
            public void finish() {
                if (vectors && answered + failed == 0) {
                    add(List.of(), Inputs.Place.BEGIN);
                }
                file.finish();
            }
        };
    }

    private static byte[] lines(List<@Nullable ObjectNode> answers, boolean packed) {
        var bytes = new ByteArrayOutputStream();
        try (OutputStream to = packed ? new GZIPOutputStream(bytes) : bytes) {
            for (ObjectNode answer : answers) {
                if (answer != null) {
                    to.write(JSON.writeValueAsBytes(answer));
                    to.write('\n');
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return bytes.toByteArray();
    }

    /// A row for each text, so that rows and lines have the same numbers; of a text that failed, NaN.
    private static byte[] rows(List<@Nullable ObjectNode> answers, int dimensions) {
        ByteBuffer rows = ByteBuffer.allocate(answers.size() * dimensions * Float.BYTES)
                .order(ByteOrder.LITTLE_ENDIAN);
        float[] nothing = new float[dimensions];
        Arrays.fill(nothing, Float.NaN);
        for (ObjectNode answer : answers) {
            boolean there = answer != null && answer.get("vector") instanceof POJONode;
            for (float number : there ? (float[]) ((POJONode) answer.get("vector")).getPojo() : nothing) {
                rows.putFloat(number);
            }
        }
        return rows.array();
    }

    /// Answers on standard output, as they come.
    private Sink shown() {
        return new Sink() {
            @Override
            public boolean add(List<@Nullable ObjectNode> answers, Inputs.Place next) {
                answers.stream().filter(answer -> answer != null).forEach(RunCommand.this::show);
                // Whoever reads may have had enough, as `head` does.
                return !System.out.checkError();
            }

            @Override
            public void finish() {}
        };
    }

    /// The best answers, when all are there.
    private Sink best(String number) {
        Comparator<ObjectNode> order = Comparator.comparingDouble(answer -> answer.get(number).doubleValue());
        var best = new PriorityQueue<>(order);
        return new Sink() {
            @Override
            public boolean add(List<@Nullable ObjectNode> answers, Inputs.Place next) {
                for (ObjectNode answer : answers) {
                    if (answer != null) {
                        best.add(answer);
                        if (best.size() > told.topK) {
                            best.poll();
                        }
                    }
                }
                return true;
            }

            @Override
            public void finish() {
                best.stream().sorted(order.reversed()).forEach(RunCommand.this::show);
            }
        };
    }

    private void show(ObjectNode answer) {
        if (output.json) {
            System.out.println(JSON.writeValueAsString(answer));
            return;
        }
        var lists = new ArrayList<String>();
        var line = new ArrayList<String>();
        for (Map.Entry<String, JsonNode> entry : answer.properties()) {
            JsonNode value = entry.getValue();
            if (value.isArray() && value.valueStream().allMatch(JsonNode::isObject)) {
                value.valueStream().forEach(each -> lists.add("  " + each.properties().stream()
                        .map(RunCommand::named).collect(Collectors.joining("  "))));
            } else {
                line.add(named(entry));
            }
        }
        System.out.println(String.join("  ", line));
        lists.forEach(System.out::println);
    }

    private static String named(Map.Entry<String, JsonNode> entry) {
        JsonNode value = entry.getValue();
        String text = value instanceof POJONode vector
                ? "%d numbers".formatted(((float[]) vector.getPojo()).length)
                : value.isString()
                        ? value.stringValue()
                        : value.isFloatingPointNumber() ? "%.4f".formatted(value.doubleValue()) : value.toString();
        return entry.getKey() + ": " + text;
    }
}
