package dev.weft.data;

import dev.weft.data.Example.Feature;
import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.LongConsumer;

/// Examples made once and kept on disk, as [TokenFile] keeps ids: under a name made of what they depend on, the rows, the
/// tokenizer and the task's settings. Examples are read from the file where they stand; 12 bytes of memory each say where.
public final class ExampleFile implements Examples, AutoCloseable {
    private static final long MAGIC = 0x57454654_4558414DL; // "WEFTEXAM"
    private static final int VERSION = 3;
    private static final int FINGERPRINT_BYTES = 32;
    /// Magic, version, rows without examples, count, place of the index, fingerprint.
    private static final int HEADER_BYTES = 8 + 2 * 4 + 2 * 8 + FINGERPRINT_BYTES;
    private static final int INDEX_BYTES = 8 + 4;
    private static final int ROWS_AT_ONCE = 64;

    private final Path path;
    private final FileChannel channel;
    private final String fingerprint;
    private final long[] starts;
    private final int[] lengths;
    private final int rowsWithout;

    private ExampleFile(Path path, FileChannel channel) throws IOException {
        this.path = path;
        this.channel = channel;
        ByteBuffer header = read(0, HEADER_BYTES);
        CacheFile.require(path, header.getLong() == MAGIC, "is no file of examples");
        int version = header.getInt();
        CacheFile.require(path, version == VERSION, "has version %d, this Weft reads %d".formatted(version, VERSION));
        rowsWithout = header.getInt();
        long count = header.getLong();
        long end = header.getLong();
        byte[] hash = new byte[FINGERPRINT_BYTES];
        header.get(hash);
        fingerprint = HexFormat.of().formatHex(hash);
        CacheFile.require(path, count >= 0 && count <= Integer.MAX_VALUE / INDEX_BYTES && end >= HEADER_BYTES
                && channel.size() == end + count * INDEX_BYTES, "is cut off or broken");
        starts = new long[(int) count + 1];
        lengths = new int[(int) count];
        ByteBuffer index = read(end, (int) count * INDEX_BYTES);
        for (int i = 0; i < count; i++) {
            starts[i] = index.getLong();
            lengths[i] = index.getInt();
        }
        starts[(int) count] = end;
        for (int i = 0; i < count; i++) {
            CacheFile.require(path, starts[i] >= HEADER_BYTES && starts[i] <= starts[i + 1], "has a broken index");
        }
    }

    /// The examples of rows, from the cache if they are there, else encoded on all processors.
    ///
    /// @param progress hears how many rows are done; called often, on the thread that builds
    /// @throws IllegalArgumentException if a row is not as the task needs it, naming it, or there are no examples
    /// @throws UncheckedIOException if a file cannot be read or written
    public static ExampleFile of(Rows rows, RowEncoder encoder, Path cacheFolder, LongConsumer progress) {
        MessageDigest digest = CacheFile.sha256();
        digest.update("%d %s ".formatted(VERSION, rows.fingerprint()).getBytes(StandardCharsets.UTF_8));
        digest.update(encoder.settings().getBytes(StandardCharsets.UTF_8));
        String fingerprint = HexFormat.of().formatHex(digest.digest());
        Path path = cacheFolder.resolve("examples-" + fingerprint.substring(0, 32) + ".bin");
        if (Files.exists(path)) {
            try {
                ExampleFile cached = open(path);
                if (cached.fingerprint.equals(fingerprint)) {
                    return cached;
                }
                cached.close();
            } catch (IllegalArgumentException e) {
                // Damaged by someone else: it is made anew.
            }
        }
        CacheFile.write(path, channel -> build(rows, encoder, channel, fingerprint, progress));
        return open(path);
    }

    /// Opens a file made before.
    ///
    /// @throws IllegalArgumentException if it is missing, cut off or something else
    public static ExampleFile open(Path path) {
        CacheFile.require(path, Files.isRegularFile(path), "there is no such file");
        try {
            var channel = FileChannel.open(path);
            try {
                return new ExampleFile(path, channel);
            } catch (IOException | RuntimeException e) {
                channel.close();
                throw e;
            }
        } catch (IOException e) {
            throw new UncheckedIOException(path + ": cannot be read: " + e.getMessage(), e);
        }
    }

    /// Rows are encoded by many threads at once and written in their order; few are in memory at any time.
    private static void build(Rows rows, RowEncoder encoder, FileChannel channel, String fingerprint,
            LongConsumer progress) throws IOException {
        channel.position(HEADER_BYTES);
        int threads = Runtime.getRuntime().availableProcessors();
        var writer = new Writer(channel);
        ExecutorService workers = Executors.newFixedThreadPool(threads, Thread.ofPlatform().daemon().factory());
        try (Rows.Cursor cursor = rows.open()) {
            var underway = new ArrayDeque<Future<List<List<Example>>>>();
            long done = 0;
            while (cursor.hasNext() || !underway.isEmpty()) {
                if (cursor.hasNext()) {
                    var some = new ArrayList<Row>();
                    while (some.size() < ROWS_AT_ONCE && cursor.hasNext()) {
                        some.add(cursor.next());
                    }
                    done += some.size();
                    underway.add(workers.submit(
                            () -> some.stream().map(encoder::encode).toList()));
                }
                if (underway.size() > 2 * threads || !cursor.hasNext()) {
                    for (List<Example> examples : CacheFile.done(underway.remove())) {
                        writer.rowsWithout += examples.isEmpty() ? 1 : 0;
                        for (Example example : examples) {
                            writer.write(example);
                        }
                    }
                    progress.accept(done);
                }
            }
        } finally {
            workers.shutdownNow();
        }
        if (writer.count == 0) {
            throw new IllegalArgumentException(rows.name() + ": there are no examples in it");
        }
        writer.index(fingerprint);
    }

