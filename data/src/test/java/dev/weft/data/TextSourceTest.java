package dev.weft.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.Reader;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.zip.GZIPOutputStream;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.lifecycle.AfterProperty;
import net.jqwik.api.lifecycle.BeforeProperty;

class TextSourceTest {
    private Path folder;

    @BeforeProperty
    void makeFolder() throws IOException {
        folder = Files.createTempDirectory("text");
    }

    @AfterProperty
    void removeFolder() throws IOException {
        try (var files = Files.walk(folder)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        }
    }

    private Path file(String name, String text) throws IOException {
        Path file = folder.resolve(name);
        Files.createDirectories(file.getParent());
        return Files.writeString(file, text);
    }

    private static TextSource source(Object... arguments) {
        return TextSource.of(Arrays.stream(arguments).map(Object::toString).toList());
    }

    private static String text(TextSource source) throws IOException {
        var text = new StringWriter();
        try (Reader reader = source.read()) {
            reader.transferTo(text);
        }
        return text.toString();
    }

    @Example
    void files_folders_and_globs_are_gathered_sorted_and_once() throws IOException {
        Path b = file("b.txt", "b");
        Path deep = file("a/deep/c.txt", "c");
        Path d = file("a/d.md", "d");
        file("a/e.bin", "e");
        assertThat(source(folder).files()).containsExactly(deep, b);
        assertThat(source(b, folder).files()).containsExactly(b, deep);
        assertThat(source(folder + "/**/*.txt").files()).containsExactly(deep, b);
        assertThat(source(folder + "/a/*.{md,txt}").files()).containsExactly(d);
        assertThat(source(folder + "/**.md", b).bytes()).isEqualTo(2);
        assertThat(text(source(folder + "/**.md", b, deep))).isEqualTo("dbc");
        Path odd = file("odd[1].txt", "x");
        assertThat(source(odd).files()).containsExactly(odd);
    }

    @Example
    void what_finds_nothing_is_named() throws IOException {
        Path empty = file("empty.txt", "");
        Path markdown = file("docs/x.md", "x").getParent();
        assertThatThrownBy(() -> TextSource.of(List.of())).hasMessageStartingWith("No text was given");
        assertThatThrownBy(() -> source(folder.resolve("no"))).isInstanceOf(IllegalArgumentException.class)
                .hasMessage(folder.resolve("no") + ": there is no such file or folder");
        assertThatThrownBy(() -> source(markdown)).hasMessageStartingWith(markdown + ": the folder holds no .txt file");
        assertThatThrownBy(() -> source(folder + "/*.csv")).hasMessage(folder + "/*.csv: no file matches");
        assertThatThrownBy(() -> source(folder + "/no/*.csv")).hasMessage(folder + "/no/*.csv: no file matches");
        assertThatThrownBy(() -> source(folder + "/[a")).hasMessageStartingWith(folder + "/[a: not a valid glob");
        assertThatThrownBy(() -> source(empty)).hasMessage("The text is empty: " + empty + " has 0 bytes");
    }

    @Example
    void a_corpus_has_a_text_for_each_file_and_unpacks_gzip() throws IOException {
        Path packed = folder.resolve("a.txt.gz");
        try (var out = new GZIPOutputStream(Files.newOutputStream(packed))) {
            out.write("grüß\n".repeat(20_000).getBytes(StandardCharsets.UTF_8));
        }
        var texts = new ArrayList<String>();
        source(packed, file("b.txt", "b")).corpus().forEach(reader -> {
            var text = new StringWriter();
            try {
                reader.transferTo(text);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
            texts.add(text.toString());
        });
        assertThat(texts).containsExactly("grüß\n".repeat(20_000), "b");
        assertThatThrownBy(() -> source(file("c.gz", "no gzip")).corpus().forEach(reader -> {}))
                .isInstanceOf(UncheckedIOException.class)
                .hasMessageStartingWith(folder.resolve("c.gz") + ": cannot be read: ");
    }

    @Example
    void what_is_no_text_is_named_with_its_place() throws IOException {
        Path file = folder.resolve("x.txt");
        Files.write(file, "ü\nab\u00ff".getBytes(StandardCharsets.ISO_8859_1));
        assertThatThrownBy(() -> text(source(file))).isInstanceOf(IllegalArgumentException.class)
                .hasMessage(file + ": not valid UTF-8 at byte 0, line 1: found fc; convert it to UTF-8 first");
        byte[] cut = "ab\nü".getBytes(StandardCharsets.UTF_8);
        Files.write(file, Arrays.copyOf(cut, cut.length - 1));
        assertThatThrownBy(() -> text(source(file)))
                .hasMessage(file + ": not valid UTF-8 at byte 3, line 2: found c3; convert it to UTF-8 first");
        Files.writeString(file, "a\nb\u0000c");
        assertThatThrownBy(() -> text(source(file)))
                .hasMessage(file + ": holds a NUL byte in line 2, so it is no UTF-8 text; is it binary, or UTF-16?");
    }

    @Property(tries = 30)
    void any_text_is_read_as_it_is_and_a_wrong_byte_is_found_wherever_it_stands(
            @ForAll @IntRange(max = 200_000) int before, @ForAll @IntRange(min = 1, max = 7) int step)
            throws IOException {
        String text = "aü€😀\n".repeat(before / 10 / step) + "x".repeat(step);
        Path file = file("x.txt", text);
        assertThat(text(source(file))).isEqualTo(text);
        byte[] good = text.getBytes(StandardCharsets.UTF_8);
        byte[] bad = Arrays.copyOf(good, good.length + 2);
        bad[good.length] = (byte) 0xFF;
        bad[good.length + 1] = 'y';
        Files.write(file, bad);
        assertThatThrownBy(() -> text(source(file))).hasMessage("%s: not valid UTF-8 at byte %d, line %d: found ff; "
                + "convert it to UTF-8 first", file, good.length, 1 + text.chars().filter(c -> c == '\n').count());
    }
}
