package dev.weft.checkpoint;

import dev.weft.tensor.DType;
import java.util.Arrays;
import java.util.Optional;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/// How GGUF stores numbers: plainly, or in blocks of few bits that share a scale.
///
/// The blocks are those of ggml's `ggml-common.h`; what they mean is computed in the order of its reference, in float32
/// without fused steps, so that each number is the same to the last bit. In the formulas `d` is the scale of a block,
/// `m` its offset, `q` what the bits say.
enum GgmlType {
    F32(0, DType.FLOAT32), F16(1, DType.FLOAT16), BF16(30, DType.BFLOAT16), F64(28, DType.FLOAT64), I8(24,
            DType.INT8), I16(25, DType.INT16), I32(26, DType.INT32), I64(27, DType.INT64), Q4_0(2, 32, 18), Q4_1(3, 32,
                    20), Q5_0(6, 32, 22), Q5_1(7, 32, 24), Q8_0(8, 32, 34), Q4_K(12, 256, 144), Q5_K(13, 256,
                            176), Q6_K(
                                    14, 256, 210);

    private final int number;
    private final @Nullable DType plain;
    private final int blockElements;
    private final int blockBytes;

    GgmlType(int number, DType plain) {
        this.number = number;
        this.plain = plain;
        blockElements = 1;
        blockBytes = plain.bytes();
    }

    GgmlType(int number, int blockElements, int blockBytes) {
        this.number = number;
        plain = null;
        this.blockElements = blockElements;
        this.blockBytes = blockBytes;
    }

    static Optional<GgmlType> of(int number) {
        return Arrays.stream(values()).filter(type -> type.number == number).findFirst();
    }

    static String known() {
        return Arrays.stream(values()).map(Enum::name).collect(Collectors.joining(", "));
    }

    /// What its tensors are: float32 where it has to be widened.
    DType dtype() {
        return plain == null ? DType.FLOAT32 : plain;
    }

    boolean isPlain() {
        return plain != null;
    }

    int blockElements() {
        return blockElements;
    }

    int blockBytes() {
        return blockBytes;
    }

    /// Widens whole blocks.
    void widen(byte[] in, int blocks, float[] out) {
        for (int block = 0; block < blocks; block++) {
            int at = block * blockBytes;
            int to = block * blockElements;
            switch (this) {
                case Q8_0 -> widenQ80(in, at, out, to);
                case Q4_0 -> widenQ40(in, at, out, to);
                case Q4_1 -> widenQ41(in, at, out, to);
                case Q5_0 -> widenQ50(in, at, out, to);
                case Q5_1 -> widenQ51(in, at, out, to);
                case Q4_K -> widenQ4K(in, at, out, to);
                case Q5_K -> widenQ5K(in, at, out, to);
                case Q6_K -> widenQ6K(in, at, out, to);
                case F32, F16, BF16, F64, I8, I16, I32, I64 -> throw new IllegalStateException(this + " is plain");
            }
        }
    }

    /// d · q: d in float16, 32 bytes of q.
    private static void widenQ80(byte[] in, int at, float[] out, int to) {
        float d = half(in, at);
        for (int i = 0; i < 32; i++) {
            out[to + i] = d * in[at + 2 + i];
        }
    }

    /// d · (q − 8): d, then 16 bytes, each q of an element of the first half below that of the second.
    private static void widenQ40(byte[] in, int at, float[] out, int to) {
        float d = half(in, at);
        for (int i = 0; i < 16; i++) {
            int pair = in[at + 2 + i];
            out[to + i] = d * ((pair & 15) - 8);
            out[to + 16 + i] = d * ((pair >> 4 & 15) - 8);
        }
    }

    /// d · q + m: d, m, and the q as in Q4_0.
    private static void widenQ41(byte[] in, int at, float[] out, int to) {
        float d = half(in, at);
        float m = half(in, at + 2);
        for (int i = 0; i < 16; i++) {
            int pair = in[at + 4 + i];
            out[to + i] = d * (pair & 15) + m;
            out[to + 16 + i] = d * (pair >> 4 & 15) + m;
        }
    }

