package dev.weft.checkpoint;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.WritableByteChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.UUID;

/// A file that appears whole or not at all, also when the process is killed or the machine stops in between.
///
/// The content goes to a hidden temporary file in the same folder, is forced to the disk and takes its name by a rename;
/// whoever has the old file open or mapped keeps the old content. [#stage] and [#commit] apart let several files be
/// written in full before the first of them shows. A kill may leave a temporary file behind, `.NAME.….tmp`.
public final class AtomicFile implements AutoCloseable {
    /// Writes the content of a file.
    @FunctionalInterface
    public interface Body {
        void write(WritableByteChannel channel) throws IOException;
    }

    private final Path target;
    private final Path temporary;

    private AtomicFile(Path target, Path temporary) {
        this.target = target;
        this.temporary = temporary;
    }

    /// @throws UncheckedIOException if the disk refuses; the file that was there before is unchanged
    public static void write(Path target, byte[] content) {
        write(target, content.length, channel -> writeFully(channel, content));
    }

    /// Writes text as UTF-8.
    ///
    /// @throws UncheckedIOException if the disk refuses; the file that was there before is unchanged
    public static void write(Path target, String content) {
        write(target, content.getBytes(StandardCharsets.UTF_8));
    }

    /// @param needed bytes that `body` will write, for the message when the disk is full
    /// @throws UncheckedIOException if the disk refuses; the file that was there before is unchanged
    public static void write(Path target, long needed, Body body) {
        try (var staged = stage(target, needed, body)) {
            staged.commit();
        }
    }

    /// Writes the content under a temporary name; it takes its own with [#commit], or goes away with [#close].
    ///
    /// @param needed bytes that `body` will write, for the message when the disk is full
    /// @throws UncheckedIOException if the disk refuses; the file that was there before is unchanged
    public static AtomicFile stage(Path target, long needed, Body body) {
        Path whole = target.toAbsolutePath();
        var staged = new AtomicFile(whole,
                whole.resolveSibling("." + whole.getFileName() + "." + UUID.randomUUID() + ".tmp"));
        try {
            Files.createDirectories(staged.folder());
            try (var channel = FileChannel.open(staged.temporary, StandardOpenOption.CREATE_NEW,
                    StandardOpenOption.WRITE)) {
                body.write(channel);
                channel.force(true);
            }
            return staged;
        } catch (IOException e) {
            staged.close();
            throw staged.refused(needed, e);
        } catch (RuntimeException | Error e) {
            staged.close();
            throw e;
        }
    }

    /// Gives the file its name.
    public void commit() {
        try {
            Files.move(temporary, target, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
            force(folder());
        } catch (IOException e) {
            throw refused(0, e);
        }
    }

    /// Removes what was not committed.
    @Override
    public void close() {
        try {
            Files.deleteIfExists(temporary);
        } catch (IOException e) {
            // The name says what it is, and the error that led here matters more.
        }
    }

    private Path folder() {
        Path folder = target.getParent();
        return folder == null ? target : folder;
    }

    private UncheckedIOException refused(long needed, IOException cause) {
        String reason = cause.getMessage();
        if (cause instanceof FileSystemException where) {
            reason = where.getReason() == null ? where.getClass().getSimpleName() : where.getReason();
        }
        var message = new StringBuilder("%s: cannot be written: %s".formatted(target, reason));
        if (needed > 0) {
            message.append("; it needs %d bytes, %s are free".formatted(needed, free()));
        }
        return new UncheckedIOException(message.append(". What was there before is unchanged").toString(), cause);
    }

    private String free() {
        try {
            return Long.toString(Files.getFileStore(folder()).getUsableSpace());
        } catch (IOException e) {
            return "an unknown number";
        }
    }

    /// Makes renames and deletions in a folder last; a system that cannot force folders keeps its own order.
    static void force(Path folder) {
        try (var channel = FileChannel.open(folder, StandardOpenOption.READ)) {
            channel.force(true);
        } catch (IOException e) {
            // Windows opens no folders.
        }
    }

    static void writeFully(WritableByteChannel channel, byte[] content) throws IOException {
        ByteBuffer buffer = ByteBuffer.wrap(content);
        while (buffer.hasRemaining()) {
            channel.write(buffer);
        }
    }
}
