package dev.weft.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.weft.data.Example.Feature;
import dev.weft.text.Encoding;
import dev.weft.text.Tokenizer;
import dev.weft.text.Truncation;
import dev.weft.text.WordPieceTrainer;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

class RowEncoderTest {
    /// Letters, alone or inside words, and the special tokens of BERT.
    static final Tokenizer LETTERS = WordPieceTrainer.ofVocabSize(200).withMinFrequency(1000)
            .train(List.of("abcdefghijklmnopqrstuvwxyz 😀 .?", "a b c d e f g h i j k l m n o p q r s t u v w x y z"));
    private static final Truncation LONG = Truncation.to(100);

    static Row row(Object... namesAndValues) {
        var values = new TreeMap<String, Object>();
        for (int i = 0; i < namesAndValues.length; i += 2) {
            values.put((String) namesAndValues[i], namesAndValues[i + 1]);
        }
        return new Row(values, "row 1");
    }

    private static Example one(RowEncoder encoder, Row row) {
        List<Example> examples = encoder.encode(row);
        assertThat(examples).hasSize(1);
        return examples.getFirst();
    }

    private static int[] ids(String... tokens) {
        return Arrays.stream(tokens).mapToInt(token -> LETTERS.id(token).orElseThrow()).toArray();
    }

    @Test
    void labels_are_sorted_numbers_by_their_value() {
        Rows rows = Rows.of("rows", List.of(row("label", 10), row("label", "9"), row("label", 2.0), row("label", 9L)));

        assertThat(Labels.of(rows, "label").names()).containsExactly("2", "9", "10");
        assertThat(Labels.of(Rows.of("tags", List.of(row("tags", List.of("O", "B-x")), row("tags", List.of("I-x")))),
                "tags").names()).containsExactly("B-x", "I-x", "O");
        assertThatThrownBy(() -> Labels.of(Rows.of("rows", List.of(row("label", " "))), "label"))
                .hasMessage("row 1: column \"label\" needs a label, found \" \"");
    }

    @Test
    void a_label_unseen_in_training_is_told_with_its_row() {
        var target = new RowEncoder.Target.OneOf(Labels.of(List.of("bad", "good")));
        var encoder = new RowEncoder.Texts(LETTERS, LONG, target);

        assertThat(one(encoder, row("text", "ab", "label", "good")).features().get("labels"))
                .isEqualTo(new Feature.Whole(1));
        assertThatThrownBy(() -> encoder.encode(row("text", "ab", "label", "fair")))
                .hasMessage("row 1: the label \"fair\" is not one of those in training: bad, good");
    }

    @Test
    void a_text_or_a_pair_gets_a_class_several_or_a_number() {
        Labels labels = Labels.of(List.of("x", "y", "z"));
        Example several = one(new RowEncoder.Texts(LETTERS, LONG, new RowEncoder.Target.AnyOf(labels)),
                row("text", "ab", "labels", List.of("z", "x")));
        Example number = one(new RowEncoder.Texts(LETTERS, LONG, new RowEncoder.Target.Number()),
                row("text", "a", "text_pair", "b", "label", "2.5"));

        assertThat(several.sequence("input_ids")).isEqualTo(ids("[CLS]", "a", "##b", "[SEP]"));
        assertThat(((Feature.Array) several.features().get("labels")).values()).containsExactly(1, 0, 1);
        assertThat(number.sequence("input_ids")).isEqualTo(ids("[CLS]", "a", "[SEP]", "b", "[SEP]"));
        assertThat(number.sequence("token_type_ids")).containsExactly(0, 0, 0, 1, 1);
        assertThat(number.features().get("labels")).isEqualTo(new Feature.Number(2.5f));
    }

    @Test
    void tags_are_aligned_to_pieces_by_words() {
        Labels labels = Labels.of(List.of("B-x", "I-x", "O"));
        Row row = row("tokens", List.of("ab", "c", "def"), "tags", List.of("B-x", "O", "I-x"));

        assertThat(one(new RowEncoder.Words(LETTERS, LONG, labels, RowEncoder.Pieces.FIRST), row).sequence("labels"))
                .containsExactly(-100, 0, -100, 2, 1, -100, -100, -100);
        assertThat(one(new RowEncoder.Words(LETTERS, LONG, labels, RowEncoder.Pieces.ALL), row).sequence("labels"))
                .containsExactly(-100, 0, 1, 2, 1, 1, 1, -100);
        assertThat(one(new RowEncoder.Words(LETTERS, Truncation.to(4), labels, RowEncoder.Pieces.FIRST), row)
                .sequence("labels")).containsExactly(-100, 0, -100, -100);
        assertThatThrownBy(() -> new RowEncoder.Words(LETTERS, LONG, labels, RowEncoder.Pieces.FIRST)
                .encode(row("tokens", List.of("a"), "tags", List.of("O", "O"))))
                .hasMessage("row 1: 1 tokens, but 2 tags");
    }

