package dev.weft.data.examples;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.weft.data.AnswerLabels;
import dev.weft.text.Encoding;
import dev.weft.text.chat.RenderedChat;
import dev.weft.jinja.Template;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

class ExamplesTest {
    private static final int MASK = 4;

    private static int[] range(int from, int to) {
        return IntStream.range(from, to).toArray();
    }

    // ---- masked language modelling ----

    @Test
    void fifteen_in_a_hundred_tokens_are_chosen_and_eight_tenths_of_them_masked() {
        int[] ids = range(10, 100_010);
        boolean[] special = new boolean[ids.length];
        Arrays.fill(special, 0, 1000, true);
        Map<String, int[]> example = new MaskedTokens(MASK, 200_000, 0.15).tokens(ids, special,
                new SplittableRandom(1));
        int[] masked = example.get("input_ids");
        int[] labels = example.get("labels");
        int[] chosen = IntStream.range(0, ids.length).filter(i -> labels[i] != -100).toArray();
        assertThat(Arrays.stream(chosen)).allMatch(i -> labels[i] == ids[i] && i >= 1000);
        assertThat(chosen.length / 99_000.0).isCloseTo(0.15, within(0.005));
        assertThat(Arrays.stream(chosen).filter(i -> masked[i] == MASK).count() / (double) chosen.length)
                .isCloseTo(0.8, within(0.01));
        assertThat(Arrays.stream(chosen).filter(i -> masked[i] == ids[i]).count() / (double) chosen.length)
                .isCloseTo(0.1, within(0.01));
        assertThat(IntStream.range(0, ids.length).filter(i -> labels[i] == -100)).allMatch(i -> masked[i] == ids[i]);
        assertThat(Arrays.stream(chosen).filter(i -> masked[i] > 100_010)).as("drawn from the whole vocabulary")
                .isNotEmpty();
    }

    @Test
    void whole_words_are_chosen_or_not_and_a_seed_means_the_same_again() {
        int[] words = IntStream.range(0, 3000).map(i -> i % 30 == 0 ? -1 : i / 3).toArray();
        var maker = new MaskedTokens(MASK, 5000, 0.3);
        int[] labels = maker.words(range(10, 3010), words, new SplittableRandom(3)).get("labels");
        for (int i = 1; i < words.length; i++) {
            if (words[i] == words[i - 1]) {
                assertThat(labels[i] == -100).as("token " + i).isEqualTo(labels[i - 1] == -100);
            }
            if (words[i] < 0) {
                assertThat(labels[i]).isEqualTo(-100);
            }
        }
        assertThat(Arrays.stream(labels).filter(label -> label != -100).count() / 2900.0).isCloseTo(0.3, within(0.05));
        assertThat(maker.words(range(10, 3010), words, new SplittableRandom(3)).get("labels")).isEqualTo(labels);
        assertThatThrownBy(() -> new MaskedTokens(7, 7, 0.15)).hasMessageContaining("one of the 7 ids");
    }

    // ---- next sentences ----

    /// Documents of sentences; the ids of document d lie in [1000 d, 1000 (d + 1)) and rise.
    private static List<List<int[]>> documents(int count, SplittableRandom random) {
        var documents = new ArrayList<List<int[]>>();
        for (int document = 1; document <= count; document++) {
            var sentences = new ArrayList<int[]>();
            int at = 1000 * document;
            for (int sentence = 0; sentence < 20; sentence++) {
                int length = 1 + random.nextInt(9);
                sentences.add(range(at, at + length));
                at += length;
            }
            documents.add(sentences);
        }
        return documents;
    }

