package dev.weft.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.weft.tensor.DType;
import dev.weft.tensor.TensorScope;
import java.util.Arrays;
import java.util.HashSet;
import java.util.Objects;
import java.util.Set;
import java.util.stream.LongStream;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;

class TokenWindowsTest {
    /// 0, 1, 2, …: an id says where it stands.
    private record Counting(long count) implements Tokens {
        @Override
        public int vocabSize() {
            return (int) count;
        }

        @Override
        public void read(long start, int[] ids) {
            Objects.checkFromIndexSize(start, ids.length, count);
            Arrays.setAll(ids, i -> (int) start + i);
        }
    }

    @Property(tries = 200)
    void every_random_window_lies_inside_and_its_targets_are_one_place_on(@ForAll long seed,
            @ForAll @IntRange(min = 1, max = 5) int batch, @ForAll @IntRange(min = 1, max = 20) int seq,
            @ForAll @IntRange(max = 30) int more) {
        Tokens part = new Counting(seq + 31 + 7L).slice(3, seq + 1L + more);
        try (var scope = TensorScope.open()) {
            TokenBatch drawn = new TokenWindows(part, batch, seq).random(seed, 5, 0);
            assertThat(drawn.inputs().dtype()).isEqualTo(DType.INT64);
            assertThat(drawn.inputs().shape()).containsExactly(batch, seq);
            assertThat(drawn.tokens()).isEqualTo((long) batch * seq);
            assertThat(drawn.targets().sub(drawn.inputs()).eq(1).toBooleans()).doesNotContain(false);
            long[] ids = drawn.inputs().toLongs();
            for (int i = 0; i < ids.length; i++) {
                assertThat(ids[i]).isEqualTo(ids[i / seq * seq] + i % seq).isBetween(3L, 3L + seq + more - 1);
            }
        }
    }

    @Property(tries = 100)
    void the_same_step_gives_the_same_batch_and_others_give_others(@ForAll long seed,
            @ForAll @IntRange(max = 1000) int step) {
        var windows = new TokenWindows(new Counting(1L << 30), 4, 8);
        try (var scope = TensorScope.open()) {
            long[] once = windows.random(seed, step, 1).inputs().toLongs();
            assertThat(windows.random(seed, step, 1).inputs().toLongs()).isEqualTo(once);
            assertThat(windows.random(seed, step, 2).inputs().toLongs()).isNotEqualTo(once);
            assertThat(windows.random(seed, step + 1, 1).inputs().toLongs()).isNotEqualTo(once);
            assertThat(windows.random(seed + 1, step, 1).inputs().toLongs()).isNotEqualTo(once);
        }
    }

    @Example
    void every_start_is_drawn() {
        var windows = new TokenWindows(new Counting(12), 8, 4);
        Set<Long> starts = new HashSet<>();
        for (int step = 0; step < 100; step++) {
            try (var scope = TensorScope.open()) {
                for (long start : windows.random(7, step, 0).inputs().select(1, 0).toLongs()) {
                    starts.add(start);
                }
            }
        }
        assertThat(starts).containsExactlyInAnyOrder(0L, 1L, 2L, 3L, 4L, 5L, 6L, 7L);
    }

    @Property(tries = 200)
    void evaluation_covers_each_target_exactly_once(@ForAll @IntRange(min = 2, max = 300) int count,
            @ForAll @IntRange(min = 1, max = 5) int batch, @ForAll @IntRange(min = 1, max = 40) int seq) {
        var targets = LongStream.builder();
        long tokens = 0;
        for (TokenBatch each : new TokenWindows(new Counting(count), batch, seq).sequential()) {
            try (var inputs = each.inputs(); var ahead = each.targets()) {
                assertThat(ahead.sub(inputs).eq(1).toBooleans()).doesNotContain(false);
                assertThat(inputs.count()).isEqualTo(each.tokens()).isLessThanOrEqualTo((long) batch * seq);
                Arrays.stream(ahead.toLongs()).forEach(targets::add);
                tokens += each.tokens();
            }
        }
        assertThat(tokens).isEqualTo(count - 1);
        assertThat(targets.build().toArray()).isEqualTo(LongStream.range(1, count).toArray());
    }

    @Example
    void a_text_shorter_than_a_window_is_told_with_both_lengths() {
        assertThatThrownBy(() -> new TokenWindows(new Counting(8), 2, 8).random(1, 1, 0))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("The text has 8 tokens, but a window needs 9: seq 8 and the token after it; "
                        + "choose a shorter seq or give more text");
        assertThatThrownBy(() -> new TokenWindows(new Counting(1), 2, 8).sequential())
                .hasMessage("The text has 1 tokens; to predict one, two are needed");
        assertThatThrownBy(() -> new TokenWindows(new Counting(9), 0, 8))
                .hasMessage("batch and seq must be 1 or more, found 0 and 8");
    }
}
