package dev.weft.recipe;

import dev.weft.data.Collator;
import dev.weft.data.Example;
import dev.weft.data.ExampleFile;
import dev.weft.data.Examples;
import dev.weft.data.Format;
import dev.weft.data.Labels;
import dev.weft.data.LengthBatches;
import dev.weft.data.Packing;
import dev.weft.data.Row;
import dev.weft.data.RowEncoder;
import dev.weft.data.Rows;
import dev.weft.data.TextSource;
import dev.weft.data.TokenFile;
import dev.weft.data.TokenWindows;
import dev.weft.data.Tokens;
import dev.weft.data.examples.MaskedTokens;
import dev.weft.data.examples.NextSentence;
import dev.weft.data.examples.Noise;
import dev.weft.data.examples.SpanCorruption;
import dev.weft.models.heads.HeadKind;
import dev.weft.run.Tokenizers;
import dev.weft.text.Tokenizer;
import dev.weft.text.Truncation;
import dev.weft.text.chat.ChatTemplate;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.random.RandomGenerator;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/// The data of a recipe: its rows or its long text, what is held out, and the batches that they become.
final class RecipeData implements AutoCloseable {
    /// Text after which a new one begins, where the tokenizer knows it.
    static final String END_OF_TEXT = "<|endoftext|>";

    private Recipe recipe;
    private final TrainingTask task;
    private final @Nullable Rows training;
    private @Nullable Rows held;
    private final GuardedRows guard;
    private long leftOut;
    private final List<AutoCloseable> open = new ArrayList<>();
    private String fingerprint = "";
    private int ids = Integer.MAX_VALUE;

    private RecipeData(Recipe recipe, TrainingTask task, @Nullable Rows training, @Nullable Rows held,
            GuardedRows guard) {
        this.guard = guard;
        this.recipe = recipe;
        this.task = task;
        this.training = training;
        this.held = held;
    }

    /// @throws IllegalArgumentException if there is no data, or a column is not there
    static RecipeData open(Recipe recipe, TrainingTask task) {
        Recipe.Data data = recipe.data();
        var guard = new GuardedRows(data.onBadRows());
        if (data.train().isEmpty()) {
            throw new IllegalArgumentException(
                    "There is nothing to learn from; name files or a query with --train (data.train in a recipe)");
        }
        if (!List.of("windows", "lines", "rows").contains(examples(recipe, task))) {
            throw new IllegalArgumentException(
                    "Examples are windows, lines or rows, found \"%s\"".formatted(data.examples()));
        }
        if (examples(recipe, task).equals("windows") || task == TrainingTask.PRETRAINING) {
            if (!List.of(TrainingTask.TEXT_GENERATION, TrainingTask.FILL_MASK, TrainingTask.SPAN_CORRUPTION,
                    TrainingTask.DENOISING, TrainingTask.PRETRAINING).contains(task)) {
                throw new IllegalArgumentException("Windows of a long text do not teach %s; choose --examples rows"
                        .formatted(task.id()));
            }
            return new RecipeData(recipe, task, null, null, guard);
        }
        Rows all = rows(recipe, task, data.train(), data.trainTarget(), guard);
        if (!data.dev().isEmpty()) {
            return new RecipeData(recipe, task, all, rows(recipe, task, data.dev(), data.devTarget(), guard), guard);
        }
        if (data.devShare() > 0) {
            Rows.Split split = all.split(data.devShare(), recipe.train().seed());
            requireBoth(split, all, data.devShare());
            return new RecipeData(recipe, task, split.training(), split.validation(), guard);
        }
        return new RecipeData(recipe, task, all, null, guard);
    }

    private static void requireBoth(Rows.Split split, Rows all, double share) {
        for (Rows side : List.of(split.training(), split.validation())) {
            try (Rows.Cursor cursor = side.open()) {
                if (!cursor.hasNext()) {
                    throw new IllegalArgumentException(
                            "%s: of its %,d rows --dev-share %s leaves none to %s; choose another share (0 for nothing held out), more rows, or files with --dev"
                                    .formatted(all.name(), all.count(), share,
                                            side == split.training() ? "train on" : "evaluate on"));
                }
            }
        }
    }

