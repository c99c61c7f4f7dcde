package dev.weft.tensor;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/// The folder into which JavaCPP unpacks native libraries, shared by all processes of a user.
///
/// JavaCPP lets a process map a library that another is still writing, which ends it with SIGBUS, and turns the links to
/// OpenBLAS or MKL about, each time a process with the other one starts. So whoever finds the folder not as it needs it
/// prepares it alone; those who find it ready load together. A process that is killed leaves it marked as not ready.
final class LibraryCache {
    private static final String LOCK = "weft.lock";

    private LibraryCache() {}

    /// `org.bytedeco.javacpp.cachedir`, or where JavaCPP has it otherwise.
    static Path folder() {
        String told = System.getProperty("org.bytedeco.javacpp.cachedir");
        return told != null ? Path.of(told) : Path.of(System.getProperty("user.home"), ".javacpp", "cache");
    }

    /// Runs `loading`, which unpacks and links what it needs.
    ///
    /// @param wanted what the folder must hold: versions and the BLAS that the links lead to
    static void during(String wanted, Runnable loading) {
        try {
            Files.createDirectories(folder());
        } catch (IOException e) {
            // JavaCPP looks for another place itself.
            loading.run();
            return;
        }
        during(folder().resolve(LOCK), wanted, loading);
    }

    static void during(Path lockFile, String wanted, Runnable loading) {
        try (var channel = FileChannel.open(lockFile, StandardOpenOption.CREATE, StandardOpenOption.READ,
                StandardOpenOption.WRITE)) {
            try (FileLock together = channel.lock(0, Long.MAX_VALUE, true)) {
                if (text(channel).equals(wanted)) {
                    loading.run();
                    return;
                }
            }
            try (FileLock alone = channel.lock()) {
                boolean ready = text(channel).equals(wanted);
                if (!ready) {
                    channel.truncate(0);
                    channel.force(true);
                }
                loading.run();
                if (!ready) {
                    channel.write(ByteBuffer.wrap(wanted.getBytes(StandardCharsets.UTF_8)), 0);
                }
            }
        } catch (IOException | OverlappingFileLockException e) {
            // A folder that cannot be written to is complete, or JavaCPP will say what is missing; some network file
            // systems have no locks; and two class loaders of one process exclude each other already.
            loading.run();
        }
    }

    private static String text(FileChannel channel) throws IOException {
        var bytes = ByteBuffer.allocate(1024);
        channel.read(bytes, 0);
        return new String(bytes.array(), 0, bytes.position(), StandardCharsets.UTF_8);
    }
}
