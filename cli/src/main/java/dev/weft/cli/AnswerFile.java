package dev.weft.cli;

import dev.weft.checkpoint.Json;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ObjectNode;

/// A file that grows by whole windows of answers. Until all are there it is called `FILE.part`, and `FILE.progress` says
/// how much of it counts and which text comes next: a run that was killed at any moment goes on from there, and what it
/// wrote after that is written again. At the end the file appears under its name, whole.
///
/// What is no file, such as `/dev/stdout`, is written as it comes, and no run goes on with it.
final class AnswerFile implements AutoCloseable {
    /// How far a run has come.
    ///
    /// @param answered texts with an answer
    /// @param failed   texts without one
    /// @param bytes    of the file that count
    record Progress(Inputs.Place next, long answered, long failed, long bytes) {
        static final Progress BEGIN = new Progress(Inputs.Place.BEGIN, 0, 0, 0);

        ObjectNode json(String fingerprint) {
            return Json.object().put("fingerprint", fingerprint).put("input", next.input())
                    .put("input_bytes", next.bytes()).put("line", next.line()).put("answered", answered)
                    .put("failed", failed).put("bytes", bytes);
        }

        static Progress of(ObjectNode json) {
            return new Progress(
                    new Inputs.Place(json.path("input").intValue(), json.path("input_bytes").longValue(),
                            json.path("line").longValue()),
                    json.path("answered").longValue(), json.path("failed").longValue(),
                    json.path("bytes").longValue());
        }
    }

    private final Path file;
    private final boolean device;
    private final FileChannel channel;
    private final String fingerprint;
    // Read by whoever tells the user where a run stopped.
    private volatile Progress progress = Progress.BEGIN;

    private AnswerFile(Path file, boolean device, FileChannel channel, String fingerprint) {
        this.file = file;
        this.device = device;
        this.channel = channel;
        this.fingerprint = fingerprint;
    }

    /// @param fingerprint of the command and what it reads; only a run of the same goes on
    /// @param restart     whether what another run left is thrown away
    /// @throws UncheckedIOException if it cannot be written, saying why
    static AnswerFile open(Path given, String fingerprint, boolean restart) {
        Path file = target(given);
        Path folder = file.toAbsolutePath().getParent();
        if (Files.isDirectory(file)) {
            throw new IllegalArgumentException(file + " is a folder; name a file to write to");
        }
        if (folder != null && !Files.isDirectory(folder)) {
            throw new IllegalArgumentException("%s: there is no folder %s to write to; make it first".formatted(file,
                    folder));
        }
        // A link that leads to no name, such as /dev/stdout, is written through and never replaced.
        boolean device = Files.exists(file) && (!Files.isRegularFile(file) || Files.isSymbolicLink(file));
        if (Files.exists(file) && !Files.isWritable(file)) {
            throw new IllegalArgumentException(file + " cannot be written: no permission");
        }
        try {
            FileChannel channel = device
                    ? FileChannel.open(file, StandardOpenOption.APPEND)
                    : FileChannel.open(beside(file, ".part"), StandardOpenOption.WRITE, StandardOpenOption.CREATE);
            var opened = new AnswerFile(file, device, channel, fingerprint);
            if (!device) {
                opened.findProgress(restart);
            }
            return opened;
        } catch (IOException e) {
            throw failure(file, e);
        }
    }

    /// What a link leads to; a link of the system to an open file stays what it is.
    private static Path target(Path file) {
        try {
            return Files.isSymbolicLink(file) && Files.exists(file)
                    && !file.toAbsolutePath().normalize().startsWith("/dev")
                    && !file.toAbsolutePath().normalize().startsWith("/proc") ? file.toRealPath() : file;
        } catch (IOException e) {
            return file;
        }
    }

    private static Path beside(Path file, String ending) {
        return file.resolveSibling(file.getFileName() + ending);
    }

