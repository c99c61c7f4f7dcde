package dev.weft.nn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.weft.nn.attention.Attention;
import dev.weft.nn.attention.GroupedQueryAttention;
import dev.weft.nn.attention.GroupedQueryAttention.Heads;
import dev.weft.nn.attention.GroupedQueryAttention.QueryKeyValue;
import dev.weft.nn.attention.AttentionPattern;
import dev.weft.nn.position.RopeScaling;
import dev.weft.nn.position.Rotary;
import dev.weft.tensor.DType;
import dev.weft.tensor.Randomness;
import dev.weft.tensor.Tensor;
import dev.weft.tensor.TensorScope;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class KvCacheTest {
    private static final int WINDOW = 20;
    private static final AttentionPattern FULL = AttentionPattern.causal()
            .with(Rotary.plain(8, 10_000, Rotary.Pairing.HALVES));
    private static final AttentionPattern WINDOWED = FULL.with(AttentionMask.window(WINDOW));

    private final GroupedQueryAttention part = part();

    private static GroupedQueryAttention part() {
        Weights weights = Weights.random(5);
        Init init = Init.normal(0.3);
        return new GroupedQueryAttention(new Heads(0, 4, 2, 8),
                QueryKeyValue.Apart.load(weights, 32, new Heads(0, 4, 2, 8), false, init),
                Linear.load(weights.at("o"), 32, 32, false, init), Attention.scaled(8));
    }

    private Tensor step(Tensor x, int from, int length, AttentionPattern pattern, ForwardPass pass) {
        Tensor piece = x.narrow(1, from, length);
        return part.forward(piece, pattern.prepare(piece, pass), pass);
    }

    private static double difference(Tensor one, Tensor other) {
        return one.sub(other).abs().max().item();
    }

    @Test
    void a_layer_with_a_window_gives_what_a_full_pass_gives_and_forgets_the_rest() {
        try (var scope = TensorScope.open(); var random = Randomness.seeded(6); var cache = new KvCache()) {
            Tensor x = random.normal(0, 1, 2, 900, 32);
            Tensor full = step(x, 0, 900, WINDOWED, ForwardPass.plain());
            int from = 0;
            long most = 0;
            for (int i = 0; from < 900; i++) {
                int length = Math.min(900 - from, i % 50 == 0 ? 30 : i % 7 == 0 ? 3 : 1);
                Tensor piece = step(x, from, length, WINDOWED, ForwardPass.plain().withCache(cache));
                assertThat(difference(piece, full.narrow(1, from, length))).isLessThan(5e-5);
                from += length;
                most = Math.max(most, cache.bytes());
            }
            assertThat(cache.length()).isEqualTo(900);
            // 2 rows, 2 heads of 8 floats, keys and values: 256 bytes a position, where all of them would be 230,000.
            assertThat(most).isLessThan(256 * 300);
        }
    }

    @Test
    void a_window_that_forgot_can_be_cut_back_a_little_and_no_further() {
        try (var scope = TensorScope.open(); var random = Randomness.seeded(6); var cache = new KvCache()) {
            Tensor x = random.normal(0, 1, 1, 600, 32);
            Tensor full = step(x, 0, 600, WINDOWED, ForwardPass.plain());
            for (int from = 0; from < 600; from++) {
                step(x, from, 1, WINDOWED, ForwardPass.plain().withCache(cache));
            }
            assertThat(cache.holds(560)).isTrue();
            assertThat(cache.holds(10)).isFalse();
            assertThatThrownBy(() -> cache.truncate(10)).hasMessage(
                    "the cache holds 600 positions and cannot be cut to 10");
            cache.truncate(560);
            Tensor again = step(x, 560, 40, WINDOWED, ForwardPass.plain().withCache(cache));
            assertThat(difference(again, full.narrow(1, 560, 40))).isLessThan(1e-5);
            cache.truncate(0);
            assertThat(difference(step(x, 0, 50, WINDOWED, ForwardPass.plain().withCache(cache)),
                    full.narrow(1, 0, 50))).isLessThan(1e-5);
        }
    }

    @Test
    void room_from_the_beginning_is_not_outgrown_before_it_is_full() {
        try (var scope = TensorScope.open(); var random = Randomness.seeded(6); var cache = KvCache.withRoom(300)) {
            Tensor x = random.normal(0, 1, 1, 300, 32);
            step(x, 0, 1, FULL, ForwardPass.plain().withCache(cache));
            long bytes = cache.bytes();
            for (int from = 1; from < 300; from++) {
                step(x, from, 1, FULL, ForwardPass.plain().withCache(cache));
            }
            assertThat(cache.bytes()).isEqualTo(bytes).isEqualTo(300 * 128);
        }
    }

    @Test
    void rows_that_go_on_from_one_text_get_what_each_gets_alone() {
        try (var scope = TensorScope.open();
                var random = Randomness.seeded(7);
                var one = KvCache.keepingAll()) {
            Tensor x = random.normal(0, 1, 1, 12, 32);
            step(x, 0, 10, FULL, ForwardPass.plain().withCache(one));
            Tensor whole = step(x, 0, 12, FULL, ForwardPass.plain());
            // Row 0: the text; row 1: two of padding, then the text. Both caches have 10 positions.
            try (KvCache all = one.laidOut(new int[]{0, 2}, 10)) {
                assertThat(all.length()).isEqualTo(10);
                Tensor next = Tensor.cat(List.of(x.narrow(1, 10, 1), x.narrow(1, 8, 1)), 0);
                Tensor keep = Tensor.of(new long[]{1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1}, 2,
                        11);
                ForwardPass pass = ForwardPass.plain().withCache(all).withMask(AttentionMask.padding(keep))
                        .withPositions(Tensor.of(new long[]{10, 8}, 2, 1));
                Tensor found = part.forward(next, FULL.prepare(next, pass), pass);
                assertThat(difference(found.narrow(0, 0, 1), whole.narrow(1, 10, 1))).isLessThan(1e-5);
                assertThat(difference(found.narrow(0, 1, 1), whole.narrow(1, 8, 1))).isLessThan(1e-5);
            }
            assertThat(one.length()).isEqualTo(10);
        }
    }

    @Test
    void a_cache_made_of_the_tensors_of_another_goes_on_like_it() {
        try (var scope = TensorScope.open(); var random = Randomness.seeded(8); var cache = new KvCache()) {
            Tensor x = random.normal(0, 1, 1, 40, 32);
            step(x, 0, 30, FULL, ForwardPass.plain().withCache(cache));
            try (KvCache copy = KvCache.of(cache.tensors())) {
                assertThat(difference(step(x, 30, 10, FULL, ForwardPass.plain().withCache(copy)),
                        step(x, 30, 10, FULL, ForwardPass.plain().withCache(cache)))).isLessThan(1e-6);
            }
            Map<String, Tensor> broken = new LinkedHashMap<>(cache.tensors());
            broken.remove("layers.0.values");
            assertThatThrownBy(() -> KvCache.of(broken)).hasMessageContaining("layer 0 has not");
        }
    }

    @Test
    void half_precision_is_held_in_what_attention_computes_in() {
        try (var scope = TensorScope.open(); var cache = new KvCache()) {
            Tensor keys = Tensor.full(1.5, DType.BFLOAT16, 1, 2, 3, 8);
            KvCache.Entry known = cache.append(0, keys, keys);
            assertThat(known.keys().dtype()).isEqualTo(DType.FLOAT32);
            Tensor queries = Tensor.full(1, DType.BFLOAT16, 1, 4, 1, 8);
            Tensor gathered = Attention.scaled(8).attend(queries, known.keys(), known.values(),
                    AttentionMask.causal().prepare(1, 3, queries.device()), Dropout.OFF, Trace.SILENT);
            assertThat(gathered.dtype()).isEqualTo(DType.BFLOAT16);
            assertThat(gathered.to(DType.FLOAT32).toFloats()).containsOnly(1.5f);
        }
    }

    @Test
    void a_row_takes_the_place_of_another_without_the_reserved_room() {
        try (var scope = TensorScope.open(); var cache = new KvCache()) {
            Tensor keys = Tensor.of(new float[]{1, 2, 3, 4}, 2, 1, 2, 1);
            cache.append(0, keys, keys);
            cache.reorder(1, 1, 0);
            KvCache.Entry known = cache.append(0, Tensor.of(new float[]{7, 8, 9}, 3, 1, 1, 1),
                    Tensor.of(new float[]{7, 8, 9}, 3, 1, 1, 1));
            assertThat(known.keys().toFloats()).containsExactly(3, 4, 7, 3, 4, 8, 1, 2, 9);
        }
    }

    /// Texts of their own, each in a full pass and in a cache with others.
    private final class Text {
        private final Tensor x;
        private final Tensor full;
        private final AttentionPattern pattern;
        private int done;

        Text(Randomness random, int length, AttentionPattern pattern) {
            this.pattern = pattern;
            x = random.normal(0, 1, 1, length, 32);
            full = step(x, 0, length, pattern, ForwardPass.plain());
        }

        Tensor take(int count) {
            done += count;
            return x.narrow(1, done - count, count);
        }

        KvCache begun(int length) {
            var cache = new KvCache();
            Tensor begin = take(length);
            part.forward(begin, pattern.prepare(begin, ForwardPass.plain()), ForwardPass.plain().withCache(cache));
            keepSum(cache, begin);
            return cache;
        }

        double off(Tensor found) {
            return difference(found, full.narrow(1, done - 1, 1));
        }
    }

    /// A mechanism that keeps the sum of what it saw.
    private static void keepSum(KvState state, Tensor x) {
        Tensor before = state.kept(0, "sum");
        Tensor sum = x.sum(1, false);
        state.keep(0, "sum", before == null ? sum : before.add(sum));
    }

    private void rows_come_and_go(AttentionPattern pattern, boolean alone) {
        var chance = new Random(3);
        long before = TensorScope.liveTensors();
        try (var scope = TensorScope.open(); var random = Randomness.seeded(9); var cache = new KvCache()) {
            var rows = new ArrayList<Text>();
            for (int round = 0; round < 120; round++) {
                if (rows.isEmpty() || rows.size() < 5 && chance.nextInt(6) == 0) {
                    var text = new Text(random, 90, pattern);
                    cache.join(text.begun(1 + chance.nextInt(40)));
                    rows.add(text);
                }
                if (chance.nextInt(12) == 0) {
                    int[] order = IntStream.range(0, rows.size()).map(row -> rows.size() - 1 - row).toArray();
                    cache.reorder(order);
                    Collections.reverse(rows);
                }
                List<Tensor> fresh = rows.stream().map(text -> text.take(1)).toList();
                Tensor found;
                if (alone) {
                    var each = new ArrayList<Tensor>();
                    for (int row = 0; row < rows.size(); row++) {
                        ForwardPass pass = ForwardPass.plain().withCache(cache.row(row));
                        each.add(part.forward(fresh.get(row), pattern.prepare(fresh.get(row), pass), pass));
                        keepSum(cache.row(row), fresh.get(row));
                    }
                    cache.advance(1);
                    found = Tensor.cat(each, 0);
                } else {
                    Tensor all = Tensor.cat(fresh, 0);
                    ForwardPass pass = cache.next(1, all.device());
                    found = part.forward(all, pattern.prepare(all, pass), pass);
                    keepSum(cache, all);
                }
                Tensor sums = cache.kept(0, "sum");
                for (int row = 0; row < rows.size(); row++) {
                    Text text = rows.get(row);
                    assertThat(cache.length(row)).isEqualTo(text.done);
                    assertThat(text.off(found.narrow(0, row, 1))).isLessThan(1e-5);
                    assertThat(difference(sums.narrow(0, row, 1), text.x.narrow(1, 0, text.done).sum(1, false)))
                            .isLessThan(1e-4);
                }
                int[] gone = IntStream.range(0, rows.size())
                        .filter(row -> rows.get(row).done == 90 || chance.nextInt(25) == 0).toArray();
                if (gone.length > 0) {
                    cache.drop(gone);
                    for (int i = gone.length - 1; i >= 0; i--) {
                        rows.remove(gone[i]);
                    }
                }
                assertThat(cache.length()).isEqualTo(rows.stream().mapToInt(text -> text.done).max().orElse(0));
            }
        }
        assertThat(TensorScope.liveTensors()).isLessThanOrEqualTo(before);
    }

    @Test
    void rows_that_join_and_leave_at_random_get_what_each_gets_alone() {
        rows_come_and_go(FULL, false);
    }

    @Test
    void rows_that_join_and_leave_at_random_see_no_further_than_their_window() {
        rows_come_and_go(WINDOWED, false);
    }

    @Test
    void rows_that_join_and_leave_can_go_on_one_by_one() {
        rows_come_and_go(FULL, true);
        rows_come_and_go(WINDOWED, true);
    }

    @Test
    void rows_whose_turning_depends_on_their_length_do_not_turn_by_that_of_others() {
        var dynamic = new Rotary(8, 10_000, Rotary.Pairing.HALVES, new RopeScaling.Dynamic(4, 8));
        try (var scope = TensorScope.open()) {
            Tensor positions = Tensor.of(new long[]{30, 3}, 2, 1);
            Tensor alone = dynamic.angles(positions.narrow(0, 1, 1)).cos();
            assertThat(difference(dynamic.anglesOfRows(positions).cos().narrow(0, 1, 1), alone)).isZero();
            assertThat(difference(dynamic.angles(positions).cos().narrow(0, 1, 1), alone)).isGreaterThan(0.01);
        }
    }

    @Test
    void a_long_row_that_leaves_gives_its_memory_back() {
        try (var scope = TensorScope.open(); var cache = new KvCache()) {
            Tensor much = Tensor.zeros(DType.FLOAT32, 1, 2, 4000, 8);
            Tensor little = Tensor.full(1, DType.FLOAT32, 1, 2, 10, 8);
            try (var one = new KvCache(); var other = new KvCache()) {
                one.append(0, much, much);
                other.append(0, little, little);
                cache.join(one);
                cache.join(other);
                assertThat(one.length()).isZero();
            }
            assertThat(cache.bytes()).isGreaterThan(2 * 4000 * 2 * 8 * 4 * 2);
            cache.drop(0);
            assertThat(cache.length()).isEqualTo(10);
            assertThat(cache.bytes()).isLessThan(100 * 2 * 8 * 4 * 2);
            assertThat(cache.append(0, little, little).keys().sum(-1, false).toFloats()).hasSize(40).containsOnly(8f);
            cache.drop(0);
            assertThat(cache.bytes()).isZero();
            assertThat(cache.rows()).isZero();
        }
    }

    @Test
    void what_is_kept_of_a_text_is_not_cut_back_and_not_taken_from_another_model() {
        try (var scope = TensorScope.open(); var cache = new KvCache(); var other = new KvCache()) {
            Tensor keys = Tensor.zeros(DType.FLOAT32, 1, 1, 5, 2);
            cache.append(0, keys, keys);
            other.append(0, keys, keys);
            cache.keep(0, "state", Tensor.zeros(DType.FLOAT32, 1, 3));
            assertThat(cache.holds(5)).isTrue();
            assertThat(cache.holds(4)).isFalse();
            assertThatThrownBy(() -> cache.laidOut(new int[]{0, 1}, 5)).hasMessageContaining("after 5 positions");
            assertThatThrownBy(() -> cache.join(other)).isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("different models");
            try (KvCache twice = cache.laidOut(new int[2], 5)) {
                assertThat(twice.kept(0, "state").shape()).containsExactly(2, 3);
            }
            assertThatThrownBy(cache::tensors).isInstanceOf(IllegalStateException.class);
            cache.truncate(0);
            assertThat(cache.kept(0, "state")).isNull();
        }
    }
}
