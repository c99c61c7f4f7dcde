package dev.weft.data;

import dev.weft.text.Tokenizer;
import java.io.IOException;
import java.io.Reader;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.ArrayDeque;
import java.util.HexFormat;
import java.util.Iterator;
import java.util.Objects;
import java.util.OptionalInt;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/// The ids of a text, made once and kept on disk: two bytes each where the vocabulary allows, else four.
///
/// The file lies in a cache folder under a name made of what it depends on: the bytes of the text, the tokenizer and the
/// version of this format. It is written in full under another name first, so that an interrupted build leaves nothing
/// that is taken for whole. Windows are read from the file where they stand; the system keeps in memory what is used.
public final class TokenFile implements Tokens, AutoCloseable {
    private static final long MAGIC = 0x4E454B4F54465457L; // "WTFTOKEN", little-endian
    private static final int VERSION = 1;
    private static final int FINGERPRINT_BYTES = 32;
    /// Magic, version, bytes per id, vocabulary size, 0, count, source bytes, fingerprint.
    private static final int HEADER_BYTES = 8 + 4 * 4 + 2 * 8 + FINGERPRINT_BYTES;
    private static final int PIECE_CHARS = 1 << 18;

    /// Hears how far the encoding is; called often, on the thread that builds.
    @FunctionalInterface
    public interface Progress {
        Progress SILENT = (done, total) -> {};

        void encoded(long bytesDone, long bytesTotal);
    }

    private final Path path;
    private final FileChannel channel;
    private final Header header;

    private record Header(int idBytes, int vocabSize, long count, long sourceBytes, String fingerprint) {
        static Header read(Path path, FileChannel channel) throws IOException {
            ByteBuffer bytes = ByteBuffer.allocate(HEADER_BYTES).order(ByteOrder.LITTLE_ENDIAN);
            CacheFile.readFully(path, channel, 0, bytes);
            CacheFile.require(path, bytes.getLong() == MAGIC, "is no token file");
            int version = bytes.getInt();
            CacheFile.require(path, version == VERSION,
                    "has version %d, this Weft reads %d".formatted(version, VERSION));
            int idBytes = bytes.getInt();
            int vocabSize = bytes.getInt();
            bytes.getInt();
            long count = bytes.getLong();
            long sourceBytes = bytes.getLong();
            byte[] fingerprint = new byte[FINGERPRINT_BYTES];
            bytes.get(fingerprint);
            long found = channel.size() - HEADER_BYTES;
            CacheFile.require(path, (idBytes == 2 || idBytes == 4) && vocabSize > 0 && count >= 0,
                    "has a broken header");
            CacheFile.require(path, found % idBytes == 0 && found / idBytes == count,
                    "is cut off or broken: it should hold %d ids, %d bytes are there".formatted(count, found));
            return new Header(idBytes, vocabSize, count, sourceBytes, HexFormat.of().formatHex(fingerprint));
        }

        ByteBuffer bytes() {
            return ByteBuffer.allocate(HEADER_BYTES)
                    .order(ByteOrder.LITTLE_ENDIAN)
                    .putLong(MAGIC)
                    .putInt(VERSION)
                    .putInt(idBytes)
                    .putInt(vocabSize)
                    .putInt(0)
                    .putLong(count)
                    .putLong(sourceBytes)
                    .put(HexFormat.of().parseHex(fingerprint))
                    .flip();
        }
    }

    private TokenFile(Path path, FileChannel channel, Header header) {
        this.path = path;
        this.channel = channel;
        this.header = header;
    }

    /// The ids of a source, from the cache if they are there, else encoded on all processors.
    ///
    /// @param endOfText an id to put after each file, such as GPT-2's `<|endoftext|>`
    /// @throws IllegalArgumentException if the text is no UTF-8 or the tokenizer lacks a character, saying where
    /// @throws UncheckedIOException if a file cannot be read or written
    public static TokenFile of(TextSource source, Tokenizer tokenizer, OptionalInt endOfText, Path cacheFolder,
            Progress progress) {
        String fingerprint = fingerprint(source, tokenizer, endOfText);
        Path path = cacheFolder.resolve("tokens-" + fingerprint.substring(0, 32) + ".bin");
        if (Files.exists(path)) {
            try {
                TokenFile cached = open(path);
                if (cached.header.fingerprint().equals(fingerprint)) {
                    return cached;
                }
                cached.close();
            } catch (IllegalArgumentException e) {
                // Damaged by someone else: it is made anew.
            }
        }
        build(source, tokenizer, endOfText, path, fingerprint, progress, Runtime.getRuntime().availableProcessors());
        return open(path);
    }

    /// Opens a file made before.
    ///
    /// @throws IllegalArgumentException if it is missing, cut off or something else
    public static TokenFile open(Path path) {
        CacheFile.require(path, Files.isRegularFile(path), "there is no such file");
        try {
            var channel = FileChannel.open(path);
            try {
                return new TokenFile(path, channel, Header.read(path, channel));
            } catch (IOException | RuntimeException e) {
                channel.close();
                throw e;
            }
        } catch (IOException e) {
            throw new UncheckedIOException(path + ": cannot be read: " + e.getMessage(), e);
        }
    }

    /// SHA-256 over all that decides the ids; the lengths between keep files and parts apart.
    private static String fingerprint(TextSource source, Tokenizer tokenizer, OptionalInt endOfText) {
        MessageDigest digest = CacheFile.sha256();
        byte[] json = tokenizer.json().getBytes(StandardCharsets.UTF_8);
        digest.update(("%d %s %d ".formatted(VERSION, endOfText, json.length)).getBytes(StandardCharsets.UTF_8));
        digest.update(json);
        ByteBuffer buffer = ByteBuffer.allocate(1 << 18);
        for (Path file : source.files()) {
            try (var channel = FileChannel.open(file)) {
                digest.update(" %d ".formatted(channel.size()).getBytes(StandardCharsets.UTF_8));
                while (channel.read(buffer.clear()) >= 0) {
                    digest.update(buffer.flip());
                }
            } catch (IOException e) {
                throw new UncheckedIOException(file + ": cannot be read: " + e.getMessage(), e);
            }
        }
        return HexFormat.of().formatHex(digest.digest());
    }

