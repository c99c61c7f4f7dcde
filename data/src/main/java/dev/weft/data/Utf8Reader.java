package dev.weft.data;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.Reader;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.channels.ReadableByteChannel;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CoderResult;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.zip.GZIPInputStream;

/// A file as text; what is no UTF-8 text is an [IllegalArgumentException] that names file, line and byte.
final class Utf8Reader extends Reader {
    private final Path file;
    private final ReadableByteChannel channel;
    private final CharsetDecoder decoder = StandardCharsets.UTF_8.newDecoder();
    private final ByteBuffer bytes = ByteBuffer.allocate(1 << 16).flip();
    private final CharBuffer chars = CharBuffer.allocate(1 << 15).flip();
    /// Byte of the file at which `bytes` begins.
    private long start;
    private long line = 1;
    private boolean ended;

    /// One whose name ends in `.gz` is unpacked on the way; places in messages are those of the text.
    ///
    /// @throws UncheckedIOException if the file cannot be opened
    Utf8Reader(Path file) {
        this.file = file;
        try {
            channel = packed(file) ? Channels.newChannel(unpacked(file)) : FileChannel.open(file);
        } catch (IOException e) {
            throw new UncheckedIOException(file + ": cannot be read: " + e.getMessage(), e);
        }
    }

    private static boolean packed(Path file) {
        return file.toString().endsWith(".gz");
    }

    private static InputStream unpacked(Path file) throws IOException {
        return new GZIPInputStream(Files.newInputStream(file), 1 << 16);
    }

    /// Bytes of the text. What is packed is read for that: the length that gzip notes is of its last part alone, modulo 2³².
    ///
    /// @throws UncheckedIOException if the file cannot be read
    static long size(Path file) {
        try {
            if (!packed(file)) {
                return Files.size(file);
            }
            try (var text = unpacked(file)) {
                return text.transferTo(OutputStream.nullOutputStream());
            }
        } catch (IOException e) {
            throw new UncheckedIOException(file + ": cannot be read: " + e.getMessage(), e);
        }
    }

    @Override
    public int read(char[] buffer, int from, int length) throws IOException {
        if (!chars.hasRemaining() && !decode()) {
            return -1;
        }
        int count = Math.min(length, chars.remaining());
        chars.get(buffer, from, count);
        return count;
    }

    /// Decodes what there is, or up to the place that is no UTF-8; false at the end of the file.
    private boolean decode() throws IOException {
        chars.clear();
        while (chars.position() == 0) {
            CoderResult result = decoder.decode(bytes, chars, ended);
            if (chars.position() == 0) {
                if (result.isError()) {
                    throw invalid(result.length());
                }
                if (ended) {
                    chars.flip();
                    return false;
                }
                fill();
            }
        }
        chars.flip();
        for (int i = 0; i < chars.limit(); i++) {
            char c = chars.get(i);
            if (c == 0) {
                throw new IllegalArgumentException(
                        "%s: holds a NUL byte in line %d, so it is no UTF-8 text; is it binary, or UTF-16?".formatted(
                                file,
                                line));
            }
            line += c == '\n' ? 1 : 0;
        }
        return true;
    }

    private void fill() throws IOException {
        start += bytes.position();
        bytes.compact();
        try {
            ended = channel.read(bytes) < 0;
        } catch (IOException e) {
            throw new IOException(file + ": " + e.getMessage(), e);
        }
        bytes.flip();
    }

    private IllegalArgumentException invalid(int length) {
        var found = new StringBuilder();
        for (int i = 0; i < length; i++) {
            found.append(" %02x".formatted(bytes.get(bytes.position() + i)));
        }
        return new IllegalArgumentException(
                "%s: not valid UTF-8 at byte %d, line %d: found%s; convert it to UTF-8 first"
                        .formatted(file, start + bytes.position(), line, found));
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }
}
