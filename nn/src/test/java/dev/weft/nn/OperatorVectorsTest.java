package dev.weft.nn;

import static org.assertj.core.api.Assertions.assertThat;

import dev.weft.nn.attention.Attention;
import dev.weft.nn.position.Rotary;
import dev.weft.tensor.DType;
import dev.weft.tensor.Device;
import dev.weft.tensor.Tensor;
import dev.weft.tensor.TensorScope;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// Our parts against the published vectors of the operators with the same meaning.
class OperatorVectorsTest {
    private TensorScope scope;

    @BeforeEach
    void open() {
        scope = TensorScope.open();
    }

    @AfterEach
    void close() {
        scope.close();
    }

    static List<Shared.Vector> attention() throws IOException {
        return Shared.vectors("attention", "Attention");
    }

    @ParameterizedTest
    @MethodSource("attention")
    void attention_is_the_published_operator(Shared.Vector vector) {
        double tolerance = vector.input("Q").dtype() == DType.FLOAT16 ? 2e-3 : 2e-5;
        try (var trace = Trace.recording(name -> true); var cache = new KvCache()) {
            Tensor explicit = attend(vector, trace, cache);
            assertThat(Shared.difference(explicit, vector.outputs().get("Y"))).isLessThan(tolerance);
            Tensor product = vector.outputs().get("qk_matmul_output");
            if (product != null && vector.attribute("qk_matmul_output_mode", 0) == 3) {
                assertThat(Shared.difference(trace.values().get("weights"), product)).isLessThan(tolerance);
            }
        }
        try (var cache = new KvCache()) {
            Tensor quiet = attend(vector, Trace.SILENT, cache);
            assertThat(Shared.difference(quiet, vector.outputs().get("Y"))).isLessThan(tolerance);
            if (vector.outputs().containsKey("present_key")) {
                assertThat(cache.length()).isEqualTo(vector.outputs().get("present_key").size(2));
                KvCache.Entry present = cache.append(0, emptyLike(vector, "present_key"),
                        emptyLike(vector, "present_value"));
                assertThat(Shared.difference(present.keys(), vector.outputs().get("present_key"))).isZero();
                assertThat(Shared.difference(present.values(), vector.outputs().get("present_value"))).isZero();
            }
        }
    }

    private static Tensor emptyLike(Shared.Vector vector, String output) {
        return vector.outputs().get(output).narrow(2, 0, 0);
    }

    private static Tensor attend(Shared.Vector vector, Trace trace, KvCache cache) {
        Tensor queries = heads(vector.input("Q"), vector.attribute("q_num_heads", 0));
        Tensor keys = heads(vector.input("K"), vector.attribute("kv_num_heads", 0));
        Tensor values = heads(vector.input("V"), vector.attribute("kv_num_heads", 0));
        if (vector.input("past_key") != null) {
            cache.append(0, vector.input("past_key"), vector.input("past_value"));
            KvCache.Entry all = cache.append(0, keys, values);
            keys = all.keys();
            values = all.values();
        }
        Tensor given = vector.input("attn_mask");
        if (given != null && given.size(-1) < keys.size(2)) {
            // A shorter mask hides what it does not reach.
            keys = keys.narrow(2, 0, given.size(-1));
            values = values.narrow(2, 0, given.size(-1));
        }
        AttentionMask mask = mask(vector, queries.size(2), keys.size(2));
        double scale = vector.attribute("scale", 1 / Math.sqrt(queries.size(3)));
        var attention = Attention.scaled((int) queries.size(3)).withScale(scale)
                .withSoftcap(vector.attribute("softcap", 0));
        Tensor out = attention.attend(queries, keys, values, mask.prepare(queries.size(2), keys.size(2), Device.CPU),
                Dropout.OFF,
                trace);
        return vector.input("Q").dim() == 3 ? out.transpose(1, 2).flatten(2, 3) : out;
    }

