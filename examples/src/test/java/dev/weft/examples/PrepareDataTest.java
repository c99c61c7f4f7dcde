package dev.weft.examples;

import static org.assertj.core.api.Assertions.assertThat;

import dev.weft.data.ExampleFile;
import dev.weft.data.Row;
import dev.weft.data.RowEncoder;
import dev.weft.text.Tokenizer;
import dev.weft.text.Truncation;
import dev.weft.text.WordPieceTrainer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PrepareDataTest {
    private static final Tokenizer WORDS = WordPieceTrainer.ofVocabSize(100)
            .train(List.of("good bad film very ".repeat(9)));

    @TempDir
    Path folder;

    private Path csv() throws IOException {
        return Files.writeString(folder.resolve("train.csv"), "sentence,label\n" + IntStream.range(0, 400)
                .mapToObj(i -> "\"" + "very ".repeat(i % 20) + "good, film " + i + "\"," + i % 2)
                .collect(Collectors.joining("\n")));
    }

    @Test
    void a_file_of_texts_becomes_batches_with_little_padding() throws IOException {
        assertThat(PrepareData.classified(WORDS, csv().toString(), folder)).isBetween(0.85, 1.0);
        assertThat(PrepareData.classified(WORDS, csv().toString(), folder)).isBetween(0.85, 1.0);
        try (var files = Files.list(folder)) {
            assertThat(files.filter(file -> file.toString().endsWith(".bin"))).hasSize(1);
        }
    }

    @Test
    void a_query_reads_parquet_files() throws SQLException {
        try (var connection = DriverManager.getConnection("jdbc:duckdb:"); var copy = connection.createStatement()) {
            copy.execute("copy (select repeat('a', n * 10) as text, n as label from range(5) t(n)) to '%s'"
                    .formatted(folder.resolve("part-1.parquet")));
        }
        assertThat(PrepareData.asked(folder).count()).isEqualTo(2);
    }

    @Test
    void examples_are_packed() throws IOException {
        var rows = dev.weft.data.Rows.of(csv().toString()).named(java.util.Map.of("text", "sentence"));
        try (var examples = ExampleFile.of(rows, new RowEncoder.Language(WORDS, Truncation.to(64)), folder,
                done -> {})) {
            assertThat(PrepareData.packed(examples, 0, 0).stream().flatMapToInt(Arrays::stream).sorted().toArray())
                    .containsExactly(IntStream.range(0, 400).toArray());
        }
    }

    @Test
    void a_stream_goes_on_and_parallel_lines_stand_together() throws IOException {
        Path tsv = Files.writeString(folder.resolve("a.tsv"), "text\tlabel\na\t1\nb\t2\nc\t3\n");
        var all = new ArrayList<Row>();
        PrepareData.stream(List.of(tsv.toString()), 0).forEach(all::add);
        var rest = new ArrayList<Row>();
        PrepareData.stream(List.of(tsv.toString()), 2).forEach(rest::add);
        assertThat(rest).isEqualTo(all.subList(2, 3));

        Path lines = Files.writeString(folder.resolve("a.en"), "one\ntwo\n");
        var pairs = new ArrayList<Row>();
        PrepareData.parallel(lines.toString(), lines.toString()).forEach(pairs::add);
        assertThat(pairs).extracting(row -> row.text("target")).containsExactly("one", "two");
    }
}