    private static String examples(Recipe recipe, TrainingTask task) {
        String examples = recipe.data().examples();
        return examples != null ? examples : task == TrainingTask.TEXT_GENERATION ? "windows" : "rows";
    }

    /// Rows as a recipe's task reads them.
    private static Rows rows(Recipe recipe, TrainingTask task, List<String> given, List<String> target,
            GuardedRows guard) {
        Recipe.Data data = recipe.data();
        Rows rows = guard.rows(target.isEmpty()
                ? rows(data, given)
                : Rows.parallel("source", rows(data, given), "target", rows(data, target)), row -> {});
        var names = new LinkedHashMap<String, String>();
        data.columns().forEach((name, column) -> {
            if (column != null) {
                names.put(name, column);
            }
        });
        rows = names.isEmpty() ? rows : rows.named(names);
        for (String column : needed(task)) {
            require(rows, column);
        }
        rows = switch (task) {
            case TEXT_CLASSIFICATION -> guard.rows(rows, row -> row.label("label"));
            case MULTI_LABEL_CLASSIFICATION -> guard.rows(rows, row -> row.labels("labels"));
            case TOKEN_CLASSIFICATION -> guard.rows(rows, row -> row.labels("tags"));
            default -> rows;
        };
        guard.requireSome(rows);
        if (examples(recipe, task).equals("lines")) {
            return rows.where(row -> !row.text("text").isEmpty())
                    .mapped(row -> changed(row, "text", row.text("text") + "\n"));
        }
        return rows;
    }

    static Row changed(Row row, String column, String value) {
        var values = new LinkedHashMap<String, @Nullable Object>(row.values());
        values.put(column, value);
        return new Row(values, row.place());
    }

    private static Rows rows(Recipe.Data data, List<String> given) {
        if (given.size() == 1 && given.getFirst().strip().matches("(?is)(select|from|with)\\s.+")) {
            return Rows.sql(given.getFirst());
        }
        List<String> files = files(data, given);
        Format format = Format.told(Path.of(files.getFirst()), data.format(), data.delimiter(), data.columnNames());
        return format == null ? Rows.of(files) : Rows.of(files, format);
    }

    private static List<String> files(Recipe.Data data, List<String> given) {
        return given.stream().map(file -> Path.of(data.folder()).resolve(file).normalize().toString()).toList();
    }

    /// The columns that a task cannot do without.
    private static List<String> needed(TrainingTask task) {
        return switch (task) {
            case TEXT_GENERATION, FILL_MASK, PRETRAINING, SPAN_CORRUPTION, DENOISING -> List.of("text");
            case TEXT_CLASSIFICATION, REGRESSION -> List.of("text", "label");
            case MULTI_LABEL_CLASSIFICATION -> List.of("text", "labels");
            case TOKEN_CLASSIFICATION -> List.of("tokens", "tags");
            case QUESTION_ANSWERING -> List.of("question", "context", "answers");
            case MULTIPLE_CHOICE -> List.of("text", "choices", "label");
            case TRANSLATION, SUMMARIZATION, TEXT2TEXT_GENERATION -> List.of("source", "target");
            case SENTENCE_SIMILARITY -> List.of("anchor", "positive");
            case PREFERENCE -> List.of("chosen", "rejected");
            case CHAT -> List.of();
        };
    }

    private static void require(Rows rows, String column) {
        Set<String> found = rows.columns();
        if (!found.contains(column)) {
            throw new IllegalArgumentException(
                    "%s: the task needs a column \"%s\"; the columns are %s; say which it is with --%s-column NAME, or name the columns of a file without a line of names with --column-names"
                            .formatted(rows.name(), column, String.join(", ", found), column.replace('_', '-')));
        }
    }

