package dev.weft.data;

import static dev.weft.data.RowEncoderTest.LETTERS;
import static dev.weft.data.RowEncoderTest.row;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.weft.data.Example.Feature;
import dev.weft.tensor.DType;
import dev.weft.tensor.Tensor;
import dev.weft.tensor.TensorScope;
import dev.weft.text.Truncation;
import dev.weft.text.Truncation.Side;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// From encoded examples to batches.
class ExamplesTest {
    @TempDir
    Path folder;

    private static Example example(int... ids) {
        return new Example(Map.of("input_ids", new Feature.Sequence(ids)));
    }

    private static Rows rows(int count) {
        return Rows.of("rows",
                IntStream.range(0, count).mapToObj(i -> row("text", "ab ".repeat(i % 7), "label", i % 3)).toList());
    }

    private static RowEncoder encoder(int most) {
        return new RowEncoder.Texts(LETTERS, Truncation.to(most),
                new RowEncoder.Target.OneOf(Labels.of(List.of("0", "1", "2"))));
    }

    private ExampleFile file(Rows rows, RowEncoder encoder) {
        return ExampleFile.of(rows, encoder, folder, done -> {});
    }

    private static String shown(Example example) {
        var shown = new StringBuilder();
        example.features().forEach((name, feature) -> shown.append(name).append(switch (feature) {
            case Feature.Sequence(int[] values) -> Arrays.toString(values);
            case Feature.Choices(int[][] values) -> Arrays.deepToString(values);
            case Feature.Array(float[] values, int[] shape) -> Arrays.toString(values) + Arrays.toString(shape);
            case Feature.Whole whole -> whole.toString();
            case Feature.Number number -> number.toString();
        }));
        return shown.toString();
    }

    @Test
    void rows_are_encoded_once_and_found_again_by_their_content() throws IOException {
        List<String> expected = RowsTest.all(rows(500)).stream().flatMap(row -> encoder(9).encode(row).stream())
                .map(ExamplesTest::shown).toList();
        try (var made = file(rows(500), encoder(9))) {
            var time = Files.getLastModifiedTime(made.path());
            assertThat(IntStream.range(0, made.count()).mapToObj(made::read).map(ExamplesTest::shown))
                    .isEqualTo(expected);
            assertThat(made.lengths()).containsExactly(
                    IntStream.range(0, 500).map(i -> made.read(i).length()).toArray());
            try (var again = file(rows(500), encoder(9));
                    var others = file(rows(501), encoder(9));
                    var shorter = file(rows(500), encoder(8))) {
                assertThat(again.path()).isEqualTo(made.path());
                assertThat(Files.getLastModifiedTime(again.path())).isEqualTo(time);
                assertThat(others.path()).isNotEqualTo(made.path());
                assertThat(shorter.path()).isNotEqualTo(made.path());
            }
        }
    }

    @Test
    void every_kind_of_feature_is_read_as_it_was_written() {
        Example example = example(1, 2).with("a", new Feature.Choices(new int[][]{{1}, {}, {2, 3}})).with("b", -7)
                .with("c", new Feature.Number(0.1f)).with("d", Feature.Array.of(1, -0.5f))
                .with("e", new Feature.Array(new float[]{1, 2, 3, 4, 5, 6}, 1, 3, 2));
        RowEncoder always = new RowEncoder() {
            @Override
            public List<Example> encode(Row row) {
                return List.of(example);
            }

            @Override
            public String settings() {
                return "always";
            }
        };
        try (var file = file(rows(1), always)) {
            assertThat(shown(file.read(0))).isEqualTo(shown(example));
        }
    }

    @Test
    void a_file_that_is_cut_off_is_made_anew_and_an_error_leaves_nothing() throws IOException {
        Path path;
        try (var made = file(rows(50), encoder(9))) {
            path = made.path();
        }
        try (var channel = java.nio.channels.FileChannel.open(path, StandardOpenOption.WRITE)) {
            channel.truncate(channel.size() - 5);
        }
        assertThatThrownBy(() -> ExampleFile.open(path)).hasMessage(path + ": is cut off or broken");
        try (var again = file(rows(50), encoder(9))) {
            assertThat(again.count()).isEqualTo(50);
        }
        Rows bad = Rows.of("rows", List.of(row("text", "a", "label", 1), row("text", "a", "label", 7)));
        assertThatThrownBy(() -> file(bad, encoder(9)))
                .hasMessage("row 1: the label \"7\" is not one of those in training: 0, 1, 2");
        assertThatThrownBy(() -> file(rows(0), encoder(9))).hasMessage("rows: there are no examples in it");
        try (var files = Files.list(folder)) {
            assertThat(files).containsExactly(path);
        }
    }

