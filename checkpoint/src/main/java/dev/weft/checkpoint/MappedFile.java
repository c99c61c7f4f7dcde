package dev.weft.checkpoint;

import dev.weft.tensor.DType;
import dev.weft.tensor.Engine;
import dev.weft.tensor.Tensor;
import dev.weft.tensor.TensorScope;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;

/// The bytes of a file: read here and there, or seen as tensors without a copy.
final class MappedFile implements AutoCloseable {
    private final Path path;
    private final Tensor bytes;
    private final FileChannel channel;
    private final long size;

    private MappedFile(Path path, Tensor bytes, FileChannel channel, long size) {
        this.path = path;
        this.bytes = bytes;
        this.channel = channel;
        this.size = size;
    }

    static MappedFile open(Path path) {
        if (!Files.isRegularFile(path)) {
            throw new IllegalArgumentException(
                    "%s: %s".formatted(path, Files.exists(path) ? "is not a file" : "there is no such file"));
        }
        try {
            if (Files.size(path) == 0) {
                throw new IllegalArgumentException(path + ": the file is empty; was its download interrupted?");
            }
            // Here what is missing is told as it is; later it would be wrapped into what a class could not begin with.
            Engine.start();
            var channel = FileChannel.open(path);
            try {
                Tensor bytes = Tensor.mapped(path).unscoped();
                return new MappedFile(path, bytes, channel, bytes.count());
            } catch (IOException | RuntimeException e) {
                channel.close();
                throw e;
            }
        } catch (IOException e) {
            throw new UncheckedIOException(path + ": cannot be read: " + e.getMessage(), e);
        }
    }

    Path path() {
        return path;
    }

    long size() {
        return size;
    }

    /// `length` bytes from `start` on, which the caller has checked to lie inside.
    ByteBuffer read(long start, int length) {
        ByteBuffer buffer = ByteBuffer.allocate(length).order(ByteOrder.LITTLE_ENDIAN);
        read(start, buffer);
        return buffer.flip();
    }

    /// Fills a buffer with the bytes from `start` on, which the caller has checked to lie inside.
    void read(long start, ByteBuffer buffer) {
        try {
            for (long at = start; buffer.hasRemaining();) {
                int read = channel.read(buffer, at);
                if (read < 0) {
                    throw error("the file became shorter while it was read");
                }
                at += read;
            }
        } catch (IOException e) {
            throw new UncheckedIOException(path + ": cannot be read: " + e.getMessage(), e);
        }
    }

    /// `[elements]` of `dtype` from byte `start` on, which the caller has checked to lie inside: a view, or a copy where
    /// `start` is no multiple of the element size.
    Tensor elements(DType dtype, long start, long elements) {
        if (elements == 0) {
            return Tensor.empty(dtype, 0);
        }
        return TensorScope.tidy(() -> {
            Tensor view = bytes.narrow(0, start, elements * dtype.bytes());
            return (start % dtype.bytes() == 0 ? view : view.copy()).viewAs(dtype);
        });
    }

    /// One line that names the file.
    IllegalArgumentException error(String what) {
        return new IllegalArgumentException(path + ": " + oneLine(what));
    }

    /// Names out of a hostile file may hold anything: what breaks a line or moves a cursor becomes a question mark.
    static String oneLine(String text) {
        return text.replaceAll("[\\p{Cc}\\u2028\\u2029]", "?");
    }

    @Override
    public void close() {
        bytes.close();
        try {
            channel.close();
        } catch (IOException e) {
            throw new UncheckedIOException(path + ": cannot be closed: " + e.getMessage(), e);
        }
    }
}