    static void build(TextSource source, Tokenizer tokenizer, OptionalInt endOfText, Path path, String fingerprint,
            Progress progress, int threads) {
        CacheFile.write(path, channel -> {
            channel.position(HEADER_BYTES);
            var writer = new Writer(channel, tokenizer.vocabSize());
            encode(source, tokenizer, endOfText, writer, progress, threads);
            if (writer.count == 0) {
                throw new IllegalArgumentException("The tokenizer makes no tokens of this text: " + source.files());
            }
            var header = new Header(writer.idBytes, tokenizer.vocabSize(), writer.count, source.bytes(), fingerprint);
            CacheFile.writeFully(channel.position(0), header.bytes());
        });
    }

    private record Encoded(int[] ids, long bytes) {}

    /// Pieces are encoded by `threads` at once and written in their order; few are in memory at any time.
    private static void encode(TextSource source, Tokenizer tokenizer, OptionalInt endOfText, Writer writer,
            Progress progress, int threads) throws IOException {
        ExecutorService workers = Executors.newFixedThreadPool(threads, Thread.ofPlatform().daemon().factory());
        try {
            var underway = new ArrayDeque<Future<Encoded>>();
            long done = 0;
            for (Path file : source.files()) {
                try (Reader text = new Utf8Reader(file)) {
                    Iterator<String> pieces = tokenizer.pieces(text, PIECE_CHARS);
                    while (pieces.hasNext()) {
                        String piece = pieces.next();
                        underway.add(workers.submit(() -> new Encoded(tokenizer.ids(piece), Utf8Length.of(piece))));
                        if (underway.size() > 2 * threads) {
                            done += write(underway.remove(), writer);
                            progress.encoded(done, source.bytes());
                        }
                    }
                    while (!underway.isEmpty()) {
                        done += write(underway.remove(), writer);
                        progress.encoded(done, source.bytes());
                    }
                } catch (IllegalArgumentException e) {
                    String message = String.valueOf(e.getMessage());
                    throw message.startsWith(file.toString())
                            ? e
                            : new IllegalArgumentException(file + ": " + message, e);
                }
                if (endOfText.isPresent()) {
                    writer.write(new int[]{endOfText.getAsInt()});
                }
            }
            if (done != source.bytes()) {
                throw new IllegalArgumentException(
                        "The text changed while it was read: it had %d bytes, then %d; start again"
                                .formatted(source.bytes(), done));
            }
        } finally {
            workers.shutdownNow();
        }
    }

    private static long write(Future<Encoded> future, Writer writer) throws IOException {
        Encoded encoded = CacheFile.done(future);
        writer.write(encoded.ids());
        return encoded.bytes();
    }

    private static final class Writer {
        private final FileChannel channel;
        private final int vocabSize;
        private final int idBytes;
        private long count;

        Writer(FileChannel channel, int vocabSize) {
            this.channel = channel;
            this.vocabSize = vocabSize;
            idBytes = vocabSize <= 1 << 16 ? 2 : 4;
        }

        void write(int[] ids) throws IOException {
            ByteBuffer bytes = ByteBuffer.allocate(ids.length * idBytes).order(ByteOrder.LITTLE_ENDIAN);
            for (int id : ids) {
                if (id < 0 || id >= vocabSize) {
                    throw new IllegalArgumentException(
                            "id %d is outside the tokenizer's vocabulary of %d".formatted(id, vocabSize));
                }
                if (idBytes == 2) {
                    bytes.putShort((short) id);
                } else {
                    bytes.putInt(id);
                }
            }
            CacheFile.writeFully(channel, bytes.flip());
            count += ids.length;
        }
    }

    public Path path() {
        return path;
    }

    @Override
    public long count() {
        return header.count();
    }

    @Override
    public int vocabSize() {
        return header.vocabSize();
    }

    /// Bytes of the text it was made from.
    public long sourceBytes() {
        return header.sourceBytes();
    }

    /// SHA-256 of what the ids depend on, in hexadecimal: text, tokenizer, end-of-text id and format.
    public String fingerprint() {
        return header.fingerprint();
    }

    @Override
    public void read(long start, int[] ids) {
        Objects.checkFromIndexSize(start, ids.length, header.count());
        int size = header.idBytes();
        ByteBuffer bytes = ByteBuffer.allocate(ids.length * size).order(ByteOrder.LITTLE_ENDIAN);
        try {
            CacheFile.readFully(path, channel, HEADER_BYTES + start * size, bytes);
        } catch (IOException e) {
            throw new UncheckedIOException(path + ": cannot be read: " + e.getMessage(), e);
        }
        for (int i = 0; i < ids.length; i++) {
            ids[i] = size == 2 ? Short.toUnsignedInt(bytes.getShort()) : bytes.getInt();
            if (ids[i] >= header.vocabSize() || ids[i] < 0) {
                throw new IllegalArgumentException(
                        "%s: id %d at place %d is outside the vocabulary of %d; delete the file"
                                .formatted(path, ids[i], start + i, header.vocabSize()));
            }
        }
    }

    /// Ends this and its views.
    @Override
    public void close() {
        try {
            channel.close();
        } catch (IOException e) {
            throw new UncheckedIOException(path + ": cannot be closed: " + e.getMessage(), e);
        }
    }
}
