package dev.weft.nn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.weft.nn.attention.Attention;
import dev.weft.nn.attention.GroupedQueryAttention;
import dev.weft.nn.attention.GroupedQueryAttention.Heads;
import dev.weft.nn.attention.GroupedQueryAttention.QueryKeyValue;
import dev.weft.nn.attention.AttentionPattern;
import dev.weft.nn.position.Rotary;
import dev.weft.tensor.Device;
import dev.weft.tensor.Randomness;
import dev.weft.tensor.Tensor;
import dev.weft.tensor.TensorScope;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class AttentionTest {
    private static final Trace LISTENING = Trace.recording(name -> true);
    private TensorScope scope;

    @BeforeEach
    void open() {
        scope = TensorScope.open();
    }

    @AfterEach
    void close() {
        scope.close();
    }

    private static List<AttentionMask> masks() {
        Tensor keep = Tensor.of(new long[]{0, 1, 1, 1, 1, 1, 1, 1, 1, 1}, 2, 5);
        Tensor bias = Tensor.of(new float[25], 1, 1, 5, 5).add(Tensor.arange(0, 5).mul(0.3));
        Tensor textless = Tensor.of(new long[]{0, 0, 0, 0, 0, 1, 1, 1, 1, 0}, 2, 5);
        return List.of(AttentionMask.padding(textless),
                AttentionMask.padding(textless).and(AttentionMask.realQueries(textless)), AttentionMask.none(),
                AttentionMask.causal(), AttentionMask.padding(keep),
                AttentionMask.causal().and(AttentionMask.padding(keep)),
                AttentionMask.causal().and(AttentionMask.window(2)),
                AttentionMask.bias(bias), AttentionMask.bias(bias).and(AttentionMask.causal()));
    }

    @Test
    void the_training_kernel_gives_the_values_and_gradients_of_the_explicit_formula_under_every_mask() {
        try (var random = Randomness.seeded(3)) {
            for (AttentionMask mask : masks()) {
                for (int kvHeads : new int[]{4, 2, 1}) {
                    Tensor[] inputs = {random.normal(0, 1, 2, 4, 5, 8), random.normal(0, 1, 2, kvHeads, 5, 8),
                            random.normal(0, 1, 2, kvHeads, 5, 8)};
                    Tensor above = random.normal(0, 1, 2, 4, 5, 8);
                    List<Tensor> quiet = gradients(inputs, mask, above, Trace.SILENT);
                    List<Tensor> explicit = gradients(inputs, mask, above, LISTENING);
                    for (int i = 0; i < 4; i++) {
                        assertThat(Shared.difference(quiet.get(i), explicit.get(i))).as("%s output %d", mask, i)
                                .isLessThan(1e-5);
                    }
                }
            }
        }
    }

    private static List<Tensor> gradients(Tensor[] inputs, AttentionMask mask, Tensor above, Trace trace) {
        var leaves = new ArrayList<Tensor>();
        for (Tensor input : inputs) {
            leaves.add(input.copy().requiresGrad(true));
        }
        ScoreMask prepared = mask.prepare(5, 5, Device.CPU);
        Tensor out = Attention.scaled(8).attend(leaves.get(0), leaves.get(1), leaves.get(2), prepared, Dropout.OFF,
                trace);
        out.mul(above).sum().backward();
        return List.of(out, leaves.get(0).grad(), leaves.get(1).grad(), leaves.get(2).grad());
    }

    @Test
    void packed_queries_keys_and_values_give_what_they_give_apart() {
        try (var random = Randomness.seeded(4)) {
            Tensor packed = random.normal(0, 1, 2, 5, 3, 4, 8);
            Tensor above = random.normal(0, 1, 2, 4, 5, 8);
            ScoreMask mask = AttentionMask.causal().prepare(5, 5, Device.CPU);
            Tensor a = packed.copy().requiresGrad(true);
            Tensor b = packed.copy().requiresGrad(true);
            Attention.scaled(8).attendPacked(a, mask, Dropout.OFF, Trace.SILENT).mul(above).sum().backward();
            Attention.scaled(8).attendPacked(b, mask, Dropout.OFF, LISTENING).mul(above).sum().backward();
            assertThat(Shared.difference(a.grad(), b.grad())).isLessThan(1e-5);
        }
    }

    @Test
    void a_query_that_sees_no_key_gathers_nothing() {
        Tensor ones = Tensor.full(1, dev.weft.tensor.DType.FLOAT32, 1, 1, 2, 4);
        Tensor keep = Tensor.of(new long[]{0, 1}, 1, 2);
        ScoreMask mask = AttentionMask.causal().and(AttentionMask.padding(keep)).prepare(2, 2, Device.CPU);
        Tensor out = Attention.scaled(4).attend(ones, ones, ones, mask, Dropout.OFF, Trace.SILENT);
        assertThat(out.toFloats()).containsExactly(0, 0, 0, 0, 1, 1, 1, 1);
    }

    @Test
    void decoding_in_pieces_with_a_cache_gives_what_one_full_pass_gives() {
        Weights weights = Weights.random(5);
        var heads = new Heads(0, 4, 2, 8);
        Init init = Init.normal(0.3);
        var part = new GroupedQueryAttention(heads,
                new QueryKeyValue.Apart(Linear.load(weights.at("q"), Linear.Layout.OUT_IN, 32, 32, init),
                        Linear.load(weights.at("k"), Linear.Layout.OUT_IN, 32, 16, init),
                        Linear.load(weights.at("v"), Linear.Layout.OUT_IN, 32, 16, init)),
                Linear.load(weights.at("o"), Linear.Layout.OUT_IN, 32, 32, init), Attention.scaled(8));
        try (var random = Randomness.seeded(6); var cache = new KvCache()) {
            Tensor x = random.normal(0, 1, 2, 150, 32);
            Tensor full = step(part, x, 0, 150, ForwardPass.plain());
            int from = 0;
            for (int length : new int[]{3, 1, 90, 1, 55}) {
                Tensor piece = step(part, x, from, length, ForwardPass.plain().withCache(cache));
                assertThat(Shared.difference(piece, full.narrow(1, from, length))).isLessThan(1e-5);
                from += length;
            }
            assertThat(cache.length()).isEqualTo(150);
            cache.truncate(120);
            Tensor again = step(part, x, 120, 30, ForwardPass.plain().withCache(cache));
            assertThat(Shared.difference(again, full.narrow(1, 120, 30))).isLessThan(1e-5);
            // Both rows are the second one's now, and go on as it does.
            cache.truncate(149);
            cache.reorder(1, 1);
            Tensor last = step(part, Tensor.cat(List.of(x.narrow(0, 1, 1), x.narrow(0, 1, 1)), 0), 149, 1,
                    ForwardPass.plain().withCache(cache));
            Tensor wanted = full.narrow(1, 149, 1).narrow(0, 1, 1);
            assertThat(Shared.difference(last.narrow(0, 0, 1), wanted)).isLessThan(1e-5);
            assertThat(Shared.difference(last.narrow(0, 1, 1), wanted)).isLessThan(1e-5);
        }
    }

    private static Tensor step(GroupedQueryAttention part, Tensor x, int from, int length, ForwardPass pass) {
        Tensor piece = x.narrow(1, from, length);
        AttentionPattern pattern = AttentionPattern.causal().with(Rotary.plain(8, 10_000, Rotary.Pairing.HALVES));
        return part.forward(piece, pattern.prepare(piece, pass), pass);
    }

    @Test
    void head_counts_that_do_not_divide_are_refused() {
        assertThatThrownBy(() -> new Heads(0, 4, 3, 8)).hasMessage(
                "num_attention_heads (4) must be a multiple of num_key_value_heads (3)");
    }

    @Test
    void a_listener_may_replace_what_passes() {
        Tensor x = Tensor.full(1, dev.weft.tensor.DType.FLOAT32, 1, 1, 3, 4);
        Trace silencing = new Trace() {
            @Override
            public Tensor tap(String name, Tensor value) {
                return name.equals("weights") ? value.mul(0) : value;
            }

            @Override
            public boolean listens(String name) {
                return true;
            }
        };
        ScoreMask mask = AttentionMask.none().prepare(3, 3, Device.CPU);
        assertThat(Attention.scaled(4).attend(x, x, x, mask, Dropout.OFF, silencing).toFloats()).containsOnly(0);
    }
}