    private static final class Writer {
        private final FileChannel channel;
        private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        private final DataOutputStream out = new DataOutputStream(bytes);
        private long at = HEADER_BYTES;
        private long[] starts = new long[1024];
        private int[] lengths = new int[1024];
        private int count;
        private int rowsWithout;

        Writer(FileChannel channel) {
            this.channel = channel;
        }

        void write(Example example) throws IOException {
            if (count == starts.length) {
                starts = Arrays.copyOf(starts, Math.multiplyExact(2, count));
                lengths = Arrays.copyOf(lengths, 2 * count);
            }
            starts[count] = at + bytes.size();
            lengths[count++] = example.length();
            out.writeInt(example.features().size());
            for (var feature : example.features().entrySet()) {
                out.writeUTF(feature.getKey());
                switch (feature.getValue()) {
                    case Feature.Sequence(int[] values) -> write('s', values);
                    case Feature.Whole(int value) -> write('w', value);
                    case Feature.Number(float value) -> write('n', Float.floatToRawIntBits(value));
                    case Feature.Array(float[] values, int[] shape) -> {
                        write('a', shape);
                        int[] bits = new int[values.length];
                        Arrays.setAll(bits, i -> Float.floatToRawIntBits(values[i]));
                        write('s', bits);
                    }
                    case Feature.Choices(int[][] values) -> {
                        out.writeByte('c');
                        out.writeInt(values.length);
                        for (int[] each : values) {
                            write('s', each);
                        }
                    }
                }
            }
            if (bytes.size() > 1 << 18) {
                flush();
            }
        }

        private void write(char kind, int... values) throws IOException {
            out.writeByte(kind);
            out.writeInt(values.length);
            for (int value : values) {
                out.writeInt(value);
            }
        }

        private void flush() throws IOException {
            at += bytes.size();
            CacheFile.writeFully(channel, ByteBuffer.wrap(bytes.toByteArray()));
            bytes.reset();
        }

        void index(String fingerprint) throws IOException {
            flush();
            long end = at;
            for (int i = 0; i < count; i++) {
                out.writeLong(starts[i]);
                out.writeInt(lengths[i]);
            }
            flush();
            CacheFile.writeFully(channel.position(0),
                    ByteBuffer.allocate(HEADER_BYTES).putLong(MAGIC).putInt(VERSION).putInt(rowsWithout).putLong(count)
                            .putLong(end).put(HexFormat.of().parseHex(fingerprint)).flip());
        }
    }

    private ByteBuffer read(long at, int count) throws IOException {
        ByteBuffer bytes = ByteBuffer.allocate(count);
        CacheFile.readFully(path, channel, at, bytes);
        return bytes;
    }

    @Override
    public Example read(int number) {
        Objects.checkIndex(number, count());
        try {
            ByteBuffer bytes = read(starts[number], Math.toIntExact(starts[number + 1] - starts[number]));
            Map<String, Feature> features = new TreeMap<>();
            for (int left = bytes.getInt(); left > 0; left--) {
                byte[] name = new byte[Short.toUnsignedInt(bytes.getShort())];
                bytes.get(name);
                features.put(new String(name, StandardCharsets.UTF_8), feature(bytes));
            }
            return new Example(features);
        } catch (IOException e) {
            throw new UncheckedIOException(path + ": cannot be read: " + e.getMessage(), e);
        } catch (RuntimeException e) {
            throw new IllegalArgumentException(
                    "%s: example %d is broken; delete the file".formatted(path, number), e);
        }
    }

    private static Feature feature(ByteBuffer bytes) {
        char kind = (char) bytes.get();
        int count = bytes.getInt();
        if (kind == 'c') {
            int[][] choices = new int[count][];
            Arrays.setAll(choices, i -> ((Feature.Sequence) feature(bytes)).values());
            return new Feature.Choices(choices);
        }
        int[] values = new int[count];
        bytes.asIntBuffer().get(values);
        bytes.position(bytes.position() + 4 * count);
        return switch (kind) {
            case 's' -> new Feature.Sequence(values);
            case 'w' -> new Feature.Whole(values[0]);
            case 'n' -> new Feature.Number(Float.intBitsToFloat(values[0]));
            case 'a' -> {
                int[] bits = ((Feature.Sequence) feature(bytes)).values();
                float[] numbers = new float[bits.length];
                for (int i = 0; i < bits.length; i++) {
                    numbers[i] = Float.intBitsToFloat(bits[i]);
                }
                yield new Feature.Array(numbers, values);
            }
            default -> throw new IllegalStateException("no feature is of kind " + kind);
        };
    }

    public Path path() {
        return path;
    }

    /// SHA-256 of what the examples depend on, in hexadecimal.
    public String fingerprint() {
        return fingerprint;
    }

    /// How many rows have no example here: their encoder made none of them.
    public int rowsWithout() {
        return rowsWithout;
    }

    @Override
    public int count() {
        return lengths.length;
    }

    @Override
    public int[] lengths() {
        return lengths.clone();
    }

    @Override
    public void close() {
        try {
            channel.close();
        } catch (IOException e) {
            throw new UncheckedIOException(path + ": cannot be closed: " + e.getMessage(), e);
        }
    }
}
