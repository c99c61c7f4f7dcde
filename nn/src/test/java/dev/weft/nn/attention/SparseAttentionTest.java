package dev.weft.nn.attention;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.weft.nn.AttentionMask;
import dev.weft.nn.ForwardPass;
import dev.weft.nn.Init;
import dev.weft.nn.Linear;
import dev.weft.nn.Projection;
import dev.weft.nn.Trace;
import dev.weft.nn.Weights;
import dev.weft.nn.attention.GroupedQueryAttention.Heads;
import dev.weft.nn.attention.GroupedQueryAttention.QueryKeyValue;
import dev.weft.tensor.DType;
import dev.weft.tensor.Gradients;
import dev.weft.tensor.Randomness;
import dev.weft.tensor.Tensor;
import dev.weft.tensor.TensorScope;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/// Sparse attention against the full formula under a mask.
class SparseAttentionTest {
    private static final int HIDDEN = 8;
    private static final Heads HEADS = new Heads(0, 2, 4);
    private TensorScope scope;

    @BeforeEach
    void open() {
        scope = TensorScope.open();
    }

    @AfterEach
    void close() {
        scope.close();
    }

    private static Projection projection(Weights weights) {
        return Linear.load(weights, HIDDEN, HIDDEN, true, Init.normal(0.5));
    }

    private static QueryKeyValue.Apart inputs(Weights weights) {
        return new QueryKeyValue.Apart(projection(weights.at("query")), projection(weights.at("key")),
                projection(weights.at("value")));
    }

    private static GroupedQueryAttention full(Weights weights) {
        return new GroupedQueryAttention(HEADS, inputs(weights), projection(weights.at("out")), Attention.scaled(4));
    }

    /// With the same projections for global tokens as for the others.
    private static WindowedAttention windowed(Weights weights, int reach) {
        return new WindowedAttention(HEADS, inputs(weights), inputs(weights), projection(weights.at("out")),
                Attention.scaled(4), reach);
    }

    private static BlockSparseAttention blocks(Weights weights, int blockSize, int random) {
        return new BlockSparseAttention(HEADS, inputs(weights), projection(weights.at("out")), Attention.scaled(4),
                full(weights), blockSize, random);
    }

    private static Tensor hidden(long... shape) {
        try (var random = Randomness.seeded(5)) {
            return random.normal(0, 1, shape);
        }
    }

    /// What comes out, and the gradients of what went in and of all weights.
    private static List<Tensor> run(SelfAttention part, AttentionPattern reach, Weights weights, Tensor hidden,
            ForwardPass pass) {
        Tensor entry = hidden.detach().requiresGrad(true);
        weights.given().values().forEach(weight -> weight.requiresGrad(true).clearGrad());
        Tensor result = part.forward(entry, reach.prepare(entry, pass), pass);
        Gradients.backward(result, Tensor.arange(0, result.count()).view(result.shape()).to(DType.FLOAT32).sin());
        var all = new ArrayList<>(List.of(result, entry.grad()));
        weights.given().values().forEach(weight -> all.add(weight.grad()));
        return all;
    }

    private static void assertSame(List<Tensor> found, List<Tensor> expected) {
        assertThat(found).hasSameSizeAs(expected);
        for (int i = 0; i < found.size(); i++) {
            assertThat(found.get(i).sub(expected.get(i)).abs().max().item()).as("tensor %d", i).isLessThan(2e-5);
        }
    }

    private static Tensor bools(Tensor numbers) {
        return numbers.ne(0);
    }

    @Test
    void windows_and_global_tokens_give_what_the_full_formula_gives_where_it_may_look() {
        for (int seq : new int[]{13, 12, 2}) {
            Weights weights = Weights.random(7);
            Tensor places = Tensor.arange(0, seq);
            // Row two ends with padding; the rows have two, and one, global tokens; a global token of padding is none.
            Tensor keep = Tensor.stack(List.of(places.ge(0), places.lt(Math.max(seq - 4, 1))), 0).to(DType.INT64);
            Tensor globals = Tensor
                    .stack(List.of(places.eq(0).or(places.eq(7)), places.eq(1).or(places.eq(seq - 1))), 0)
                    .to(DType.INT64);
            Tensor real = bools(keep);
            Tensor global = bools(globals).and(real);
            Tensor near = places.unsqueeze(1).sub(places).abs().lt(4).unsqueeze(0);
            Tensor allowed = near.or(global.unsqueeze(1)).or(global.unsqueeze(2)).and(real.unsqueeze(1))
                    .and(real.unsqueeze(2)).unsqueeze(1);
            Tensor hidden = hidden(2, seq, HIDDEN);
            ForwardPass plain = ForwardPass.plain();
            assertSame(
                    run(windowed(weights, 3), AttentionPattern.everything(), weights, hidden,
                            plain.withMask(AttentionMask.padding(keep)).withGlobals(globals)),
                    run(full(weights), AttentionPattern.everything().with(AttentionMask.of(allowed)), weights, hidden,
                            plain));
        }
    }