    private static int[] lengths(int count, long seed) {
        return new Random(seed).ints(count, 1, 40).toArray();
    }

    @Property(tries = 60)
    void each_example_comes_once_in_an_epoch_and_no_batch_is_over_the_budget(
            @ForAll @IntRange(min = 1, max = 400) int count, @ForAll @IntRange(min = 40, max = 300) int tokens,
            @ForAll @IntRange(min = 1, max = 30) int rows, @ForAll long seed) {
        int[] lengths = lengths(count, seed);
        var batches = new LengthBatches(lengths, tokens, rows, seed);
        List<int[]> epoch = batches.epoch(3);

        assertThat(epoch.stream().flatMapToInt(Arrays::stream).sorted().toArray())
                .containsExactly(IntStream.range(0, count).toArray());
        assertThat(epoch).allSatisfy(batch -> {
            assertThat(batch.length).isBetween(1, rows);
            assertThat(batch.length * Arrays.stream(batch).map(i -> lengths[i]).max().orElseThrow())
                    .isLessThanOrEqualTo(tokens);
        });
    }

    @Property(tries = 30)
    void a_run_that_resumes_goes_on_with_the_same_batches(@ForAll @IntRange(min = 1, max = 60) int count,
            @ForAll @IntRange(max = 80) int step, @ForAll long seed) {
        var running = new LengthBatches(lengths(count, seed), 80, 4, seed);
        var epochs = new ArrayList<int[]>();
        for (int epoch = 0; epochs.size() <= step + 3; epoch++) {
            epochs.addAll(running.epoch(epoch));
        }
        var resumed = new LengthBatches(lengths(count, seed), 80, 4, seed);
        for (int next = step; next < step + 3; next++) {
            assertThat(resumed.at(next)).containsExactly(epochs.get(next));
        }
        assertThat(resumed.at(0)).containsExactly(epochs.get(0));
    }

    @Test
    void batches_hold_examples_of_about_one_length_in_another_order_each_epoch() {
        int[] lengths = lengths(5000, 1);
        var batches = new LengthBatches(lengths, 640, 64, 1);

        long padded = batches.epoch(0).stream()
                .mapToLong(batch -> (long) batch.length * Arrays.stream(batch).map(i -> lengths[i]).max().orElseThrow())
                .sum();

        assertThat((double) padded / Arrays.stream(lengths).sum()).isLessThan(1.05);
        assertThat(batches.epoch(1).getFirst()).isNotEqualTo(batches.epoch(0).getFirst());
        assertThatThrownBy(() -> new LengthBatches(new int[]{3, 90}, 80, 4, 1)).hasMessage(
                "Example 1 has 90 tokens, a batch has room for 80; cut it or make batches larger");
    }

    @Test
    void shorter_examples_are_filled_up_at_either_end_and_the_mask_says_where() {
        Collator right = Collator.of(LETTERS);
        int pad = LETTERS.id("[PAD]").orElseThrow();
        List<Example> examples = List.of(example(5, 6, 7).with("labels", new int[]{1, 2, 3}),
                example(8).with("labels", new int[]{4}));
        try (var scope = TensorScope.open()) {
            Map<String, Tensor> batch = right.collate(examples);
            assertThat(batch.keySet()).containsExactly("attention_mask", "input_ids", "labels");
            assertThat(batch.get("input_ids").toLongs()).containsExactly(5, 6, 7, 8, pad, pad);
            assertThat(batch.get("attention_mask").toLongs()).containsExactly(1, 1, 1, 1, 0, 0);
            assertThat(batch.get("labels").toLongs()).containsExactly(1, 2, 3, 4, -100, -100);
            Map<String, Tensor> left = right.at(Side.LEFT).multipleOf(4).collate(examples);
            assertThat(left.get("input_ids").toLongs()).containsExactly(pad, 5, 6, 7, pad, pad, pad, 8);
            assertThat(left.get("attention_mask").toLongs()).containsExactly(0, 1, 1, 1, 0, 0, 0, 1);
            assertThat(left.get("labels").toLongs()).containsExactly(-100, 1, 2, 3, -100, -100, -100, 4);
        }
    }