    private static UncheckedIOException failure(Path file, IOException e) {
        String reason = e instanceof AccessDeniedException
                ? "no permission"
                : e instanceof FileSystemException system && system.getReason() != null
                        ? system.getReason()
                        : e.getMessage();
        return new UncheckedIOException("%s cannot be written: %s".formatted(file, reason), e);
    }

    private void findProgress(boolean restart) throws IOException {
        if (!locked()) {
            channel.close();
            throw new IllegalArgumentException(
                    "%s is being written by another run; wait for it, or give another --out".formatted(file));
        }
        Path known = beside(file, ".progress");
        Progress found = Progress.BEGIN;
        if (!restart && Files.exists(known)) {
            ObjectNode json = Json.read(known).node();
            found = Progress.of(json);
            if (found.bytes() > channel.size()) {
                // The machine stopped before the disk had it all, or the file went away.
                found = Progress.BEGIN;
            } else if (!json.path("fingerprint").stringValue("").equals(fingerprint)) {
                channel.close();
                throw new IllegalArgumentException(
                        "%s.part was begun by another command, or the model or a file has changed since; --restart begins anew"
                                .formatted(file));
            }
        }
        if (found.bytes() == 0) {
            found = Progress.BEGIN;
            Files.deleteIfExists(known);
        }
        channel.truncate(found.bytes());
        progress = found;
    }

    /// The operating system takes the lock back when a run is killed.
    private boolean locked() throws IOException {
        try {
            return channel.tryLock() != null;
        } catch (OverlappingFileLockException e) {
            return false;
        }
    }

    Progress progress() {
        return progress;
    }

    /// Adds a window, all of it or, if the process ends meanwhile, nothing.
    ///
    /// @param head what the file begins with, written over what stands there, or null
    void add(byte @Nullable [] head, byte[] bytes, Inputs.Place next, long answered, long failed) {
        try {
            long end = progress.bytes();
            if (head != null && !device) {
                write(head, 0);
                end = Math.max(end, head.length);
            } else if (head != null && end == 0) {
                write(head, -1);
                end = head.length;
            }
            write(bytes, device ? -1 : end);
            progress = new Progress(next, answered, failed, end + bytes.length);
            if (!device) {
                channel.force(false);
                Path written = beside(file, ".progress.new");
                Files.writeString(written, progress.json(fingerprint).toString());
                Files.move(written, beside(file, ".progress"), StandardCopyOption.ATOMIC_MOVE);
            }
        } catch (IOException e) {
            throw failure(file, e);
        }
    }

    private void write(byte[] bytes, long at) throws IOException {
        ByteBuffer left = ByteBuffer.wrap(bytes);
        while (left.hasRemaining()) {
            int written = at < 0 ? channel.write(left) : channel.write(left, at + left.position());
            if (written < 0) {
                throw new IOException("nothing is written any more");
            }
        }
    }

    /// The file is whole.
    void finish() {
        try {
            channel.close();
            if (!device) {
                Files.move(beside(file, ".part"), file, StandardCopyOption.ATOMIC_MOVE,
                        StandardCopyOption.REPLACE_EXISTING);
                Files.deleteIfExists(beside(file, ".progress"));
            }
        } catch (IOException e) {
            throw failure(file, e);
        }
    }

    @Override
    public void close() {
        try {
            channel.close();
            if (!device && progress.bytes() == 0) {
                // Nothing to go on from.
                Files.deleteIfExists(beside(file, ".part"));
            }
        } catch (IOException e) {
            throw failure(file, e);
        }
    }

    /// The head of a file of NumPy: rows of float32. Always as long, so that rows can be added.
    static byte[] npyHead(long rows, int columns) {
        String described = "{'descr': '<f4', 'fortran_order': False, 'shape': (%d, %d), }".formatted(rows, columns);
        byte[] text = (described + " ".repeat(117 - described.length()) + "\n").getBytes(StandardCharsets.US_ASCII);
        return ByteBuffer.allocate(128).put((byte) 0x93).put("NUMPY".getBytes(StandardCharsets.US_ASCII))
                .put((byte) 1).put((byte) 0).put((byte) text.length).put((byte) 0).put(text).array();
    }
}