    @Test
    void global_queries_look_through_projections_of_their_own() {
        Weights weights = Weights.random(7);
        var part = new WindowedAttention(HEADS, inputs(weights), inputs(weights.at("global")),
                projection(weights.at("out")), Attention.scaled(4), 2);
        var everywhere = new GroupedQueryAttention(HEADS, inputs(weights.at("global")), projection(weights.at("out")),
                Attention.scaled(4));
        Tensor hidden = hidden(1, 9, HIDDEN);
        ForwardPass pass = ForwardPass.plain().withGlobals(Tensor.arange(0, 9).eq(4).to(DType.INT64).unsqueeze(0));
        PreparedPattern prepared = AttentionPattern.everything().prepare(hidden, pass);
        assertThat(part.forward(hidden, prepared, pass).select(1, 4).toFloats()).usingComparatorWithPrecision(1e-5f)
                .containsExactly(everywhere.forward(hidden, prepared, pass).select(1, 4).toFloats());
    }

    @Test
    void blocks_give_what_the_full_formula_gives_where_they_may_look_and_the_first_block_weighs_more() {
        for (int random : new int[]{0, 2}) {
            int size = 3;
            int seq = BlockSparseAttention.fullLength(size, random) + 2 * size;
            Weights weights = Weights.random(7);
            Tensor places = Tensor.arange(0, seq);
            Tensor keep = Tensor.stack(List.of(places.ge(0), places.lt(seq - 7)), 0).to(DType.INT64);
            var allowed = new boolean[seq * seq];
            var bias = new float[seq * seq];
            int blocks = seq / size;
            for (int query = 0; query < seq; query++) {
                for (int key = 0; key < seq; key++) {
                    int from = query / size;
                    int to = key / size;
                    boolean end = from == 0 || from == blocks - 1;
                    allowed[query * seq + key] = end || to == 0 || to == blocks - 1 || Math.abs(from - to) < 2;
                    bias[query * seq + key] = !end && to == 0 ? (float) Math.log(1 + random) : 0;
                }
            }
            Tensor real = bools(keep);
            Tensor mask = Tensor.of(allowed, 1, 1, seq, seq).and(real.unsqueeze(1).unsqueeze(1))
                    .and(real.unsqueeze(1).unsqueeze(-1));
            AttentionPattern dense = AttentionPattern.everything().with(AttentionMask.of(mask))
                    .with(AttentionMask.bias(Tensor.of(bias, 1, 1, seq, seq)));
            Tensor hidden = hidden(2, seq, HIDDEN);
            ForwardPass plain = ForwardPass.plain();
            assertSame(
                    run(blocks(weights, size, random), AttentionPattern.everything(), weights, hidden,
                            plain.withMask(AttentionMask.padding(keep))),
                    run(full(weights), dense, weights, hidden, plain));
        }
    }

    /// All weights that a text of `seq` tokens has.
    private static long weightsSeen(SelfAttention part, int seq) {
        try (var inner = TensorScope.open();
                var off = Gradients.off();
                var trace = Trace.recording(name -> name.endsWith("weights"))) {
            Tensor hidden = Tensor.zeros(DType.FLOAT32, 1, seq, HIDDEN);
            ForwardPass pass = ForwardPass.plain().withTrace(trace)
                    .withGlobals(Tensor.arange(0, seq).lt(2).to(DType.INT64).unsqueeze(0));
            part.forward(hidden, AttentionPattern.everything().prepare(hidden, pass), pass);
            return trace.values().values().stream().mapToLong(Tensor::count).sum();
        }
    }

    @Test
    void twice_as_long_a_text_has_twice_as_many_weights() {
        Weights weights = Weights.random(7);
        // Of each position 3 · 16 keys and 2 global ones; of each of these all; in 2 heads.
        assertThat(weightsSeen(windowed(weights, 16), 4096)).isEqualTo(2 * 4096 * (3 * 16 + 2 + 2L));
        assertThat(weightsSeen(windowed(weights, 16), 8192)).isEqualTo(2 * 8192 * (3 * 16 + 2 + 2L));
        // Five blocks of 16, but the two at the ends, which see all.
        assertThat(weightsSeen(blocks(weights, 16, 1), 4096)).isEqualTo(2 * 4096 * (2 * 16L) + 2 * (4096 - 32) * 80);
        assertThat(weightsSeen(blocks(weights, 16, 1), 8192)).isEqualTo(2 * 8192 * (2 * 16L) + 2 * (8192 - 32) * 80);
    }

    @Test
    void a_text_of_broken_blocks_is_refused() {
        Tensor hidden = hidden(1, 100, HIDDEN);
        assertThatThrownBy(() -> blocks(Weights.random(7), 3, 1).forward(hidden,
                AttentionPattern.everything().prepare(hidden, ForwardPass.plain()), ForwardPass.plain()))
                .hasMessage(
                        "Block-sparse attention needs texts that are a multiple of block_size (3), found 100 positions");
    }
}