    /// The classes that stand in the training data; none for tasks without.
    List<String> labels() {
        return switch (task) {
            case TEXT_CLASSIFICATION -> Labels.of(trainingRows(), "label").names();
            case MULTI_LABEL_CLASSIFICATION -> Labels.of(trainingRows(), "labels").names();
            case TOKEN_CLASSIFICATION -> Labels.of(trainingRows(), "tags").names();
            default -> List.of();
        };
    }

    boolean hasRows() {
        return training != null;
    }

    Rows trainingRows() {
        if (training == null) {
            throw new IllegalStateException("Windows of a text are no rows");
        }
        return training;
    }

    /// What is held out, as far as it is to be looked at; null if nothing is, or it is no rows.
    @Nullable
    Rows heldRows() {
        int most = recipe.evaluate().rows();
        if (held == null || most == 0) {
            return held;
        }
        var some = new ArrayList<Row>();
        try (Rows.Cursor cursor = held.open()) {
            while (some.size() < most && cursor.hasNext()) {
                some.add(cursor.next());
            }
        }
        return Rows.of(held.name(), some);
    }

    /// What the user should know of the data: what stands on both sides.
    List<String> notes() {
        if (training == null || held == null) {
            return List.of();
        }
        var columns = new LinkedHashSet<>(needed(task));
        columns.retainAll(held.columns());
        columns.removeAll(List.of("label", "labels", "tags", "target", "answers"));
        if (columns.isEmpty()) {
            return List.of();
        }
        long twice = held.alsoIn(training, columns);
        return twice == 0
                ? List.of()
                : List.of("%,d of %,d rows that are held out also stand in the training data (%s)".formatted(twice,
                        held.count(), String.join(", ", columns)));
    }

    /// Texts that a tokenizer can learn from.
    TextSource text() {
        Recipe.TokenizerPart part = recipe.tokenizer();
        return TextSource.of(files(recipe.data(), part.text().isEmpty() ? recipe.data().train() : part.text()));
    }

    /// The texts of the training rows, all that a task reads.
    Iterable<String> texts() {
        List<String> columns = Arrays.asList("text", "text_pair", "source", "target", "question", "context", "anchor",
                "positive", "negative", "prompt", "completion", "instruction", "input", "output", "chosen", "rejected",
                "tokens", "choices", "messages", "conversations");
        return () -> {
            var cursor = trainingRows().open();
            return IntStream.iterate(0, i -> cursor.hasNext(), i -> i + 1).boxed()
                    .flatMap(i -> {
                        Row row = cursor.next();
                        return columns.stream().filter(row.columns()::contains).flatMap(name -> said(row.value(name)));
                    }).iterator();
        };
    }

    private static Stream<String> said(@Nullable Object value) {
        return switch (value) {
            case String text -> Stream.of(text);
            case List<?> list when !list.isEmpty() && list.getFirst() instanceof String ->
                Stream.of(String.join(" ", list.stream().map(String::valueOf).toList()));
            case List<?> list -> list.stream().flatMap(RecipeData::said);
            case Map<?, ?> map -> map.values().stream().flatMap(RecipeData::said);
            case null, default -> Stream.empty();
        };
    }

    // ---- batches ----

