package dev.weft.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import java.util.zip.GZIPOutputStream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RowsTest {
    @TempDir
    Path folder;

    private Path file(String name, String content) throws IOException {
        return Files.writeString(folder.resolve(name), content);
    }

    static List<Row> all(Rows rows) {
        var all = new ArrayList<Row>();
        rows.forEach(all::add);
        return all;
    }

    static Rows numbered(int count) {
        return Rows.of("numbers",
                IntStream.range(0, count).mapToObj(i -> new Row(Map.of("n", i), "number " + i)).toList());
    }

    private static List<Long> numbers(Rows rows) {
        return all(rows).stream().map(row -> row.whole("n")).toList();
    }

    @Test
    void a_csv_file_has_quotes_line_ends_inside_them_and_a_byte_order_mark() throws IOException {
        Path csv = file("a.csv", "\uFEFFsentence,label\r\n\"a, \"\"b\"\"\nc\",1\r\n\r\nplain,0");

        Rows rows = Rows.of(csv.toString());

        assertThat(all(rows)).containsExactly(
                new Row(Map.of("sentence", "a, \"b\"\nc", "label", "1"), csv + ", line 2"),
                new Row(Map.of("sentence", "plain", "label", "0"), csv + ", line 5"));
        assertThat(rows.columns()).containsExactly("sentence", "label");
    }

    @Test
    void in_a_tsv_file_a_quote_is_a_letter_and_names_can_be_told() throws IOException {
        Path tsv = file("a.tsv", "\"so\t1\nwhat\"\t0\n");

        Rows rows = Rows.of(List.of(tsv.toString()),
                new Format.Delimited('\t', false, List.of("sentence", "label")));

        assertThat(all(rows)).extracting(row -> row.text("sentence")).containsExactly("\"so", "what\"");
        assertThat(all(rows)).extracting(row -> row.label("label")).containsExactly("1", "0");
    }

    @Test
    void a_line_with_too_many_values_is_told() throws IOException {
        Path tsv = file("a.tsv", "sentence\tlabel\ngood\t1\ntoo\tmany\t0\n");

        assertThatThrownBy(() -> all(Rows.of(tsv.toString()))).hasMessage(
                tsv + ", line 3: 3 values where the first line names 2 columns (sentence, label)");
    }

    @Test
    void a_quote_that_never_closes_is_told_with_its_line() throws IOException {
        Path csv = file("a.csv", "a,b\n1,2\n\"3,4\n5,6\n");

        assertThatThrownBy(() -> all(Rows.of(csv.toString())))
                .hasMessage(csv + ": the quote that opens in line 3 is never closed");
    }

    @Test
    void a_csv_file_without_commas_in_its_first_line_has_semicolons_tabs_or_bars() throws IOException {
        for (String mark : List.of(";", "\t", "|", ",")) {
            Path csv = file("a.csv", "\"a;,|\tb\"%1$slabel\nx%1$s\"0,5\"\n".formatted(mark));
            assertThat(all(Rows.of(csv.toString()))).extracting(Row::values)
                    .containsExactly(Map.of("a;,|\tb", "x", "label", "0,5"));
        }
        Path one = file("one.csv", "text\na;b\n");
        assertThat(all(Rows.of(one.toString()))).extracting(row -> row.text("text")).containsExactly("a;b");
        Path told = file("told.txt", "a#b\n1#2\n");
        assertThat(all(Rows.of(List.of(told.toString()), Format.told(told, "csv", "#", List.of())))).extracting(
                row -> row.text("b")).containsExactly("2");
        assertThat(all(Rows.of(List.of(one.toString()), Format.told(one, null, ",", List.of("x"))))).hasSize(2);
        assertThatThrownBy(() -> Format.told(one, null, "ab", List.of())).hasMessageContaining("one character");
        assertThatThrownBy(() -> Format.told(one, "jsonl", ";", List.of()))
                .hasMessageContaining("csv and tsv files alone");
    }

    @Test
    void a_row_that_is_not_as_the_others_can_be_left_out() throws IOException {
        Path csv = file("a.csv", "text,label\na,1\nb\nc,\nd,2,3\ne,4\n");
        var refused = new ArrayList<String>();
        Rows rows = Rows.of(csv.toString()).passing(row -> row.label("label"), why -> refused.add(why.getMessage()));

        assertThat(all(rows)).extracting(row -> row.text("text")).containsExactly("a", "e");
        assertThat(refused).hasSize(3).anyMatch(why -> why.startsWith(csv + ", line 3: 1 values"))
                .anyMatch(why -> why.startsWith(csv + ", line 4: column \"label\" needs a label"))
                .anyMatch(why -> why.startsWith(csv + ", line 5: 3 values"));
        assertThatThrownBy(() -> all(Rows.of(csv.toString()).passing(row -> {}, why -> {
            throw why;
        }))).hasMessageContaining("line 3");
    }

    @Test
    void a_label_is_the_same_number_however_it_is_written() {
        assertThat(Labels.of(Rows.of("rows", List.of(RowEncoderTest.row("label", "1.0"),
                RowEncoderTest.row("label", "1"), RowEncoderTest.row("label", 1), RowEncoderTest.row("label", "0.50"),
                RowEncoderTest.row("label", "-2.00"))), "label").names()).containsExactlyInAnyOrder("1", "0.50", "-2");
    }

    @Test
    void comments_between_sentences_are_no_words_and_a_number_sign_is_one() throws IOException {
        Path conll = file("a.conll", """
                # id 6f1 domain=en
                # newdoc
                Rome _ _ B-LOC
                # _ _ O
                1 _ _ O

                # id 6f2\tdomain=en

                # _ _ O
                # tag = x

                #sent_id=3
                #1 _ _ B-X
                """);
        Path pairs = file("b.conll", "# text = It is 1 O\n# \nIt\tO\n#\tB-X\n#\tpunct\n\n#\tO\n");

        assertThat(all(Rows.of(conll.toString()))).extracting(row -> row.texts("tokens")).containsExactly(
                List.of("Rome", "#", "1"), List.of("#"), List.of("#1"));
        assertThat(all(Rows.of(conll.toString()))).extracting(row -> row.texts("tags")).containsExactly(
                List.of("B-LOC", "O", "O"), List.of("O"), List.of("B-X"));
        assertThat(all(Rows.of(pairs.toString()))).extracting(row -> row.texts("tokens"))
                .containsExactly(List.of("It", "#", "#"), List.of("#"));
    }

    @Test
    void json_lines_keep_lists_and_maps_and_what_is_packed_is_unpacked() throws IOException {
        Path path = folder.resolve("a.jsonl.gz");
        try (OutputStream out = new GZIPOutputStream(Files.newOutputStream(path))) {
            out.write("{\"tokens\":[\"a\",\"b\"],\"score\":0.5}\n{\"tokens\":[],\"score\":2}\n".getBytes(
                    StandardCharsets.UTF_8));
        }

        List<Row> rows = all(Rows.of(path.toString()));

        assertThat(rows).extracting(row -> row.texts("tokens")).containsExactly(List.of("a", "b"), List.of());
        assertThat(rows).extracting(row -> row.number("score")).containsExactly(0.5, 2.0);
        assertThat(rows.get(1).place()).isEqualTo(path + ", line 2");
    }

    @Test
    void a_json_file_is_a_list_an_object_around_one_or_objects_in_a_row() throws IOException {
        assertThat(numbers(Rows.of(file("a.json", "[{\"n\":1},\n{\"n\":2}]").toString()))).containsExactly(1L, 2L);
        assertThat(numbers(Rows.of(file("b.json",
                "{\"version\":[1,{\"x\":2}],\"data\":[{\"n\":1},{\"n\":2}],\"more\":{\"n\":[9]}}").toString())))
                .containsExactly(1L, 2L);
        assertThat(numbers(Rows.of(file("c.json", "{\"n\":1}\n{\"n\":2}").toString()))).containsExactly(1L, 2L);
    }

    @Test
    void broken_json_is_told_with_its_line() throws IOException {
        Path path = file("a.jsonl", "{\"n\":1}\n{\"n\":\n");
        assertThatThrownBy(() -> all(Rows.of(path.toString()))).isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith(path + ", line 3: is not JSON: ");
        Path list = file("b.jsonl", "[1]");
        assertThatThrownBy(() -> all(Rows.of(list.toString())))
                .hasMessage(list + ", line 1: an object is needed, found START_ARRAY");
    }

    @Test
    void squad_comes_apart_into_questions() throws IOException {
        Path path = file("squad.json", """
                {"version": "2.0", "data": [{"title": "T", "paragraphs": [{"context": "A river.", "qas": [
                  {"id": "1", "question": "What?", "answers": [{"text": "river", "answer_start": 2}],
                   "is_impossible": false},
                  {"id": "2", "question": "Who?", "answers": [], "is_impossible": true}]}]}]}
                """);

        List<Row> rows = all(Rows.of(path.toString()));

        assertThat(rows).extracting(row -> row.text("id")).containsExactly("1", "2");
        assertThat(rows.get(0).answers("answers")).isEqualTo(new Row.Answers(List.of("river"), List.of(2L)));
        assertThat(rows.get(1).answers("answers").texts()).isEmpty();
        assertThat(rows.get(1).value("is_impossible")).isEqualTo(true);
        assertThat(rows.get(1).place()).isEqualTo(path + ", article \"T\", question 2");
    }

    @Test
    void sentences_end_at_blank_lines_and_tags_stay_as_they_are() throws IOException {
        Path path = file("a.conll", "-DOCSTART- -X- O O\n\nEU NNP I-NP B-ORG\nrejects VBZ I-VP O\n\t\n\n#tag . O E-X");

        List<Row> rows = all(Rows.of(path.toString()));

        assertThat(rows).extracting(row -> row.texts("tokens")).containsExactly(List.of("EU", "rejects"),
                List.of("#tag"));
        assertThat(rows).extracting(row -> row.labels("tags")).containsExactly(List.of("B-ORG", "O"), List.of("E-X"));
        assertThat(rows).extracting(Row::place).containsExactly(path + ", line 3", path + ", line 7");
    }

    @Test
    void parallel_texts_of_different_lengths_are_told() throws IOException {
        Path english = file("a.en", "one\ntwo\n\n");
        Path german = file("a.de", "eins\nzwei\n");
        Format lines = Format.named("text");
        Rows pairs = Rows.parallel("en", Rows.of(List.of(english.toString()), lines), "de",
                Rows.of(List.of(german.toString()), lines));

        assertThat(Rows.parallel("en", Rows.of(List.of(english.toString()), lines), "de",
                Rows.of(List.of(english.toString()), lines)).columns()).containsExactly("en", "de");
        assertThatThrownBy(() -> all(pairs))
                .hasMessage("%s and %s: they should have as many lines; %s ends after 2, the other goes on".formatted(
                        english, german, german));
    }

    @Test
    void duckdb_reads_parquet_and_any_query() throws SQLException {
        Path parquet = folder.resolve("part-1.parquet");
        try (var connection = DriverManager.getConnection("jdbc:duckdb:"); var copy = connection.createStatement()) {
            copy.execute("copy (select 'a' as sentence, 1 as label, [1.5::float, null] as scores, "
                    + "{'text': ['x'], 'answer_start': [3]} as answers union all select null, 2, [], null) to '%s'"
                            .formatted(parquet));
        }

        List<Row> rows = all(Rows.of(folder + "/part-*.parquet"));

        assertThat(rows).hasSize(2);
        assertThat(rows.getFirst().text("sentence")).isEqualTo("a");
        assertThat(rows.getFirst().label("label")).isEqualTo("1");
        assertThat(rows.getFirst().value("scores")).isEqualTo(Arrays.asList(1.5, null));
        assertThat(rows.getFirst().answers("answers")).isEqualTo(new Row.Answers(List.of("x"), List.of(3L)));
        assertThatThrownBy(() -> rows.get(1).text("sentence"))
                .hasMessage(parquet + ", row 2: column \"sentence\" needs a text, found nothing");
        Rows query = Rows.of("select label * 2 as double from '%s/part-*.parquet' order by label".formatted(folder));
        assertThat(all(query)).extracting(row -> row.whole("double")).containsExactly(2L, 4L);
        assertThatThrownBy(() -> all(Rows.sql("select x from '%s'".formatted(parquet))))
                .isInstanceOf(IllegalArgumentException.class).hasMessageContaining("DuckDB says: ")
                .hasMessageContaining("\"x\"");
    }

    @Test
    void what_a_query_gives_is_read_as_it_is_made() {
        try (Rows.Cursor rows = Rows.sql("select n from range(100000000000) t(n)").open()) {
            assertThat(rows.next().whole("n")).isZero();
            assertThat(rows.next().whole("n")).isEqualTo(1);
        }
    }

    @Test
    void columns_are_mapped_and_one_that_is_not_there_is_told_with_those_that_are() throws IOException {
        Rows rows = Rows.of(file("a.jsonl", "{\"s\":\"x\",\"l\":1,\"id\":7}\n{\"s\":\"y\",\"id\":8}\n").toString());

        List<Row> named = all(rows.named(Map.of("sentence", "s", "label", "l")));

        assertThat(named.getFirst().columns()).containsExactlyInAnyOrder("sentence", "label", "id");
        assertThat(named.getFirst().text("sentence")).isEqualTo("x");
        assertThatThrownBy(() -> named.get(1).label("label"))
                .hasMessage(folder.resolve("a.jsonl") + ", line 2: column \"label\" needs a text, found nothing");
        assertThatThrownBy(() -> rows.named(Map.of("label", "klass")))
                .hasMessage(folder.resolve("a.jsonl") + ": there is no column \"klass\"; the columns are s, l, id");
        assertThatThrownBy(() -> all(rows).getFirst().text("text"))
                .hasMessage(folder.resolve("a.jsonl")
                        + ", line 1: there is no column \"text\"; the columns are s, l, id");
    }

    @Test
    void a_nan_in_the_data_is_told_with_its_row() throws IOException {
        Rows rows = Rows.of(file("a.jsonl", "{\"y\":1.5}\n{\"y\":NaN}\n{\"y\":\"2,5\"}\n").toString());

        assertThat(all(rows).getFirst().number("y")).isEqualTo(1.5);
        assertThatThrownBy(() -> all(rows).get(1).number("y"))
                .hasMessage(folder.resolve("a.jsonl") + ", line 2: column \"y\" needs a number, found NaN");
        assertThatThrownBy(() -> all(rows).get(2).number("y"))
                .hasMessage(folder.resolve("a.jsonl") + ", line 3: column \"y\" needs a number, found \"2,5\"");
    }

    @Property(tries = 60)
    void a_shuffled_stream_has_every_row_once_and_resumes_anywhere(@ForAll @IntRange(min = 1, max = 80) int count,
            @ForAll @IntRange(min = 1, max = 100) int buffer, @ForAll long seed,
            @ForAll @IntRange(max = 80) int taken) {
        Rows shuffled = numbered(count).shuffled(seed, buffer);

        List<Long> order = numbers(shuffled);

        assertThat(order).containsExactlyInAnyOrderElementsOf(LongStream.range(0, count).boxed().toList());
        assertThat(numbers(numbered(count).shuffled(seed, buffer))).isEqualTo(order);
        assertThat(numbers(shuffled.skip(taken))).isEqualTo(order.subList(Math.min(taken, count), count));
    }

    @Test
    void a_shuffle_buffer_as_large_as_the_data_gives_every_order() {
        var orders = new HashSet<List<Long>>();
        for (long seed = 0; seed < 200; seed++) {
            orders.add(numbers(numbered(3).shuffled(seed, 3)));
        }
        assertThat(orders).hasSize(6);
    }

    @Test
    void a_split_holds_every_row_on_one_side_whatever_the_order() {
        Rows.Split split = numbered(2000).split(0.1, 5);

        Set<Long> held = new HashSet<>(numbers(split.validation()));

        assertThat(held.size() / 2000.0).isCloseTo(0.1, within(0.03));
        assertThat(numbers(split.training())).hasSize(2000 - held.size()).doesNotContainAnyElementsOf(held);
        assertThat(new HashSet<>(numbers(numbered(2000).shuffled(1, 500).split(0.1, 5).validation()))).isEqualTo(held);
        assertThat(new HashSet<>(numbers(numbered(2000).split(0.1, 6).validation()))).isNotEqualTo(held);
    }

    @Test
    void rows_are_changed_on_their_way() {
        Rows doubled = numbered(3).mapped(row -> new Row(Map.of("n", 2 * row.whole("n")), row.place()));

        assertThat(numbers(doubled.where(row -> row.whole("n") > 0))).containsExactly(2L, 4L);
    }

    @Test
    void examples_that_stand_in_two_splits_are_counted() {
        Rows training = numbered(50);
        Rows test = numbered(60).skip(45);

        assertThat(test.alsoIn(training, Set.of("n"))).isEqualTo(5);
        assertThat(training.skip(10).alsoIn(test.skip(10), Set.of("n"))).isZero();
    }

    @Test
    void the_fingerprint_is_that_of_the_content() throws IOException {
        String csv = Rows.of(file("a.csv", "a,b\n1,2\n").toString()).fingerprint();

        assertThat(Rows.of(file("b.tsv", "a\tb\n1\t2\n").toString()).fingerprint()).isEqualTo(csv).hasSize(64);
        assertThat(Rows.of(file("c.csv", "a,b\n12,\n").toString()).fingerprint()).isNotEqualTo(csv);
        assertThat(Rows.of(file("d.csv", "b,a\n1,2\n").toString()).fingerprint()).isNotEqualTo(csv);
        assertThat(Rows.of(file("e.csv", "b,a\n2,1\n").toString()).fingerprint()).isEqualTo(csv);
        assertThat(Rows.of(file("a.jsonl", "{\"x\":[\"a, b\"]}").toString()).fingerprint())
                .isNotEqualTo(Rows.of(file("b.jsonl", "{\"x\":[\"a\",\"b\"]}").toString()).fingerprint());
    }

    @Test
    void a_file_of_unknown_kind_is_told() throws IOException {
        Path path = file("a.dat", "x");
        assertThatThrownBy(() -> Rows.of(path.toString())).hasMessage(
                path + ": its name does not say what it holds; say which of txt, csv, tsv, jsonl, json, conll and "
                        + "parquet it is");
        assertThatThrownBy(() -> Rows.of(folder + "/none.csv")).hasMessage(
                folder + "/none.csv: there is no such file or folder");
        Path empty = file("empty.csv", "");
        assertThatThrownBy(() -> Rows.of(empty.toString()).columns()).hasMessage(empty + ": holds no rows");
    }
}
