package dev.weft.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.weft.text.CharacterTrainer;
import dev.weft.text.Tokenizer;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalInt;
import java.util.Random;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TokenFileTest {
    private static final Tokenizer LETTERS = new CharacterTrainer().withSpecialTokens("<|endoftext|>")
            .train(List.of("abcdefghij ü😀\n"));

    @TempDir
    Path folder;

    private TokenFile file(Tokenizer tokenizer, OptionalInt end, String... texts) throws IOException {
        return TokenFile.of(source(texts), tokenizer, end, folder.resolve("cache"), TokenFile.Progress.SILENT);
    }

    private TextSource source(String... texts) throws IOException {
        var files = new ArrayList<String>();
        for (int i = 0; i < texts.length; i++) {
            files.add(Files.writeString(folder.resolve(i + ".txt"), texts[i]).toString());
        }
        return TextSource.of(files);
    }

    static int[] all(Tokens tokens) {
        int[] ids = new int[(int) tokens.count()];
        tokens.read(0, ids);
        return ids;
    }

    private List<String> cached() throws IOException {
        try (var files = Files.list(folder.resolve("cache"))) {
            return files.map(each -> each.getFileName().toString()).sorted().toList();
        }
    }

    private static String random(int length, long seed) {
        String letters = "abcdefghij ü😀\n";
        int[] points = letters.codePoints().toArray();
        var text = new StringBuilder();
        new Random(seed).ints(length, 0, points.length).forEach(i -> text.appendCodePoint(points[i]));
        return text.toString();
    }

    @Test
    void packed_texts_have_the_ids_and_bytes_of_their_text() throws IOException {
        String text = random(50_000, 3);
        Path packed = folder.resolve("packed.txt.gz");
        try (var out = new GZIPOutputStream(Files.newOutputStream(packed))) {
            out.write(text.getBytes(StandardCharsets.UTF_8));
        }
        try (var plain = file(LETTERS, OptionalInt.empty(), text);
                var unpacked = TokenFile.of(TextSource.of(List.of(packed.toString())), LETTERS, OptionalInt.empty(),
                        folder.resolve("cache"), TokenFile.Progress.SILENT)) {
            assertThat(all(unpacked)).isEqualTo(all(plain));
            assertThat(unpacked.sourceBytes()).isEqualTo(plain.sourceBytes());
        }
    }

    @Test
    void a_text_becomes_ids_once_and_is_found_again_by_its_content() throws IOException {
        String text = "abba\nü😀";
        Path path;
        try (var file = file(LETTERS, OptionalInt.empty(), text)) {
            path = file.path();
            assertThat(all(file)).isEqualTo(LETTERS.ids(text));
            assertThat(file.vocabSize()).isEqualTo(LETTERS.vocabSize());
            assertThat(file.sourceBytes()).isEqualTo(text.getBytes(StandardCharsets.UTF_8).length);
            assertThat(file.textBytes(LETTERS)).isEqualTo(file.sourceBytes());
        }
        var made = Files.getLastModifiedTime(path);
        try (var again = file(LETTERS, OptionalInt.empty(), text)) {
            assertThat(again.path()).isEqualTo(path);
            assertThat(Files.getLastModifiedTime(path)).isEqualTo(made);
        }
        Tokenizer other = new CharacterTrainer().train(List.of("abcü😀\n"));
        file(other, OptionalInt.empty(), text).close();
        file(LETTERS, OptionalInt.of(0), text).close();
        file(LETTERS, OptionalInt.empty(), "abba\nü", "😀").close();
        assertThat(cached()).hasSize(4);
    }

    @Test
    void an_end_of_text_id_stands_after_each_file() throws IOException {
        try (var file = file(LETTERS, OptionalInt.of(0), "ab", "c")) {
            int[] ids = all(file);
            assertThat(ids).hasSize(5);
            assertThat(LETTERS.decode(ids)).isEqualTo("ab<|endoftext|>c<|endoftext|>");
            assertThat(file.textBytes(LETTERS)).isEqualTo(3);
        }
    }

    @Test
    void encoding_in_parallel_gives_the_ids_of_the_whole_text_in_order() throws IOException {
        String text = random(1_500_000, 1);
        TextSource source = source(text, random(400_000, 2));
        List<Long> heard = new ArrayList<>();
        Path one = folder.resolve("one");
        Path many = folder.resolve("many");
        String fingerprint = "0".repeat(64);
        TokenFile.build(source, LETTERS, OptionalInt.of(0), one, fingerprint, TokenFile.Progress.SILENT, 1);
        TokenFile.build(source, LETTERS, OptionalInt.of(0), many, fingerprint, (done, total) -> {
            assertThat(total).isEqualTo(source.bytes());
            heard.add(done);
        }, 5);
        assertThat(Files.mismatch(one, many)).isEqualTo(-1);
        assertThat(heard).isSorted().hasSizeGreaterThan(5).last().isEqualTo(source.bytes());
        try (var file = TokenFile.open(many)) {
            assertThat(all(file.slice(0, LETTERS.ids(text).length))).isEqualTo(LETTERS.ids(text));
        }
    }

    @Test
    void ids_take_two_bytes_up_to_a_vocabulary_of_65536_and_four_above() throws IOException {
        for (int size : new int[]{65_536, 65_537}) {
            String characters = IntStream.range(0, size)
                    .mapToObj(i -> Character.toString(0x10000 + i))
                    .collect(Collectors.joining());
            Tokenizer wide = new CharacterTrainer().train(List.of(characters));
            assertThat(wide.vocabSize()).isEqualTo(size);
            String text = characters.substring(2 * size - 200) + characters.substring(0, 20)
                    + characters.substring(60_000);
            try (var file = file(wide, OptionalInt.empty(), text)) {
                assertThat(all(file)).isEqualTo(wide.ids(text)).contains(size - 1, 0, 40_000);
                assertThat((Files.size(file.path()) - 72) / file.count()).isEqualTo(size == 65_536 ? 2 : 4);
            }
        }
    }

    @Test
    void a_build_that_fails_leaves_nothing_behind() throws IOException {
        assertThatThrownBy(() -> file(LETTERS, OptionalInt.empty(), random(600_000, 3) + "z"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith(folder.resolve("0.txt") + ": ")
                .hasMessageContaining("z");
        Files.write(folder.resolve("1.txt"), new byte[]{'a', (byte) 0xC3});
        var broken = TextSource.of(List.of(folder.resolve("1.txt").toString()));
        assertThatThrownBy(() -> TokenFile.of(broken, LETTERS, OptionalInt.empty(), folder.resolve("cache"),
                TokenFile.Progress.SILENT))
                .hasMessageStartingWith(folder.resolve("1.txt") + ": not valid UTF-8 at byte 1");
        assertThatThrownBy(() -> file(LETTERS, OptionalInt.of(99), "abc")).hasMessageContaining("id 99 is outside");
        Thread.currentThread().interrupt();
        assertThatThrownBy(() -> file(LETTERS, OptionalInt.empty(), random(600_000, 3)))
                .isInstanceOf(RuntimeException.class);
        assertThat(Thread.interrupted()).isTrue();
        assertThat(cached()).isEmpty();
    }

    @Test
    void a_file_of_more_than_two_gigabytes_is_read_at_its_end() throws IOException {
        Path path;
        try (var file = file(LETTERS, OptionalInt.empty(), "abc")) {
            path = file.path();
        }
        long count = 1_300_000_000;
        // Sparse: the ids between are zeros that take no place on the disk.
        try (var channel = FileChannel.open(path, StandardOpenOption.WRITE)) {
            ByteBuffer number = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(count).flip();
            channel.write(number, 24);
            channel.write(ByteBuffer.wrap(new byte[]{1, 0, 2, 0}), 72 + 2 * (count - 2));
        }
        try (var file = TokenFile.open(path)) {
            int[] ids = new int[3];
            file.split(0.5).validation().read(count / 2 - 3, ids);
            assertThat(ids).containsExactly(0, 1, 2);
            assertThat(file.count()).isEqualTo(count);
        }
    }

    @Test
    void a_damaged_file_is_refused_and_made_anew_in_the_cache() throws IOException {
        Path path;
        try (var file = file(LETTERS, OptionalInt.empty(), "abcabc")) {
            path = file.path();
        }
        byte[] good = Files.readAllBytes(path);
        Files.write(path, Arrays.copyOf(good, good.length - 2));
        assertThatThrownBy(() -> TokenFile.open(path)).isInstanceOf(IllegalArgumentException.class)
                .hasMessage(path + ": is cut off or broken: it should hold 6 ids, 10 bytes are there");
        Files.write(path, Arrays.copyOf(good, 20));
        assertThatThrownBy(() -> TokenFile.open(path)).hasMessage(path + ": is cut off");
        Files.writeString(path, "x".repeat(100));
        assertThatThrownBy(() -> TokenFile.open(path)).hasMessage(path + ": is no token file");
        file(LETTERS, OptionalInt.empty(), "abcabc").close();
        assertThat(Files.readAllBytes(path)).isEqualTo(good);
        good[good.length - 1] = 0x7F;
        Files.write(path, good);
        try (var file = TokenFile.open(path)) {
            assertThatThrownBy(() -> all(file)).hasMessageContaining("at place 5 is outside the vocabulary");
        }
        assertThatThrownBy(() -> TokenFile.open(folder)).hasMessage(folder + ": there is no such file");
    }

    @Test
    void shakespeare_in_the_tokens_of_gpt2_has_the_published_length() {
        Path data = Path.of(System.getProperty("weft.shared", "../shared"), "data");
        Path text = data.resolve("tinyshakespeare/train.txt");
        Assumptions.assumeTrue(Files.exists(text), "the data set is not at " + text);
        Tokenizer gpt2 = Tokenizer.load(data.resolve("tokenizers/gpt2"));
        try (var file = TokenFile.of(TextSource.of(List.of(text.toString())), gpt2, OptionalInt.empty(), folder,
                TokenFile.Progress.SILENT)) {
            // nanoGPT, data/shakespeare/readme.md
            assertThat(file.count()).isEqualTo(301_966);
            assertThat(file.textBytes(gpt2)).isEqualTo(file.sourceBytes());
        }
    }

    @Test
    void the_end_is_held_out_as_a_view() throws IOException {
        try (var file = file(LETTERS, OptionalInt.empty(), "abcdefghij")) {
            Tokens.Split split = file.split(0.1);
            assertThat(LETTERS.decode(all(split.training()))).isEqualTo("abcdefghi");
            assertThat(LETTERS.decode(all(split.validation()))).isEqualTo("j");
            assertThatThrownBy(() -> split.training().read(8, new int[2]))
                    .isInstanceOf(IndexOutOfBoundsException.class);
            assertThatThrownBy(() -> file.split(0.95)).hasMessageStartingWith("Holding out a fraction of 0.95 of 10");
            assertThatThrownBy(() -> file.split(1)).hasMessageStartingWith("Holding out a fraction of 1.0");
        }
    }
}