    /// What a task's rows become.
    ///
    /// @param start what a decoder's input begins with
    private RowEncoder encoder(Tokenizer tokenizer, ChatTemplate template, Labels labels, int start) {
        Recipe.Data data = recipe.data();
        int length = data.maxLength();
        Truncation limit = Truncation.to(length);
        return switch (task) {
            case TEXT_GENERATION -> new RowEncoder.Language(tokenizer, limit);
            case CHAT -> new RowEncoder.Conversations(tokenizer, template, length);
            case PREFERENCE -> new RowEncoder.Preferences(tokenizer, template, length);
            case FILL_MASK, PRETRAINING, SPAN_CORRUPTION, DENOISING -> new RowEncoder.Masked(tokenizer, limit);
            case TEXT_CLASSIFICATION ->
                new RowEncoder.Texts(tokenizer, limit, new RowEncoder.Target.OneOf(labels));
            case MULTI_LABEL_CLASSIFICATION ->
                new RowEncoder.Texts(tokenizer, limit, new RowEncoder.Target.AnyOf(labels));
            case REGRESSION -> new RowEncoder.Texts(tokenizer, limit, new RowEncoder.Target.Number());
            case TOKEN_CLASSIFICATION -> new RowEncoder.Words(tokenizer, limit, labels,
                    Choice.of(RowEncoder.Pieces.class, "objective.labelled_pieces",
                            recipe.objective().labelledPieces()));
            case QUESTION_ANSWERING -> new RowEncoder.Questions(tokenizer, Truncation.windows(length, stride(recipe)));
            case MULTIPLE_CHOICE -> new RowEncoder.Choices(tokenizer, limit);
            case TRANSLATION, SUMMARIZATION, TEXT2TEXT_GENERATION -> {
                Integer target = data.maxTargetLength();
                yield new RowEncoder.Pairs(tokenizer, limit, tokenizer, Truncation.to(target == null ? length : target),
                        start);
            }
            case SENTENCE_SIMILARITY -> new RowEncoder.Similar(tokenizer, limit);
        };
    }

    static int stride(Recipe recipe) {
        Integer told = recipe.objective().stride();
        return told == null ? recipe.data().maxLength() / 8 : told;
    }

    /// What is learned from, and from what a loss is computed to judge by.
    ///
    /// @param validation null where nothing is held out
    /// @param held       of a long text what is held out, instead
    /// @param notes      what the user should know of the examples
    record Prepared(TrainingBatches training, @Nullable TrainingBatches validation, @Nullable Tokens held,
            List<String> notes) {}

    /// @param start what a decoder's input begins with
    /// @param ids   how many the model has an embedding for: its tokenizer may have more, as long as none of those occurs
    Prepared prepare(Tokenizer tokenizer, ChatTemplate template, Labels labels, int start, int ids,
            RunListener listener) {
        this.ids = ids;
        if (task == TrainingTask.PRETRAINING) {
            return documents(tokenizer);
        }
        return training == null
                ? windows(tokenizer, listener)
                : examples(tokenizer, encoder(tokenizer, template, labels, start), listener);
    }

    private Prepared examples(Tokenizer tokenizer, RowEncoder plain, RunListener listener) {
        RowEncoder encoder = guard.encoder(plain);
        ExampleFile examples = file(prefixed(trainingRows()), encoder, listener);
        leftOut = examples.rowsWithout();
        if (held != null && guard.skips()) {
            // What is judged on is looked at anew in each evaluation.
            held = guard.fitting(held, encoder);
        }
        Rows judged = heldRows();
        // Where the task's metrics are measured, they are measured on the rows.
        ExampleFile validation = judged == null || task.measured()
                ? null
                : file(prefixed(judged), encoder, listener);
        fingerprint = examples.fingerprint() + (judged == null ? "" : "-" + judged.fingerprint());
        var notes = new ArrayList<>(guard.notes(leftOut()));
        notes.addAll(cut(examples));
        return new Prepared(lessons(examples, tokenizer, true),
                validation == null ? null : lessons(validation, tokenizer, false), null, notes);
    }

    private ExampleFile file(Rows rows, RowEncoder encoder, RunListener listener) {
        try {
            return kept(ExampleFile.of(rows, encoder, cache(), done -> listener.working("encoding", done, 0)));
        } catch (IllegalArgumentException e) {
            String reason = guard.reason();
            throw reason == null
                    ? e
                    : new IllegalArgumentException("%s; rows were left out, the first since: %s".formatted(
                            e.getMessage(), reason), e);
        }
    }

    /// How many rows were left out since they are not as the task needs them.
    long leftOut() {
        return leftOut + guard.beforehand();
    }

