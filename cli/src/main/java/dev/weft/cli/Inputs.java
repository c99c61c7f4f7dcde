package dev.weft.cli;

import dev.weft.checkpoint.Json;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.zip.GZIPInputStream;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/// Texts one after the other: of arguments, of the lines of files and of standard input. Of a file of any size one line is
/// held at a time; what is packed by gzip is unpacked on the way.
final class Inputs implements AutoCloseable {
    static final String STANDARD_INPUT = "-";
    private static final int MOST_BYTES = 1 << 28;
    private static final JsonMapper JSON = JsonMapper.builder()
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS).build();

    /// Where reading goes on.
    ///
    /// @param input number of the argument
    /// @param bytes of it that were read, unpacked
    /// @param line  how many lines these are
    record Place(int input, long bytes, long line) {
        static final Place BEGIN = new Place(0, 0, 0);
    }

    /// A text.
    ///
    /// @param number  how many texts came before
    /// @param node    what it came in: an object with it and its neighbours
    /// @param where   names it in messages
    /// @param problem why there is no text, or null
    record Item(long number, ObjectNode node, String text, String where, @Nullable String problem) {}

    private final List<String> arguments;
    private final String field;
    private final boolean wholeFiles;
    private int input;
    private long line;
    private long texts;
    private @Nullable Source source;

    /// @param wholeFiles whether a file of text is one text, and not each of its lines
    /// @throws IllegalArgumentException if a file is missing or of a kind that is not read
    Inputs(List<String> arguments, String field, boolean wholeFiles) {
        if (arguments.isEmpty()) {
            throw new IllegalArgumentException("give texts or files, or - for standard input");
        }
        arguments.forEach(Inputs::check);
        this.arguments = arguments;
        this.field = field;
        this.wholeFiles = wholeFiles;
    }

    private static void check(String argument) {
        Path file = path(argument);
        String name = argument.toLowerCase(Locale.ROOT);
        boolean looksLikeOne = name.matches("\\S+\\.(jsonl|ndjson|json|txt|md|csv|tsv|parquet|gz)");
        if (file == null || !Files.exists(file)) {
            if (looksLikeOne) {
                throw new IllegalArgumentException(argument + ": there is no such file");
            }
        } else if (Files.isDirectory(file)) {
            throw new IllegalArgumentException(argument + " is a folder; name the files in it");
        } else if (!Files.isReadable(file)) {
            throw new IllegalArgumentException(argument + " cannot be read: no permission");
        } else if (name.matches(".*\\.(csv|tsv|parquet)(\\.gz)?")) {
            throw new IllegalArgumentException(
                    "%s is a table, which is not read; give lines of text, or JSON lines (.jsonl) with --field"
                            .formatted(argument));
        }
    }

    private static @Nullable Path path(String argument) {
        try {
            return Path.of(argument);
        } catch (InvalidPathException aText) {
            return null;
        }
    }

    /// The file of that name, or null where it is a text.
    static @Nullable Path file(String argument) {
        Path file = path(argument);
        return file != null && !argument.isBlank() && Files.exists(file) ? file : null;
    }

    /// Whether a file has an object in each line.
    static boolean hasObjects(String file) {
        return file.toLowerCase(Locale.ROOT).matches(".*\\.(jsonl|ndjson|json)(\\.gz)?");
    }

    /// Goes on where another run stopped, after so many texts.
    void goOn(Place from, long before) {
        texts = before;
        input = from.input();
        line = from.line();
        if (from.bytes() > 0) {
            try {
                open().skip(from.bytes());
            } catch (IOException e) {
                throw failure(e);
            }
        }
    }

    Place place() {
        return new Place(input, source == null ? 0 : source.taken, line);
    }

    /// Whether the next text can be had without waiting for someone to write it. Always of files, so that the same texts
    /// stand in the same windows in every run.
    boolean ready() {
        return source == null || !arguments.get(input).equals(STANDARD_INPUT) || source.ready();
    }

    /// Bytes of files, packed as they are.
    long bytesTotal() {
        return arguments.stream().map(Inputs::file).mapToLong(Inputs::size).sum();
    }

    /// How many of these were read.
    long bytesRead() {
        long before = arguments.subList(0, input).stream().map(Inputs::file).mapToLong(Inputs::size).sum();
        return before + (source == null || file(arguments.get(input)) == null ? 0 : source.packed.count);
    }

    private static long size(@Nullable Path file) {
        try {
            return file == null ? 0 : Files.size(file);
        } catch (IOException e) {
            throw new UncheckedIOException(file + " cannot be read: " + e.getMessage(), e);
        }
    }

    /// The next text, or null at the end.
    @Nullable
    Item next() {
        while (input < arguments.size()) {
            String argument = arguments.get(input);
            if (!argument.equals(STANDARD_INPUT) && file(argument) == null) {
                input++;
                return item(argument, "text " + input);
            }
            String name = argument.equals(STANDARD_INPUT) ? "standard input" : argument;
            boolean whole = wholeFiles && !hasObjects(argument);
            try {
                byte[] bytes = whole ? open().rest() : open().line();
                if (bytes != null) {
                    line++;
                    return item(bytes, whole ? name : name + ", line " + line, hasObjects(argument));
                }
                close();
            } catch (IOException e) {
                throw failure(e);
            }
            input++;
            line = 0;
        }
        return null;
    }

    private UncheckedIOException failure(IOException e) {
        return new UncheckedIOException("%s cannot be read behind line %d: %s".formatted(arguments.get(input), line,
                e instanceof EOFException ? "it ends too early; is it whole?" : e.getMessage()), e);
    }

    private Item item(String text, String where) {
        return new Item(texts++, Json.object().put("text", text), text, where, null);
    }

    private Item failed(String where, String problem) {
        return new Item(texts++, Json.object(), "", where, problem);
    }

    private Item item(byte[] bytes, String where, boolean object) {
        String text;
        try {
            text = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
        } catch (CharacterCodingException e) {
            return failed(where, "is not UTF-8");
        }
        text = text.startsWith("\uFEFF") ? text.substring(1) : text;
        if (!object) {
            return item(text, where);
        }
        try {
            return JSON.readTree(text) instanceof ObjectNode node && node.path(field).isString()
                    ? new Item(texts++, node, node.path(field).stringValue(), where, null)
                    : failed(where, "no object with a text \"%s\"; name its field with --field".formatted(field));
        } catch (JacksonException e) {
            return failed(where, "not JSON: " + e.getOriginalMessage()
                    .replaceAll("(?s)(: was expecting| \\(`JsonToken| \\(start marker).*|\\s*\\n.*", ""));
        }
    }

    private Source open() throws IOException {
        Source opened = source;
        if (opened == null) {
            String argument = arguments.get(input);
            var packed = new Counting(argument.equals(STANDARD_INPUT)
                    ? System.in
                    : Files.newInputStream(Path.of(argument)));
            opened = new Source(packed, argument.toLowerCase(Locale.ROOT).endsWith(".gz")
                    ? new GZIPInputStream(packed, 1 << 16)
                    : packed);
            source = opened;
        }
        return opened;
    }

    @Override
    public void close() {
        try {
            if (source != null && !arguments.get(input).equals(STANDARD_INPUT)) {
                source.from.close();
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        source = null;
    }

    /// How far a file was read.
    private static final class Counting extends FilterInputStream {
        private long count;

        Counting(InputStream from) {
            super(from);
        }

        @Override
        public int read() throws IOException {
            int one = super.read();
            count += one < 0 ? 0 : 1;
            return one;
        }

        @Override
        public int read(byte[] bytes, int from, int length) throws IOException {
            int read = super.read(bytes, from, length);
            count += Math.max(0, read);
            return read;
        }
    }

    /// Lines of bytes.
    private static final class Source {
        private final Counting packed;
        private final InputStream from;
        private final byte[] buffer = new byte[1 << 16];
        private int at;
        private int filled;
        /// Bytes of the lines that were given.
        private long taken;

        Source(Counting packed, InputStream from) {
            this.packed = packed;
            this.from = from;
        }

        void skip(long bytes) throws IOException {
            from.skipNBytes(bytes);
            taken = bytes;
        }

        boolean ready() {
            for (int i = at; i < filled; i++) {
                if (buffer[i] == '\n') {
                    return true;
                }
            }
            try {
                return packed.available() > 0;
            } catch (IOException e) {
                return true; // the next read says what is wrong
            }
        }

        private boolean fill() throws IOException {
            if (at == filled) {
                at = 0;
                filled = Math.max(0, from.read(buffer));
            }
            return filled > 0;
        }

        /// Without its end, or null at the end of all.
        byte @Nullable [] line() throws IOException {
            var line = new ByteArrayOutputStream(256);
            boolean any = false;
            boolean ended = false;
            while (!ended && fill()) {
                any = true;
                int end = at;
                while (end < filled && buffer[end] != '\n') {
                    end++;
                }
                ended = end < filled;
                add(line, end - at);
                at = ended ? end + 1 : end;
                taken += ended ? 1 : 0;
            }
            byte[] bytes = line.toByteArray();
            boolean carriage = ended && bytes.length > 0 && bytes[bytes.length - 1] == '\r';
            return any ? carriage ? java.util.Arrays.copyOf(bytes, bytes.length - 1) : bytes : null;
        }

        /// All that is left, or null where that is nothing.
        byte @Nullable [] rest() throws IOException {
            var all = new ByteArrayOutputStream();
            while (fill()) {
                add(all, filled - at);
                at = filled;
            }
            return all.size() == 0 ? null : all.toByteArray();
        }

        private void add(ByteArrayOutputStream to, int count) throws IOException {
            if (to.size() + (long) count > MOST_BYTES) {
                throw new IOException("a text is longer than %d MiB".formatted(MOST_BYTES >> 20));
            }
            to.write(buffer, at, count);
            taken += count;
        }
    }
}