    @Property(tries = 50)
    void pairs_are_framed_and_the_second_follows_or_is_of_another_document(@ForAll long seed,
            @ForAll @IntRange(min = 5, max = 60) int length) {
        var random = new SplittableRandom(seed);
        List<List<int[]>> documents = documents(4, random);
        for (Map<String, int[]> pair : new NextSentence(1, 2, length, 0.1).pairs(documents, 1, random)) {
            int[] ids = pair.get("input_ids");
            int[] types = pair.get("token_type_ids");
            int second = (int) Arrays.stream(types).filter(type -> type == 0).count();
            assertThat(ids.length).isLessThanOrEqualTo(length);
            assertThat(ids[0]).isEqualTo(1);
            assertThat(ids[second - 1]).isEqualTo(2);
            assertThat(ids[ids.length - 1]).isEqualTo(2);
            assertThat(Arrays.stream(types, second, types.length)).containsOnly(1);
            assertThat(second).as("the first text").isGreaterThan(2);
            assertThat(Arrays.stream(ids, 1, second - 1)).allMatch(id -> id / 1000 == 2);
            int[] follower = Arrays.copyOfRange(ids, second, ids.length - 1);
            assertThat(follower).isNotEmpty();
            boolean follows = pair.get("next_sentence_label")[0] == NextSentence.FOLLOWS;
            assertThat(Arrays.stream(follower)).allMatch(id -> id / 1000 == 2 == follows);
            if (follows) {
                assertThat(follower[0]).isGreaterThan(ids[second - 2]);
            }
        }
    }

    @Test
    void half_of_the_seconds_are_strangers_and_no_sentence_of_the_document_is_lost() {
        var random = new SplittableRandom(5);
        List<List<int[]>> documents = documents(50, random);
        long strangers = 0;
        long pairs = 0;
        for (int i = 0; i < documents.size(); i++) {
            var seen = new ArrayList<Integer>();
            for (Map<String, int[]> pair : new NextSentence(1, 2, 512, 0).pairs(documents, i, random)) {
                pairs++;
                strangers += pair.get("next_sentence_label")[0];
                int own = i + 1;
                Arrays.stream(pair.get("input_ids")).filter(id -> id / 1000 == own).forEach(seen::add);
            }
            // There is room for all, so that nothing is cut.
            assertThat(seen).containsExactlyElementsOf(
                    documents.get(i).stream().flatMapToInt(Arrays::stream).boxed().toList());
        }
        assertThat(strangers / (double) pairs).isCloseTo(0.55, within(0.1));
        assertThatThrownBy(() -> new NextSentence(1, 2, 64, 0).pairs(documents.subList(0, 1), 0, random))
                .hasMessageContaining("two documents or more, found 1");
    }

    // ---- answers ----

    @Test
    void only_what_the_assistant_says_is_trained_and_an_example_without_it_is_refused() {
        int[] ids = {5, 6, 7, 8};
        int[] zeros = new int[4];
        var encoding = new Encoding(ids, new String[4], new int[]{0, 2, 4, 6}, new int[]{2, 4, 6, 8}, zeros, zeros,
                zeros, new boolean[4], zeros);
        var chat = new RenderedChat("askreply", List.of(new Template.Span(3, 8)));
        assertThat(AnswerLabels.of(chat, encoding, 10).get("labels")).containsExactly(-100, 6, 7, 8);
        assertThat(AnswerLabels.of(chat, encoding, 2)).satisfies(cut -> {
            assertThat(cut.get("input_ids")).containsExactly(5, 6);
            assertThat(cut.get("labels")).containsExactly(-100, 6);
        });
        assertThatThrownBy(() -> AnswerLabels.of(chat, encoding, 1)).isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("first 1 of 4 tokens").hasMessageContaining("{% generation %}");
        assertThatThrownBy(() -> AnswerLabels.of(ids, new boolean[]{true, false, false, false}, 9))
                .as("the first token is predicted from nothing").hasMessageContaining("Nothing of this example");
    }

    // ---- span corruption ----

    @Property(tries = 200)
    void a_text_can_be_put_together_again_from_input_and_labels(@ForAll long seed,
            @ForAll @IntRange(min = 2, max = 300) int length) {
        int[] ids = range(1000, 1000 + length);
        var maker = SpanCorruption.t5(999, 100, 1);
        Map<String, int[]> example = maker.corrupt(ids, new SplittableRandom(seed));
        int[] input = example.get("input_ids");
        int[] labels = example.get("labels");
        assertThat(input).hasSize(maker.inputLength(length)).endsWith(1);
        assertThat(labels).hasSize(maker.labelLength(length)).endsWith(1).startsWith(999);
        var whole = new ArrayList<Integer>();
        int label = 0;
        int sentinel = 999;
        for (int id : Arrays.copyOf(input, input.length - 1)) {
            if (id >= 1000) {
                whole.add(id);
            } else {
                assertThat(id).isEqualTo(sentinel--);
                assertThat(labels[label++]).isEqualTo(id);
                assertThat(labels[label]).as("no span is empty").isGreaterThanOrEqualTo(1000);
                while (labels[label] >= 1000) {
                    whole.add(labels[label++]);
                }
            }
        }
        assertThat(whole).containsExactlyElementsOf(Arrays.stream(ids).boxed().toList());
        assertThat(maker.corrupt(ids, new SplittableRandom(seed)).get("labels")).isEqualTo(labels);
    }

