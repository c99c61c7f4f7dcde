package dev.weft.nn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.weft.nn.attention.Attention;
import dev.weft.nn.attention.AttentionMask;
import dev.weft.nn.attention.GroupedQueryAttention;
import dev.weft.nn.attention.GroupedQueryAttention.Heads;
import dev.weft.nn.attention.GroupedQueryAttention.QueryKeyValue;
import dev.weft.nn.attention.Reach;
import dev.weft.nn.position.Rotary;
import dev.weft.tensor.DType;
import dev.weft.tensor.Randomness;
import dev.weft.tensor.Tensor;
import dev.weft.tensor.TensorScope;
import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;

class KvCacheTest {
    private static final int WINDOW = 20;
    private static final Reach FULL = Reach.causal().with(Rotary.plain(8, 10_000, Rotary.Pairing.HALVES));
    private static final Reach WINDOWED = FULL.with(AttentionMask.window(WINDOW));

    private final GroupedQueryAttention part = part();

    private static GroupedQueryAttention part() {
        Weights weights = Weights.random(5);
        Init init = Init.normal(0.3);
        return new GroupedQueryAttention(new Heads(0, 4, 2, 8),
                QueryKeyValue.Apart.load(weights, 32, new Heads(0, 4, 2, 8), false, init),
                Linear.load(weights.at("o"), 32, 32, false, init), Attention.scaled(8));
    }

    private Tensor step(Tensor x, int from, int length, Reach reach, ForwardPass pass) {
        Tensor piece = x.narrow(1, from, length);
        return part.forward(piece, reach.prepare(piece, pass), pass);
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
                Tensor next = Tensor.cat(java.util.List.of(x.narrow(1, 10, 1), x.narrow(1, 8, 1)), 0);
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
}