    /// How many texts were as long as is allowed, or longer. Long contexts of questions are not cut: they become windows.
    private List<String> cut(Examples examples) {
        int length = recipe.data().maxLength();
        long full = task == TrainingTask.QUESTION_ANSWERING || task == TrainingTask.MULTIPLE_CHOICE
                ? 0
                : Arrays.stream(examples.lengths()).filter(each -> each >= length).count();
        return full == 0
                ? List.of()
                : List.of("%,d of %,d examples fill all %,d tokens of --max-length; what was longer is cut off"
                        .formatted(full, examples.count(), length));
    }

    private Rows prefixed(Rows rows) {
        String prefix = recipe.data().sourcePrefix();
        return prefix.isEmpty() ? rows : rows.mapped(row -> changed(row, "source", prefix + row.text("source")));
    }

    private <T extends AutoCloseable> T kept(T resource) {
        open.add(resource);
        return resource;
    }

    private Path cache() {
        String told = recipe.data().cache();
        return told == null ? Recipe.defaultCache() : Path.of(told);
    }

    private void requireKnown(Examples examples, Tokenizer tokenizer) {
        if (tokenizer.vocabSize() > ids) {
            for (int i = 0; i < examples.count(); i++) {
                examples.read(i).features().forEach((name, values) -> {
                    if (name.endsWith("input_ids") || name.equals("labels") && task.head() == HeadKind.SEQ2SEQ) {
                        switch (values) {
                            case Example.Feature.Sequence(int[] text) -> requireKnown(tokenizer, text);
                            case Example.Feature.Choices(int[][] texts) ->
                                Arrays.stream(texts).forEach(text -> requireKnown(tokenizer, text));
                            default -> {
                                // No text.
                            }
                        }
                    }
                });
            }
        }
    }

    private void requireKnown(Tokens tokens, Tokenizer tokenizer) {
        int[] some = new int[1 << 16];
        for (long at = 0; tokenizer.vocabSize() > ids && at < tokens.count(); at += some.length) {
            some = new int[(int) Math.min(some.length, tokens.count() - at)];
            tokens.read(at, some);
            requireKnown(tokenizer, some);
        }
    }

    private void requireKnown(Tokenizer tokenizer, int[] text) {
        String beyond = Tokenizers.beyond(tokenizer, text, ids);
        if (beyond != null) {
            throw new IllegalArgumentException("The training data " + beyond);
        }
    }

    private TrainingBatches lessons(Examples examples, Tokenizer tokenizer, boolean trains) {
        Recipe.Train train = recipe.train();
        int padId = padId(tokenizer, ids);
        requireKnown(examples, tokenizer);
        if (recipe.data().packed() && trains) {
            if (!List.of(TrainingTask.TEXT_GENERATION, TrainingTask.CHAT).contains(task)) {
                throw new IllegalArgumentException("Rows are packed for language models; %s is not packed".formatted(
                        task.id()));
            }
            int length = recipe.data().maxLength();
            return new TrainingBatches.Packed(examples, new Packing(length, padId, true),
                    Math.clamp(train.batchTokens() / length, 1, train.batch()), train.microBatches(), train.seed());
        }
        long room = Math.max(train.batchTokens(), Arrays.stream(examples.lengths()).max().orElse(1));
        return new TrainingBatches.OfExamples(examples, change(tokenizer),
                // Lines are short, and their length often says what they are about.
                examples(recipe, task).equals("lines")
                        ? new LengthBatches(examples.lengths(), room, train.batch(), train.seed(), 1)
                        : new LengthBatches(examples.lengths(), room, train.batch(), train.seed()),
                new Collator(padId, task.head() == HeadKind.CAUSAL_LANGUAGE
                        ? Truncation.Side.RIGHT
                        : tokenizer.paddingSide(), 1),
                trains ? train.microBatches() : 1, train.seed());
    }