    @Test
    void t5s_own_numbers_turn_568_tokens_into_inputs_of_512_and_labels_of_114() {
        // As compute_input_and_target_lengths of the authors' code gives them.
        var maker = SpanCorruption.t5(32_099, 100, 1);
        assertThat(maker.textLength(512)).isEqualTo(568);
        assertThat(maker.inputLength(568)).isEqualTo(512);
        assertThat(maker.labelLength(568)).isEqualTo(114);
        assertThatThrownBy(() -> SpanCorruption.t5(9, 1, 1).corrupt(range(0, 100), new SplittableRandom(1)))
                .hasMessageContaining("has 5 spans, but there are 1 sentinels");
        assertThatThrownBy(() -> maker.corrupt(new int[1], new SplittableRandom(1))).hasMessageContaining("1 tokens");
    }

    @Test
    void every_way_to_cut_into_spans_is_equally_likely() {
        // 8 tokens, 2 spans of 4 tokens in all: 1+3, 2+2 or 3+1.
        var maker = new SpanCorruption(0.5, 2, 99, 10, 1);
        int[] counts = new int[4];
        var random = new SplittableRandom(2);
        for (int i = 0; i < 3000; i++) {
            int[] labels = maker.corrupt(range(1000, 1008), random).get("labels");
            int first = 1;
            while (labels[first] >= 1000) {
                first++;
            }
            counts[first - 1]++;
        }
        assertThat(counts[0]).isZero();
        assertThat(counts).satisfies(all -> assertThat(Arrays.stream(all, 1, 4)).allMatch(n -> n > 900 && n < 1100));
    }

    // ---- denoising ----

    @Test
    void infilling_hides_three_tenths_of_the_tokens_in_spans_of_three_on_average() {
        int[] ids = range(1000, 11_000);
        int[] filled = new Noise.Infilling(0.3, 3, MASK).apply(ids, new SplittableRandom(1));
        int[] kept = Arrays.stream(filled).filter(id -> id != MASK).toArray();
        assertThat(kept).hasSize(7000).isSorted();
        double masks = filled.length - kept.length;
        assertThat(3000 / masks).isCloseTo(3, within(0.2));
    }

    @Property(tries = 100)
    void each_noise_does_what_it_says(@ForAll long seed, @ForAll @IntRange(min = 1, max = 60) int length) {
        int[] ids = range(1000, 1000 + length);
        assertThat(new Noise.Masking(0.5, MASK).apply(ids, new SplittableRandom(seed))).hasSize(length)
                .satisfies(masked -> assertThat(IntStream.range(0, length)).allMatch(
                        i -> masked[i] == ids[i] || masked[i] == MASK));
        assertThat(new Noise.Deletion(0.9).apply(ids, new SplittableRandom(seed))).isNotEmpty().isSorted();
        int[] turned = new Noise.Rotation().apply(ids, new SplittableRandom(seed));
        assertThat(turned).containsExactlyInAnyOrder(ids);
        assertThat(IntStream.range(0, length)).allMatch(
                i -> (turned[(i + 1) % length] - turned[i] + length) % length == 1 % length);
        int[] permuted = new Noise.Permutation(List.of(1004, 1009)).apply(ids, new SplittableRandom(seed));
        assertThat(permuted).containsExactlyInAnyOrder(ids);
        for (int i = 0; i < length - 1; i++) {
            if (permuted[i] != 1004 && permuted[i] != 1009 && permuted[i] != 999 + length) {
                assertThat(permuted[i + 1]).as("sentences stay whole").isEqualTo(permuted[i] + 1);
            }
        }
        Map<String, int[]> example = Noise.example(ids,
                List.of(new Noise.Permutation(List.of(1004)), new Noise.Infilling(0.3, 3, MASK)), 0, 2,
                new SplittableRandom(seed));
        assertThat(example.get("input_ids")).startsWith(0).endsWith(2);
        assertThat(example.get("labels")).hasSize(length + 2).startsWith(0).endsWith(2).contains(ids);
    }
}