    private static AttentionMask mask(Shared.Vector vector, long querySeq, long keySeq) {
        AttentionMask mask = AttentionMask.none();
        Tensor given = vector.input("attn_mask");
        if (given != null) {
            mask = mask.and(given.dtype() == DType.BOOL ? AttentionMask.of(given) : AttentionMask.bias(given));
        }
        Tensor lengths = vector.input("nonpad_kv_seqlen");
        if (lengths != null) {
            Tensor keep = Tensor.arange(0, keySeq).unsqueeze(0).lt(lengths.unsqueeze(1));
            mask = mask.and(AttentionMask.padding(keep));
        }
        if (vector.attribute("is_causal", 0) == 1) {
            // The operator aligns the diagonal after the past keys, or at the end of the keys that are not padding.
            Tensor offset = lengths != null
                    ? lengths.sub(querySeq).view(-1, 1, 1, 1)
                    : Tensor.of(new long[]{vector.input("past_key") == null ? 0 : vector.input("past_key").size(2)}, 1,
                            1, 1, 1);
            Tensor last = Tensor.arange(0, querySeq).view(1, 1, -1, 1).add(offset);
            mask = mask.and(AttentionMask.of(Tensor.arange(0, keySeq).view(1, 1, 1, -1).le(last)));
        }
        return mask;
    }

    private static Tensor heads(Tensor x, double count) {
        return x.dim() == 4 ? x : x.view(x.size(0), x.size(1), (long) count, x.size(2) / (long) count).transpose(1, 2);
    }

    static List<Shared.Vector> normalization() throws IOException {
        return Shared.vectors("normalization", "LayerNormalization", "RMSNormalization");
    }

    @ParameterizedTest
    @MethodSource("normalization")
    void norms_are_the_published_operators(Shared.Vector vector) {
        double eps = vector.attribute("epsilon", 1e-5);
        Norm norm = vector.op().equals("RMSNormalization")
                ? new RmsNorm(vector.input("W"), eps)
                : new LayerNorm(vector.input("W"), vector.input("B"), eps);
        assertThat(Shared.difference(norm.forward(vector.input("X")), vector.outputs().get("Y"))).isLessThan(1e-5);
    }

    static List<Shared.Vector> rotary() throws IOException {
        return Shared.vectors("rotary", "RotaryEmbedding");
    }

    @ParameterizedTest
    @MethodSource("rotary")
    void rotary_turning_is_the_published_operator(Shared.Vector vector) {
        Tensor x = heads(vector.input("input"), vector.attribute("num_heads", 0));
        Tensor cos = vector.input("cos_cache");
        Tensor sin = vector.input("sin_cache");
        Tensor positions = vector.input("position_ids");
        if (positions != null) {
            long[] shape = {positions.size(0), positions.size(1), cos.size(1)};
            cos = cos.indexSelect(0, positions.flatten(0, 1)).view(shape);
            sin = sin.indexSelect(0, positions.flatten(0, 1)).view(shape);
        }
        var pairing = vector.attribute("interleaved", 0) == 1 ? Rotary.Pairing.NEIGHBOURS : Rotary.Pairing.HALVES;
        Tensor turned = new Rotary.Angles(cos.unsqueeze(1), sin.unsqueeze(1), pairing).turn(x);
        Tensor out = vector.input("input").dim() == 3 ? turned.transpose(1, 2).flatten(2, 3) : turned;
        assertThat(Shared.difference(out, vector.outputs().get("output"))).isLessThan(1e-5);
    }

    private static final Map<String, Activation> ACTIVATIONS = Map.of("Relu", Activation.RELU, "Sigmoid",
            Activation.SIGMOID,
            "Tanh", Activation.TANH);

    static Stream<Shared.Vector> activation() throws IOException {
        return Stream.concat(Shared.vectors("activation", "Gelu").stream(),
                Shared.vectors("activation", ACTIVATIONS.keySet().toArray(String[]::new)).stream());
    }

    @ParameterizedTest
    @MethodSource("activation")
    void activations_are_the_published_operators(Shared.Vector vector) {
        Activation activation = vector.op().equals("Gelu")
                ? vector.attribute("approximate", "none").equals("tanh") ? Activation.GELU_TANH : Activation.GELU
                : ACTIVATIONS.get(vector.op());
        String in = first(vector.inputs());
        String out = first(vector.outputs());
        assertThat(Shared.difference(activation.forward(vector.input(in)), vector.outputs().get(out))).isLessThan(1e-5);
    }

    private static String first(Map<String, @Nullable Tensor> slots) {
        return slots.keySet().iterator().next();
    }
}