    @Test
    void places_move_with_padding_at_the_left_and_a_decoder_is_filled_at_the_right() {
        Collator left = new Collator(0, Side.LEFT, 1);
        try (var scope = TensorScope.open()) {
            Map<String, Tensor> answers = left.collate(List.of(example(5, 6, 7).with("start_positions", 1),
                    example(8, 9).with("start_positions", 1)));
            assertThat(answers.get("start_positions").toLongs()).containsExactly(1, 2);
            Map<String, Tensor> pairs = left.collate(List.of(
                    example(5).with("labels", new int[]{1, 2}).with("decoder_input_ids", new int[]{3, 1}),
                    example(6, 7).with("labels", new int[]{4}).with("decoder_input_ids", new int[]{3})));
            assertThat(pairs.get("input_ids").toLongs()).containsExactly(0, 5, 6, 7);
            assertThat(pairs.get("labels").toLongs()).containsExactly(1, 2, 4, -100);
            assertThat(pairs.get("decoder_input_ids").toLongs()).containsExactly(3, 1, 3, 0);
        }
    }

    @Test
    void choices_numbers_and_classes_have_their_shapes() {
        Example first = new Example(Map.of("input_ids", new Feature.Choices(new int[][]{{1, 2}, {3}}))).with("labels",
                1);
        Example second = new Example(Map.of("input_ids", new Feature.Choices(new int[][]{{4}, {5, 6, 7}})))
                .with("labels", 0);
        Collator collator = new Collator(0, Side.RIGHT, 1);
        try (var scope = TensorScope.open()) {
            Map<String, Tensor> batch = collator.collate(List.of(first, second));
            assertThat(batch.get("input_ids").shape()).containsExactly(2, 2, 3);
            assertThat(batch.get("input_ids").toLongs()).containsExactly(1, 2, 0, 3, 0, 0, 4, 0, 0, 5, 6, 7);
            assertThat(batch.get("attention_mask").toLongs()).containsExactly(1, 1, 0, 1, 0, 0, 1, 0, 0, 1, 1, 1);
            assertThat(batch.get("labels").toLongs()).containsExactly(1, 0);
            Map<String, Tensor> numbers = collator.collate(List.of(
                    example(1).with("labels", Feature.Array.of(1, 0)).with("y", new Feature.Number(2)),
                    example(2).with("labels", Feature.Array.of(0, 1)).with("y",
                            new Feature.Number(3))));
            assertThat(numbers.get("labels").shape()).containsExactly(2, 2);
            assertThat(numbers.get("labels").dtype()).isEqualTo(DType.FLOAT32);
            assertThat(numbers.get("y").toFloats()).containsExactly(2, 3);
            assertThatThrownBy(() -> collator.collate(List.of(first, example(1).with("labels", 0))))
                    .hasMessage("the \"input_ids\" of a batch are not all of one kind");
            assertThatThrownBy(() -> collator.collate(List.of(example(1).with("labels", 0), example(1)))).hasMessage(
                    "an example of the batch has no \"labels\", which others have; it has [input_ids]");
        }
    }