    /// The same, of those that the model has.
    private static int padId(Tokenizer tokenizer, int ids) {
        int padId = padId(tokenizer);
        return padId < ids ? padId : 0;
    }

    /// What shorter examples are filled up with; without such a token any other, since it is masked.
    static int padId(Tokenizer tokenizer) {
        for (String name : List.of("pad_token", "eos_token")) {
            String token = tokenizer.specialTokens().get(name);
            if (token != null && tokenizer.id(token).isPresent()) {
                return tokenizer.id(token).getAsInt();
            }
        }
        return 0;
    }

    // ---- what is drawn anew each time ----

    private TrainingBatches.Change change(Tokenizer tokenizer) {
        return switch (task) {
            case FILL_MASK, PRETRAINING -> masking(tokenizer);
            case SPAN_CORRUPTION -> spans(tokenizer);
            case DENOISING -> noise(tokenizer);
            default -> TrainingBatches.Change.NONE;
        };
    }

    private TrainingBatches.Change masking(Tokenizer tokenizer) {
        Recipe.ObjectivePart objective = recipe.objective();
        var masked = new MaskedTokens(special(tokenizer, "mask_token"), Math.min(tokenizer.vocabSize(), ids),
                objective.maskShare());
        return (example, random) -> {
            int[] ids = example.sequence("input_ids");
            int[] words = example.sequence("word_ids");
            boolean[] given = new boolean[ids.length];
            for (int i = 0; i < ids.length; i++) {
                given[i] = words[i] < 0;
            }
            return with(example.only(name -> !name.equals("word_ids")),
                    objective.wholeWords() ? masked.words(ids, words, random) : masked.tokens(ids, given, random));
        };
    }

    private TrainingBatches.Change spans(Tokenizer tokenizer) {
        List<Integer> sentinels = IntStream.iterate(0, i -> tokenizer.id("<extra_id_" + i + ">").orElse(ids) < ids,
                i -> i + 1).mapToObj(i -> tokenizer.id("<extra_id_" + i + ">").getAsInt()).toList();
        if (sentinels.isEmpty()) {
            throw new IllegalArgumentException(
                    "Span corruption needs tokens <extra_id_0>, <extra_id_1>, …; this tokenizer has none");
        }
        Recipe.ObjectivePart objective = recipe.objective();
        int end = special(tokenizer, "eos_token");
        var corruption = new SpanCorruption(objective.noiseDensity(), objective.meanSpan(), sentinels.getFirst(),
                sentinels.size(), end);
        return (example, random) -> with(new Example(Map.of()), corruption.corrupt(inner(example), random));
    }

    private TrainingBatches.Change noise(Tokenizer tokenizer) {
        Recipe.ObjectivePart objective = recipe.objective();
        int mask = special(tokenizer, "mask_token");
        int begin = special(tokenizer, "bos_token");
        int end = special(tokenizer, "eos_token");
        List<Integer> ends = IntStream.range(0, tokenizer.vocabSize())
                .filter(id -> tokenizer.token(id) != null && tokenizer.token(id).matches(".*[.!?]")).boxed().toList();
        List<Noise> ways = objective.noise().stream().<Noise>map(way -> switch (way) {
            case "masking" -> new Noise.Masking(objective.noiseShare(), mask);
            case "deletion" -> new Noise.Deletion(objective.noiseShare());
            case "infilling" -> new Noise.Infilling(objective.noiseShare(), objective.meanSpan(), mask);
            case "permutation" -> new Noise.Permutation(ends);
            case "rotation" -> new Noise.Rotation();
            default -> throw new IllegalArgumentException("There is no noise \"" + way
                    + "\"; there are infilling, permutation, masking, deletion and rotation");
        }).toList();
        return (example, random) -> with(new Example(Map.of()),
                Noise.example(inner(example), ways, begin, end, random));
    }

