package dev.weft.data;

import java.io.BufferedReader;
import java.io.Closeable;
import java.io.IOException;
import java.io.Reader;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.exc.JacksonIOException;
import tools.jackson.core.json.JsonReadFeature;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.json.JsonMapper;

/// Rows of files, one file after the other.
record FileRows(List<FileOf> files) implements Rows {
    /// Python writes NaN, which JSON has not; it is read, and told where a number is needed.
    private static final JsonMapper JSON = JsonMapper.builder().enable(JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS)
            .disable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS).build();

    /// @param guessed whether the format is what the file's name says: then a csv file may have other separators
    record FileOf(Path path, Format format, boolean guessed) {}

    static Rows of(List<String> pathsOrGlobs, @Nullable Format format) {
        List<Path> paths = pathsOrGlobs.stream().flatMap(each -> TextSource.find(each).stream()).distinct().toList();
        if (paths.isEmpty()) {
            throw new IllegalArgumentException("No data was given; name a file, a glob or a query");
        }
        return new FileRows(
                paths.stream().map(path -> new FileOf(path, format == null ? Format.of(path) : format, format == null))
                        .toList());
    }

    @Override
    public String name() {
        return files.size() == 1
                ? files.getFirst().path().toString()
                : "%s and %d more".formatted(files.getFirst().path(), files.size() - 1);
    }

    @Override
    public Cursor open() {
        Iterator<FileOf> rest = files.iterator();
        var current = new Object() {
            @Nullable
            Cursor rows;
        };
        return new Reading(name(), () -> {
            while (true) {
                if (current.rows == null) {
                    if (!rest.hasNext()) {
                        return null;
                    }
                    current.rows = open(rest.next());
                }
                if (current.rows.hasNext()) {
                    return current.rows.next();
                }
                current.rows.close();
                current.rows = null;
            }
        }, () -> {
            if (current.rows != null) {
                current.rows.close();
            }
        });
    }

    private static Cursor open(FileOf file) throws IOException {
        Path path = file.path();
        if (file.format() instanceof Format.Parquet) {
            return SqlRows.parquet(path).open();
        }
        var text = new BufferedReader(new Utf8Reader(path), 1 << 16);
        try {
            text.mark(1);
            if (text.read() != '\uFEFF') {
                text.reset(); // else a byte order mark, which Windows puts before a text
            }
            return switch (file.format()) {
                case Format.Lines() -> lines(path, text);
                case Format.Delimited delimited -> new Table(path, text, file.guessed() && delimited.quoted()
                        ? delimited.by(separator(text, delimited.separator()))
                        : delimited).cursor();
                case Format.JsonLines() -> json(path, text, false);
                case Format.Json() -> json(path, text, true);
                case Format.Conll() -> sentences(path, text);
                case Format.Parquet() -> throw new AssertionError("is read by DuckDB");
            };
        } catch (IOException | RuntimeException e) {
            text.close();
            throw e;
        }
    }

    private static Row row(Path path, long line, Map<String, @Nullable Object> values) {
        return new Row(values, path + ", line " + line);
    }

    private static Cursor lines(Path path, BufferedReader text) {
        long[] line = {0};
        return new Reading(path.toString(), () -> {
            String next = text.readLine();
            line[0]++;
            return next == null ? null : row(path, line[0], new LinkedHashMap<>(Map.of("text", next)));
        }, text);
    }

    /// A line of a sentence: its columns, and where it stands.
    private record Word(long line, List<String> columns) {
        /// A tag as the schemes of entities have them, or as treebanks write parts of speech.
        private static final Pattern TAG = Pattern.compile("O|[A-Z]-\\S+|[A-Z]{1,5}|#");

        static Word of(long number, String line) {
            return new Word(number, List.of(line.strip().split(line.indexOf('\t') >= 0 ? "\t+" : "\\s+")));
        }

        /// Whether it is a comment: `# id 6f1 domain=en`. The number sign is a word as well: then it stands in as many columns
        /// as the other words, and at the beginning of a sentence, where comments are, the last one is plainly a tag.
        boolean isComment(int width, boolean first) {
            String word = columns.getFirst();
            return word.startsWith("# ") || word.startsWith("#") && columns.size() == 1
                    || word.equals("#") && (columns.size() != width || columns.contains("=")
                            || first && !TAG.matcher(columns.getLast()).matches());
        }
    }

    private static Cursor sentences(Path path, BufferedReader text) {
        long[] line = {0};
        return new Reading(path.toString(), () -> {
            while (true) {
                List<Word> lines = block(text, line);
                if (lines.isEmpty()) {
                    return null;
                }
                int width = lines.stream().filter(word -> !word.columns.getFirst().startsWith("#")).findFirst()
                        .or(() -> lines.stream().findFirst()).orElseThrow().columns.size();
                var words = new ArrayList<Word>();
                lines.stream().filter(word -> !word.isComment(width, words.isEmpty())).forEach(words::add);
                if (words.isEmpty()) {
                    continue;
                }
                for (Word word : words) {
                    if (word.columns.size() < 2) {
                        throw new BadRow(
                                "%s, line %d: a word and its tag are needed, found only \"%s\"; is it a file of sentences?"
                                        .formatted(path, word.line, word.columns.getFirst()));
                    }
                }
                var values = new LinkedHashMap<String, @Nullable Object>();
                values.put("tokens", words.stream().map(word -> word.columns.getFirst()).toList());
                values.put("tags", words.stream().map(word -> word.columns.getLast()).toList());
                return row(path, words.getFirst().line, values);
            }
        }, text);
    }

    /// The lines up to the next blank one; none at the end of the file.
    private static List<Word> block(BufferedReader text, long[] line) throws IOException {
        var lines = new ArrayList<Word>();
        for (String next = text.readLine(); next != null; next = text.readLine()) {
            line[0]++;
            Word word = Word.of(line[0], next);
            if (next.isBlank() && !lines.isEmpty()) {
                break;
            }
            if (!next.isBlank() && !word.columns.getFirst().equals("-DOCSTART-")) {
                lines.add(word);
            }
        }
        return lines;
    }

    /// What stands between the names of a first line, which is read ahead: programs of some languages write semicolons into csv
    /// files, whose numbers have commas.
    private static char separator(BufferedReader text, char usual) throws IOException {
        text.mark(1 << 15);
        var first = new StringBuilder();
        boolean quoted = false;
        for (int next = text.read(); next >= 0 && first.length() < 1 << 14
                && (quoted || next != '\n'); next = text.read()) {
            quoted ^= next == '"';
            first.append(quoted ? '"' : (char) next);
        }
        text.reset();
        return Stream.of(usual, ';', '\t', '|').filter(each -> first.indexOf(each.toString()) >= 0).findFirst()
                .orElse(usual);
    }

    /// Values between separators.
    private static final class Table {
        private final Path path;
        private final Reader text;
        private final char separator;
        private final boolean quoted;
        private final List<String> names;
        private final String firstNames;
        private long line = 1;
        private int ahead;

        Table(Path path, Reader text, Format.Delimited format) throws IOException {
            this.path = path;
            this.text = text;
            separator = format.separator();
            quoted = format.quoted();
            ahead = text.read();
            List<String> header = format.names().isEmpty() ? values() : format.names();
            names = header == null ? List.of() : header;
            firstNames = format.names().isEmpty() ? "the first line names" : "named are";
            if (new HashSet<>(names).size() < names.size()) {
                throw new IllegalArgumentException(path + ": two columns have one name: " + names);
            }
        }

        Cursor cursor() {
            return new Reading(path.toString(), () -> {
                long first = line;
                List<String> found = values();
                while (found != null && found.size() == 1 && found.getFirst().isEmpty() && names.size() > 1) {
                    first = line;
                    found = values(); // a line with nothing in it
                }
                if (found == null) {
                    return null;
                }
                if (found.size() != names.size()) {
                    throw new BadRow("%s, line %d: %d values where %s %d columns (%s)".formatted(path,
                            first, found.size(), firstNames, names.size(), String.join(", ", names)));
                }
                var values = new LinkedHashMap<String, @Nullable Object>();
                for (int i = 0; i < names.size(); i++) {
                    values.put(names.get(i), found.get(i));
                }
                return row(path, first, values);
            }, text);
        }

        private int take() throws IOException {
            int taken = ahead;
            ahead = text.read();
            line += taken == '\n' ? 1 : 0;
            return taken;
        }

        /// The values up to the end of the line; null at the end of the file.
        private @Nullable List<String> values() throws IOException {
            if (ahead < 0) {
                return null;
            }
            var values = new ArrayList<String>();
            while (true) {
                values.add(value());
                int end = take();
                if (end == '\r' && ahead == '\n') {
                    end = take();
                }
                if (end != separator) {
                    return values;
                }
            }
        }

        private String value() throws IOException {
            var value = new StringBuilder();
            if (quoted && ahead == '"') {
                long first = line;
                take();
                while (ahead != '"' || quoteAgain()) {
                    if (ahead < 0) {
                        throw new IllegalArgumentException(
                                "%s: the quote that opens in line %d is never closed".formatted(path, first));
                    }
                    value.append((char) take());
                }
            }
            while (ahead >= 0 && ahead != separator && ahead != '\n' && ahead != '\r') {
                value.append((char) take());
            }
            return value.toString();
        }

        /// At a quote inside quotes: whether it stands for itself, since another one follows; otherwise it is taken.
        private boolean quoteAgain() throws IOException {
            take();
            return ahead == '"';
        }
    }

    /// @param document whether it may be one list, or an object around a list
    private static Cursor json(Path path, Reader text, boolean document) {
        JsonParser parser = JSON.createParser(text);
        Queue<Row> questions = new ArrayDeque<>();
        var inside = new Object() {
            boolean list;
        };
        Reading.Next next = () -> {
            while (questions.isEmpty()) {
                JsonToken token = parser.nextToken();
                if (token == null) {
                    return null;
                }
                if (inside.list && token == JsonToken.END_ARRAY) {
                    inside.list = false;
                    continue;
                }
                if (document && !inside.list && token == JsonToken.START_ARRAY) {
                    inside.list = true;
                    continue;
                }
                long line = parser.currentTokenLocation().getLineNr();
                if (token == JsonToken.END_OBJECT) {
                    continue;
                }
                if (token == JsonToken.PROPERTY_NAME) {
                    parser.nextToken();
                    parser.skipChildren(); // beside the list of data
                    continue;
                }
                if (token != JsonToken.START_OBJECT) {
                    throw new IllegalArgumentException("%s, line %d: an object is needed, found %s".formatted(path,
                            line, token));
                }
                Map<String, @Nullable Object> values = document && !inside.list
                        ? outermost(parser)
                        : object(parser);
                if (values == null) {
                    inside.list = true;
                } else if (document && values.get("paragraphs") instanceof List<?> paragraphs) {
                    questions(path, values, paragraphs, questions);
                } else {
                    return row(path, line, values);
                }
            }
            return questions.remove();
        };
        return new Reading(path.toString(), () -> {
            try {
                return next.row();
            } catch (JacksonIOException e) {
                throw e.getCause();
            } catch (JacksonException e) {
                throw new IllegalArgumentException("%s, line %d: is not JSON: %s".formatted(path,
                        e.getLocation() == null ? 0 : e.getLocation().getLineNr(),
                        e.getOriginalMessage().replaceAll("\\s+", " ")), e);
            }
        }, text);
    }

    @SuppressWarnings("unchecked")
    private static Map<String, @Nullable Object> object(JsonParser parser) {
        return (Map<String, @Nullable Object>) JSON.readValue(parser, Map.class);
    }

    /// An object that may be a row, or hold the rows under `data`: then null, and the parser stands inside their list.
    private static @Nullable Map<String, @Nullable Object> outermost(JsonParser parser) {
        var values = new LinkedHashMap<String, @Nullable Object>();
        while (parser.nextToken() == JsonToken.PROPERTY_NAME) {
            String name = parser.currentName();
            if (parser.nextToken() == JsonToken.START_ARRAY && name.equals("data")) {
                return null;
            }
            values.put(name, JSON.readValue(parser, Object.class));
        }
        return values;
    }

    private static void questions(Path path, Map<String, @Nullable Object> article, List<?> paragraphs,
            Queue<Row> questions) {
        String title = String.valueOf(article.getOrDefault("title", ""));
        String place = "%s, article \"%s\"".formatted(path, title);
        for (Object each : paragraphs) {
            Row paragraph = new Row(map(each, place), place);
            String context = paragraph.text("context");
            if (!(paragraph.value("qas") instanceof List<?> list)) {
                throw new IllegalArgumentException(place + ": \"qas\" must be a list of questions");
            }
            for (Object question : list) {
                Row found = new Row(map(question, place), place);
                var values = new LinkedHashMap<String, @Nullable Object>();
                values.put("id", found.text("id"));
                values.put("title", title);
                values.put("context", context);
                values.put("question", found.text("question"));
                var texts = new ArrayList<@Nullable Object>();
                var starts = new ArrayList<@Nullable Object>();
                if (found.values().get("answers") instanceof List<?> answers) {
                    for (Object answer : answers) {
                        Row one = new Row(map(answer, place), "%s, question %s".formatted(place, values.get("id")));
                        texts.add(one.text("text"));
                        starts.add(one.whole("answer_start"));
                    }
                }
                values.put("answers", Map.of("text", texts, "answer_start", starts));
                values.put("is_impossible", Boolean.TRUE.equals(found.values().get("is_impossible")));
                questions.add(new Row(values, "%s, question %s".formatted(place, values.get("id"))));
            }
        }
    }

    @SuppressWarnings("unchecked")
    private static Map<String, @Nullable Object> map(@Nullable Object value, String place) {
        if (value instanceof Map<?, ?> map) {
            return (Map<String, @Nullable Object>) map;
        }
        throw new IllegalArgumentException("%s: an object is needed, found %s".formatted(place, value));
    }
}