    @Test
    void an_answer_has_its_place_in_the_windows_that_hold_it_whole() {
        // The 😀 is one character to Python and two to Java.
        String context = "😀 a b c d e f g h";
        var encoder = new RowEncoder.Questions(LETTERS, Truncation.windows(9, 2));

        List<Example> windows = encoder.encode(row("question", "  q?", "context", context, "answers",
                Map.of("text", List.of("d e"), "answer_start", List.of(8))));

        // [CLS] q ? [SEP], four of the context (two shared with the window before), [SEP]
        assertThat(windows).hasSize(4);
        assertThat(windows.get(1).sequence("input_ids"))
                .isEqualTo(ids("[CLS]", "q", "?", "[SEP]", "b", "c", "d", "e", "[SEP]"));
        assertThat(windows).extracting(each -> each.features().get("start_positions")).containsExactly(
                new Feature.Whole(0), new Feature.Whole(6), new Feature.Whole(4), new Feature.Whole(0));
        assertThat(windows).extracting(each -> each.features().get("end_positions")).containsExactly(
                new Feature.Whole(0), new Feature.Whole(7), new Feature.Whole(5), new Feature.Whole(0));
        assertThat(encoder.encode(row("question", "q?", "context", "a", "answers",
                Map.of("text", List.of(), "answer_start", List.of()))).getFirst().features().get("start_positions"))
                .isEqualTo(new Feature.Whole(0));
        assertThatThrownBy(() -> encoder.encode(row("question", "q?", "context", context, "answers",
                Map.of("text", List.of("d e"), "answer_start", List.of(9)))))
                .hasMessage("row 1: the answer \"d e\" does not stand at character 9 of the context");
        assertThatThrownBy(() -> encoder.encode(row("question", "q?", "context", context, "answers", "d e")))
                .hasMessage("row 1: column \"answers\" needs answers: a map with the lists \"text\" and "
                        + "\"answer_start\", found \"d e\"");
    }

    @Test
    void a_decoder_is_given_what_it_is_to_say_one_place_on() {
        Example example = one(new RowEncoder.Pairs(LETTERS, LONG, LETTERS, Truncation.to(4), 7),
                row("source", "ab", "target", "cde"));

        assertThat(example.sequence("input_ids")).isEqualTo(ids("[CLS]", "a", "##b", "[SEP]"));
        assertThat(example.sequence("labels")).isEqualTo(ids("[CLS]", "c", "##d", "[SEP]"));
        assertThat(example.sequence("decoder_input_ids")).containsExactly(7, ids("[CLS]")[0], ids("c")[0],
                ids("##d")[0]);
    }

    @Test
    void choices_stand_beside_each_other_and_the_right_one_is_one_of_them() {
        var encoder = new RowEncoder.Choices(LETTERS, LONG);
        Example example = one(encoder, row("text", "a", "choices", List.of("b", "cd"), "label", 1));

        int[][] choices = ((Feature.Choices) example.features().get("input_ids")).values();
        assertThat(choices[0]).isEqualTo(ids("[CLS]", "a", "[SEP]", "b", "[SEP]"));
        assertThat(choices[1]).isEqualTo(ids("[CLS]", "a", "[SEP]", "c", "##d", "[SEP]"));
        assertThat(example.length()).isEqualTo(12);
        assertThatThrownBy(() -> encoder.encode(row("text", "a", "choices", List.of("b", "c"), "label", 2)))
                .hasMessage("row 1: the label is 2, but the choices are numbered from 0 to 1");
    }

    @Test
    void an_answer_of_squad_is_covered_by_its_tokens() {
        Tokenizer bert = Tokenizer.load(java.nio.file.Path.of(SharedData.path("tokenizers/bert-base-uncased")));
        var windows = Truncation.windows(128, 32);
        var encoder = new RowEncoder.Questions(bert, windows);
        int[] found = new int[2];
        RowsTest.all(Rows.of(SharedData.path("squad/dev.json.gz"))).subList(0, 300).forEach(row -> {
            String context = row.text("context");
            String answer = row.answers("answers").texts().getFirst();
            List<Encoding> encodings = bert.with(windows).encodePair(row.text("question").stripLeading(), context);
            List<Example> examples = encoder.encode(row);
            found[0]++;
            for (int i = 0; i < examples.size(); i++) {
                int start = ((Feature.Whole) examples.get(i).features().get("start_positions")).value();
                int end = ((Feature.Whole) examples.get(i).features().get("end_positions")).value();
                if (start > 0) {
                    found[1]++;
                    assertThat(context.substring(encodings.get(i).starts()[start], encodings.get(i).ends()[end]))
                            .as(row.place()).contains(answer);
                }
            }
        });
        assertThat(found[1]).isGreaterThanOrEqualTo(found[0]);
    }
}