    /// d · (q − 16): d, the fifth bits of the 32 q, the lower four as in Q4_0.
    private static void widenQ50(byte[] in, int at, float[] out, int to) {
        float d = half(in, at);
        int high = integer(in, at + 2);
        for (int i = 0; i < 16; i++) {
            int pair = in[at + 6 + i];
            out[to + i] = d * ((pair & 15 | (high >> i & 1) << 4) - 16);
            out[to + 16 + i] = d * ((pair >> 4 & 15 | (high >> i + 16 & 1) << 4) - 16);
        }
    }

    /// d · q + m: d, m, and the q as in Q5_0.
    private static void widenQ51(byte[] in, int at, float[] out, int to) {
        float d = half(in, at);
        float m = half(in, at + 2);
        int high = integer(in, at + 4);
        for (int i = 0; i < 16; i++) {
            int pair = in[at + 8 + i];
            out[to + i] = d * (pair & 15 | (high >> i & 1) << 4) + m;
            out[to + 16 + i] = d * (pair >> 4 & 15 | (high >> i + 16 & 1) << 4) + m;
        }
    }

    /// (d · s) · q − (e · t): d and e, then 8 pairs of six bits s and t, one for each 32 elements, then the q: 32 bytes
    /// hold two times 32 elements, the first in the lower halves.
    private static void widenQ4K(byte[] in, int at, float[] out, int to) {
        float d = half(in, at);
        float e = half(in, at + 2);
        for (int group = 0; group < 8; group += 2) {
            float scale = d * scale(in, at + 4, group);
            float offset = e * offset(in, at + 4, group);
            float nextScale = d * scale(in, at + 4, group + 1);
            float nextOffset = e * offset(in, at + 4, group + 1);
            int bits = at + 16 + group * 16;
            int first = to + group * 32;
            for (int i = 0; i < 32; i++) {
                out[first + i] = scale * (in[bits + i] & 15) - offset;
                out[first + 32 + i] = nextScale * (in[bits + i] >> 4 & 15) - nextOffset;
            }
        }
    }

    /// As Q4_K, with the fifth bits of all q before the lower ones: byte i has that of element i of each 32.
    private static void widenQ5K(byte[] in, int at, float[] out, int to) {
        float d = half(in, at);
        float e = half(in, at + 2);
        for (int group = 0; group < 8; group++) {
            float scale = d * scale(in, at + 4, group);
            float offset = e * offset(in, at + 4, group);
            int high = at + 16;
            int bits = at + 48 + group / 2 * 32;
            int shift = group % 2 * 4;
            for (int i = 0; i < 32; i++) {
                out[to + group * 32 + i] = scale * (in[bits + i] >> shift & 15 | (in[high + i] >> group & 1) << 4)
                        - offset;
            }
        }
    }

    /// (d · s) · (q − 32): the lower four bits of all q, the upper two, 16 bytes s, one for each 16 elements, then d.
    private static void widenQ6K(byte[] in, int at, float[] out, int to) {
        float d = half(in, at + 208);
        for (int part = 0; part < 16; part++) {
            // 16 elements; of 128 the first 64 lie in the lower four bits of 64 bytes, the others above them.
            int low = at + part / 8 * 64 + part % 4 * 16;
            int high = at + 128 + part / 8 * 32 + part % 2 * 16;
            int lowShift = part / 4 % 2 * 4;
            int highShift = part / 2 % 4 * 2;
            float scale = d * in[at + 192 + part];
            for (int i = 0; i < 16; i++) {
                int q = in[low + i] >> lowShift & 15 | (in[high + i] >> highShift & 3) << 4;
                out[to + part * 16 + i] = scale * (q - 32);
            }
        }
    }

    /// Six bits: the first four whole in bytes 0 to 3, the others as lower four in bytes 8 to 11, upper two above the first.
    private static int scale(byte[] in, int at, int group) {
        return group < 4 ? in[at + group] & 63 : in[at + group + 4] & 15 | (in[at + group - 4] >> 6 & 3) << 4;
    }

    private static int offset(byte[] in, int at, int group) {
        return group < 4 ? in[at + group + 4] & 63 : in[at + group + 4] >> 4 & 15 | (in[at + group] >> 6 & 3) << 4;
    }

    private static float half(byte[] in, int at) {
        return Float.float16ToFloat((short) (in[at] & 255 | in[at + 1] << 8));
    }

    private static int integer(byte[] in, int at) {
        return in[at] & 255 | (in[at + 1] & 255) << 8 | (in[at + 2] & 255) << 16 | in[at + 3] << 24;
    }
}
