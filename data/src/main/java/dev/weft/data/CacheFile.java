package dev.weft.data;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.UUID;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;

/// Files that were made of others and are found again by their content.
final class CacheFile {
    private CacheFile() {}

    /// Writes a file's content.
    interface Body {
        void write(FileChannel channel) throws IOException;
    }

    /// Writes a file in full under another name first, so that an interrupted build leaves nothing that is taken for whole.
    static void write(Path path, Body body) {
        Path whole = path.toAbsolutePath();
        Path temporary = whole.resolveSibling("." + path.getFileName() + "." + UUID.randomUUID() + ".tmp");
        try {
            Files.createDirectories(whole.getParent());
            try (var channel = FileChannel.open(temporary, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
                body.write(channel);
                channel.force(true);
            }
            Files.move(temporary, whole, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } catch (IOException e) {
            throw new UncheckedIOException(
                    "%s: the cache cannot be written: %s; make room, or choose another folder with --cache".formatted(
                            path,
                            e.getMessage()),
                    e);
        } finally {
            try {
                Files.deleteIfExists(temporary);
            } catch (IOException e) {
                // Its name keeps it from being taken for a whole file.
            }
        }
    }

    /// What a thread has made of its part; its exceptions are those of the whole.
    static <T> T done(Future<T> part) {
        try {
            return part.get();
        } catch (ExecutionException e) {
            if (e.getCause() instanceof RuntimeException cause) {
                throw cause;
            }
            throw new IllegalStateException("encoding failed: " + e.getCause(), e.getCause());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("the encoding was interrupted", e);
        }
    }

    static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java has SHA-256", e);
        }
    }

    static void readFully(Path path, FileChannel channel, long at, ByteBuffer bytes) throws IOException {
        while (bytes.hasRemaining()) {
            int read = channel.read(bytes, at + bytes.position());
            require(path, read >= 0, "is cut off");
        }
        bytes.flip();
    }

    static void writeFully(FileChannel channel, ByteBuffer bytes) throws IOException {
        while (bytes.hasRemaining()) {
            channel.write(bytes);
        }
    }

    static void require(Path path, boolean holds, String otherwise) {
        if (!holds) {
            throw new IllegalArgumentException(path + ": " + otherwise);
        }
    }
}