    @Test
    void arrays_are_filled_up_along_the_axis_that_a_mask_tells_of_and_refused_without_one() {
        Example two = new Example(Map.of("inputs_embeds", new Feature.Array(new float[]{1, 2, 3, 4}, 2, 2)));
        Example one = new Example(Map.of("inputs_embeds", new Feature.Array(new float[]{5, 6}, 1, 2)));
        Example tall = new Example(Map.of("pixel_values", new Feature.Array(new float[]{1, 2}, 1, 2, 1)));
        Example wide = new Example(Map.of("pixel_values", new Feature.Array(new float[]{3, 4, 5}, 1, 1, 3)));
        assertThat(two.length()).isEqualTo(2);
        assertThat(two.with("labels", Feature.Array.of(1, 0, 1)).length()).isEqualTo(2);
        try (var scope = TensorScope.open()) {
            Map<String, Tensor> right = new Collator(0, Side.RIGHT, 1).collate(List.of(two, one));
            assertThat(right.get("inputs_embeds").shape()).containsExactly(2, 2, 2);
            assertThat(right.get("inputs_embeds").toFloats()).containsExactly(1, 2, 3, 4, 5, 6, 0, 0);
            assertThat(right.get("attention_mask").toLongs()).containsExactly(1, 1, 1, 0);
            Map<String, Tensor> left = new Collator(0, Side.LEFT, 4).collate(List.of(two, one));
            assertThat(left.get("inputs_embeds").toFloats()).containsExactly(0, 0, 0, 0, 1, 2, 3, 4, 0, 0, 0, 0, 0, 0,
                    5, 6);
            assertThat(left.get("attention_mask").toLongs()).containsExactly(0, 0, 1, 1, 0, 0, 0, 1);

            Collator collator = new Collator(0, Side.RIGHT, 1);
            assertThatThrownBy(() -> collator.collate(List.of(tall, wide)))
                    .hasMessage("the \"pixel_values\" of a batch have different sizes, and no mask says so");
            Map<String, Tensor> masked = collator.collate(List.of(
                    tall.with("pixel_mask", new Feature.Array(new float[]{1, 1}, 2, 1)),
                    wide.with("pixel_mask", new Feature.Array(new float[]{1, 1, 1}, 1, 3))));
            assertThat(masked.get("pixel_values").shape()).containsExactly(2, 1, 2, 3);
            assertThat(masked.get("pixel_values").toFloats()).containsExactly(1, 0, 0, 2, 0, 0, 3, 4, 5, 0, 0, 0);
            assertThat(masked.get("pixel_mask").toFloats()).containsExactly(1, 0, 0, 1, 0, 0, 1, 1, 1, 0, 0, 0);
            assertThatThrownBy(() -> collator.collate(List.of(example(1).with("labels", Feature.Array.of(1, 0)),
                    example(1).with("labels", Feature.Array.of(1))))).hasMessageContaining("have different sizes");
        }
        assertThatThrownBy(() -> new Feature.Array(new float[3], 2, 2)).hasMessage(
                "3 numbers do not fill the shape [2, 2]");
    }

    @Test
    void batches_leave_no_tensors_behind() {
        Collator collator = new Collator(0, Side.RIGHT, 1);
        var packing = new Packing(8, 0, true);
        long before = TensorScope.liveTensors();
        for (int i = 0; i < 50; i++) {
            try (var scope = TensorScope.open()) {
                collator.collate(List.of(example(1, 2), example(3)));
                packing.collate(List.of(List.of(example(1, 2), example(3))));
            }
        }
        assertThat(TensorScope.liveTensors()).isLessThanOrEqualTo(before);
    }

    @Property(tries = 60)
    void every_example_is_packed_once_and_rows_are_full(@ForAll @IntRange(min = 1, max = 300) int count,
            @ForAll long seed) {
        int[] lengths = lengths(count, seed);
        var packing = new Packing(128, 0, true);
        List<int[]> rows = packing.rows(lengths, seed, 2);

        assertThat(rows.stream().flatMapToInt(Arrays::stream).sorted().toArray())
                .containsExactly(IntStream.range(0, count).toArray());
        assertThat(rows).allSatisfy(
                row -> assertThat(Arrays.stream(row).map(i -> lengths[i]).sum()).isLessThanOrEqualTo(128));
        assertThat(rows.size()).isLessThanOrEqualTo(1 + Arrays.stream(lengths).sum() * 4 / (3 * 128));
        assertThat(packing.rows(lengths, seed, 2)).usingRecursiveComparison().isEqualTo(rows);
    }

    @Test
    void a_packed_example_begins_at_position_0_and_sees_only_itself() {
        var packing = new Packing(4, 9, true);
        Example first = example(1, 2).with("labels", new int[]{1, 2});
        Example second = example(3).with("labels", new int[]{3});
        try (var scope = TensorScope.open()) {
            Map<String, Tensor> batch = packing
                    .collate(List.of(List.of(first, second), List.of(second, first, second)));
            assertThat(batch.get("input_ids").toLongs()).containsExactly(1, 2, 3, 9, 3, 1, 2, 3);
            assertThat(batch.get("position_ids").toLongs()).containsExactly(0, 1, 0, 0, 0, 0, 1, 0);
            assertThat(batch.get("labels").toLongs()).containsExactly(-100, 2, -100, -100, -100, -100, 2, -100);
            assertThat(batch.get("attention_mask").shape()).containsExactly(2, 1, 4, 4);
            assertThat(batch.get("attention_mask").select(0, 0).to(DType.INT64).toLongs()).containsExactly(1, 1, 0, 0,
                    1,
                    1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1);
            assertThat(new Packing(4, 9, false).collate(List.of(List.of(first, second))).get("labels").toLongs())
                    .containsExactly(1, 2, 3);
        }
        assertThatThrownBy(() -> packing.rows(new int[]{5}, 1, 0))
                .hasMessage("Example 0 has 5 tokens, a row has room for 4; cut it or make rows longer");
    }
}
