package dev.weft.data;

import dev.weft.text.Corpus;
import java.io.IOException;
import java.io.Reader;
import java.io.UncheckedIOException;
import java.nio.file.FileSystems;
import java.nio.file.FileVisitOption;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.nio.file.PathMatcher;
import java.util.Iterator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.function.Predicate;
import java.util.regex.PatternSyntaxException;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/// Files of UTF-8 text, of any size together: what a tokenizer and a model learn from. Those whose names end in `.gz` are
/// unpacked on the way.
public final class TextSource {
    private final List<Path> files;
    private final long bytes;

    private TextSource(List<Path> files, long bytes) {
        this.files = files;
        this.bytes = bytes;
    }

    /// Gathers files: each argument is a file, a folder (every `*.txt` in it, however deep) or a glob such as
    /// `corpus/**/*.md`. What one argument finds is sorted; the arguments keep their order; no file comes twice.
    ///
    /// @throws IllegalArgumentException if an argument finds nothing, or the files hold no text at all
    public static TextSource of(List<String> pathsOrGlobs) {
        if (pathsOrGlobs.isEmpty()) {
            throw new IllegalArgumentException("No text was given; name a file, a folder of .txt files or a glob");
        }
        var files = new LinkedHashSet<Path>();
        pathsOrGlobs.forEach(argument -> files.addAll(find(argument)));
        long bytes = files.stream().mapToLong(Utf8Reader::size).sum();
        if (bytes == 0) {
            throw new IllegalArgumentException("The text is empty: %s has 0 bytes".formatted(
                    files.size() == 1 ? files.getFirst() : "each of %d files".formatted(files.size())));
        }
        return new TextSource(List.copyOf(files), bytes);
    }

    static List<Path> find(String argument) {
        boolean glob = argument.matches(".*[*?\\[{].*");
        if (glob && !exists(argument)) {
            return glob(argument);
        }
        Path path = Path.of(argument);
        if (Files.isDirectory(path)) {
            List<Path> files = walk(path, file -> file.getFileName().toString().endsWith(".txt"));
            if (files.isEmpty()) {
                throw new IllegalArgumentException(
                        "%s: the folder holds no .txt file; for other names give a glob, such as %s/**.md".formatted(
                                path,
                                path));
            }
            return files;
        }
        if (!Files.exists(path)) {
            throw new IllegalArgumentException("%s: there is no such file or folder".formatted(path));
        }
        return List.of(path);
    }

    static boolean exists(String argument) {
        try {
            return Files.exists(Path.of(argument));
        } catch (InvalidPathException e) {
            return false; // a glob on a system whose names cannot hold a star
        }
    }

    private static List<Path> glob(String glob) {
        int wild = 0;
        while ("*?[{".indexOf(glob.charAt(wild)) < 0) {
            wild++;
        }
        int folderEnd = glob.lastIndexOf('/', wild) + 1;
        Path folder = Path.of(folderEnd == 0 ? "." : glob.substring(0, folderEnd));
        String pattern = glob.substring(folderEnd);
        PathMatcher exact;
        PathMatcher shallow;
        try {
            exact = FileSystems.getDefault().getPathMatcher("glob:" + pattern);
            // As shells have it: **/ is any depth, none included.
            shallow = FileSystems.getDefault().getPathMatcher("glob:" + pattern.replace("**/", ""));
        } catch (PatternSyntaxException e) {
            throw new IllegalArgumentException("%s: not a valid glob: %s".formatted(glob, e.getDescription()), e);
        }
        List<Path> files = !Files.isDirectory(folder)
                ? List.of()
                : walk(folder,
                        file -> exact.matches(folder.relativize(file)) || shallow.matches(folder.relativize(file)));
        if (files.isEmpty()) {
            throw new IllegalArgumentException("%s: no file matches".formatted(glob));
        }
        return folderEnd == 0 ? files.stream().map(folder::relativize).toList() : files;
    }

    private static List<Path> walk(Path folder, Predicate<Path> wanted) {
        try (Stream<Path> all = Files.walk(folder, FileVisitOption.FOLLOW_LINKS)) {
            return all.filter(Files::isRegularFile).filter(wanted).sorted().toList();
        } catch (IOException e) {
            throw new UncheckedIOException(folder + ": cannot be read: " + e.getMessage(), e);
        }
    }

    public List<Path> files() {
        return files;
    }

    /// Of all texts together, unpacked.
    public long bytes() {
        return bytes;
    }

    /// The files for a trainer of tokenizers, each a text of its own.
    /// While reading, errors are those of [#read].
    public Corpus corpus() {
        return texts -> {
            for (Path file : files) {
                try (Reader text = new Utf8Reader(file)) {
                    texts.accept(text);
                } catch (IOException e) {
                    throw new UncheckedIOException(file + ": cannot be read: " + e.getMessage(), e);
                }
            }
        };
    }

    /// All files as one stream, one after the other.
    ///
    /// While reading, what is no UTF-8 text is an [IllegalArgumentException] that names file, line and byte.
    public Reader read() {
        Iterator<Path> rest = files.iterator();
        return new Reader() {
            private @Nullable Reader current;

            @Override
            public int read(char[] buffer, int from, int length) throws IOException {
                while (true) {
                    if (current == null) {
                        if (!rest.hasNext()) {
                            return -1;
                        }
                        current = new Utf8Reader(rest.next());
                    }
                    int count = current.read(buffer, from, length);
                    if (count >= 0) {
                        return count;
                    }
                    close();
                }
            }

            @Override
            public void close() throws IOException {
                if (current != null) {
                    current.close();
                    current = null;
                }
            }
        };
    }
}