    /// The ids without those that the tokenizer put around the text.
    private static int[] inner(Example example) {
        int[] ids = example.sequence("input_ids");
        int[] words = example.sequence("word_ids");
        return IntStream.range(0, ids.length).filter(i -> words[i] >= 0).map(i -> ids[i]).toArray();
    }

    private static Example with(Example example, Map<String, int[]> more) {
        Example all = example;
        for (var part : new TreeMap<>(more).entrySet()) {
            all = all.with(part.getKey(), part.getValue());
        }
        return all;
    }

    private int special(Tokenizer tokenizer, String part) {
        String token = tokenizer.specialTokens().get(part);
        OptionalInt id = token == null ? OptionalInt.empty() : tokenizer.id(token);
        if (id.isEmpty()) {
            throw new IllegalArgumentException("This task needs a tokenizer with a %s; this one has %s"
                    .formatted(part, tokenizer.specialTokens()));
        }
        requireKnown(tokenizer, new int[]{id.getAsInt()});
        return id.getAsInt();
    }

    // ---- long texts ----

    private Prepared windows(Tokenizer tokenizer, RunListener listener) {
        Recipe.Data data = recipe.data();
        OptionalInt end = tokenizer.id(END_OF_TEXT);
        TokenFile all = tokens(data.train(), tokenizer, end, listener);
        Tokens training = all;
        Tokens dev = null;
        if (!data.dev().isEmpty()) {
            TokenFile other = tokens(data.dev(), tokenizer, end, listener);
            dev = other;
            fingerprint = all.fingerprint() + "-" + other.fingerprint();
        } else {
            long held = Math.round(all.count() * data.devShare());
            // A text too short to evaluate on is all for training.
            if (held >= 2) {
                training = all.slice(0, all.count() - held);
                dev = all.slice(all.count() - held, held);
            }
            fingerprint = all.fingerprint() + "-" + data.devShare();
        }
        if (task != TrainingTask.TEXT_GENERATION) {
            return new Prepared(lessons(chunks(training, tokenizer), tokenizer, true),
                    dev == null ? null : lessons(chunks(some(dev), tokenizer), tokenizer, false), null, List.of());
        }
        Recipe.Train train = recipe.train();
        var windows = new TokenWindows(training, train.batch() / train.microBatches(), data.maxLength());
        return new Prepared(new TrainingBatches.Windows(windows, train.seed()), null, dev == null ? null : some(dev),
                List.of());
    }

    private Tokens some(Tokens held) {
        long most = recipe.evaluate().tokens();
        return most == 0 ? held : held.slice(0, Math.min(held.count(), most + 1));
    }

    private TokenFile tokens(List<String> files, Tokenizer tokenizer, OptionalInt end, RunListener listener) {
        TokenFile tokens = kept(TokenFile.of(TextSource.of(files(recipe.data(), files)), tokenizer, end, cache(),
                (done, total) -> listener.working("encoding", done, total)));
        requireKnown(tokens, tokenizer);
        return tokens;
    }

    /// One window after the other, between the tokens that the tokenizer puts around a text.
    private Examples chunks(Tokens tokens, Tokenizer tokenizer) {
        int[] around = tokenizer.encode("").ids();
        boolean begins = tokenizer.specialTokens().containsKey("cls_token")
                || tokenizer.specialTokens().containsKey("bos_token");
        int before = around.length == 0 ? 0 : begins ? 1 : 0;
        int length = Math.max(1, recipe.data().maxLength() - around.length);
        int count = Math.toIntExact(Math.max(1, tokens.count() / length));
        int each = (int) Math.min(length, tokens.count());
        return new Examples() {
            @Override
            public int count() {
                return count;
            }

            @Override
            public int[] lengths() {
                int[] lengths = new int[count];
                Arrays.fill(lengths, each + around.length);
                return lengths;
            }

            @Override
            public Example read(int number) {
                int[] window = new int[each];
                tokens.read((long) number * each, window);
                int[] ids = new int[each + around.length];
                System.arraycopy(around, 0, ids, 0, before);
                System.arraycopy(window, 0, ids, before, each);
                System.arraycopy(around, before, ids, before + each, around.length - before);
                int[] words = words(ids, tokenizer);
                Arrays.fill(words, 0, before, -1);
                Arrays.fill(words, before + each, ids.length, -1);
                return new Example(Map.of()).with("input_ids", ids).with("word_ids", words);
            }
        };
    }

    /// A number for each token's word; special tokens have none. Pieces that go on a word say so.
    private static int[] words(int[] ids, Tokenizer tokenizer) {
        int[] words = new int[ids.length];
        int word = 0;
        for (int i = 0; i < ids.length; i++) {
            String piece = tokenizer.token(ids[i]);
            word += piece != null && piece.startsWith("##") && i > 0 ? 0 : 1;
            words[i] = tokenizer.isSpecial(ids[i]) ? -1 : word;
        }
        return words;
    }

    /// A sentence in a line, an empty line between documents: pairs, drawn once, whose masks are drawn anew each time.
    private Prepared documents(Tokenizer tokenizer) {
        Recipe.Data data = recipe.data();
        var pairs = new NextSentence(special(tokenizer, "cls_token"), special(tokenizer, "sep_token"),
                data.maxLength(), 0.1);
        List<List<int[]>> all = sentences(data.train(), tokenizer);
        List<List<int[]>> dev = data.dev().isEmpty() ? List.of() : sentences(data.dev(), tokenizer);
        int held = dev.isEmpty() ? (int) Math.round(all.size() * data.devShare()) : 0;
        if (held >= 2 && all.size() - held >= 2) {
            dev = all.subList(all.size() - held, all.size());
            all = all.subList(0, all.size() - held);
        }
        fingerprint = Integer.toHexString(all.stream().flatMap(List::stream).mapToInt(Arrays::hashCode).reduce(1,
                (sum, each) -> 31 * sum + each)) + "-" + data.maxLength();
        return new Prepared(lessons(pairs(pairs, all, tokenizer), tokenizer, true),
                dev.size() < 2 ? null : lessons(pairs(pairs, dev, tokenizer), tokenizer, false), null,
                List.of());
    }

    private List<List<int[]>> sentences(List<String> files, Tokenizer tokenizer) {
        var documents = new ArrayList<List<int[]>>();
        documents.add(new ArrayList<>());
        rows(recipe.data(), files).forEach(row -> {
            int[] ids = tokenizer.encode(row.text("text"), false).ids();
            if (ids.length > 0) {
                documents.getLast().add(ids);
            } else if (!documents.getLast().isEmpty()) {
                documents.add(new ArrayList<>());
            }
        });
        documents.removeIf(List::isEmpty);
        return documents;
    }

    private Examples pairs(NextSentence maker, List<List<int[]>> documents, Tokenizer tokenizer) {
        RandomGenerator random = new SplittableRandom(recipe.train().seed());
        var examples = new ArrayList<Example>();
        for (int i = 0; i < documents.size(); i++) {
            for (Map<String, int[]> pair : maker.pairs(documents, i, random)) {
                int[] ids = pair.get("input_ids");
                examples.add(new Example(Map.of()).with("input_ids", ids).with("word_ids", words(ids, tokenizer))
                        .with("token_type_ids", pair.get("token_type_ids"))
                        .with("next_sentence_label", pair.get("next_sentence_label")[0]));
            }
        }
        return Examples.of(examples);
    }

    /// What was settled since it was opened: how long examples are.
    void follow(Recipe settled) {
        recipe = settled;
    }

    /// Stands for the data and what examples it becomes; known when batches were prepared.
    String fingerprint() {
        return fingerprint;
    }

    @Override
    public void close() {
        for (AutoCloseable each : open) {
            try {
                each.close();
            } catch (Exception e) {
                throw new IllegalStateException("A file of data could not be closed: " + e.getMessage(), e);
            }
        }
    }
}
