package dev.weft.tensor;

import org.bytedeco.pytorch.global.torch.ScalarType;

/// Element types of a [Tensor].
public enum DType {
    FLOAT64(8, ScalarType.Double), FLOAT32(4, ScalarType.Float), FLOAT16(2, ScalarType.Half), BFLOAT16(2,
            ScalarType.BFloat16), INT64(8, ScalarType.Long), INT32(4, ScalarType.Int), INT16(2,
                    ScalarType.Short), INT8(1, ScalarType.Char), UINT8(1, ScalarType.Byte), BOOL(1, ScalarType.Bool);

    private final int bytes;
    private final ScalarType scalarType;

    DType(int bytes, ScalarType scalarType) {
        this.bytes = bytes;
        this.scalarType = scalarType;
    }

    /// Bytes of one element.
    public int bytes() {
        return bytes;
    }

    /// Whether it holds real numbers: float16, bfloat16, float32, float64.
    public boolean isFloating() {
        return ordinal() <= BFLOAT16.ordinal();
    }

    /// `float32`, `bfloat16`, …: the words of `config.json`.
    @Override
    public String toString() {
        return name().toLowerCase(java.util.Locale.ROOT);
    }

    /// Reads `float32`, `bfloat16`, … and the short forms `f32`, `bf16`, `f16`.
    public static DType parse(String text) {
        return switch (text.replace("torch.", "")) {
            case "float64", "f64", "double" -> FLOAT64;
            case "float32", "f32", "float" -> FLOAT32;
            case "float16", "f16", "half" -> FLOAT16;
            case "bfloat16", "bf16" -> BFLOAT16;
            default -> throw new IllegalArgumentException(
                    "Unknown number type '" + text + "'; choose float32, bfloat16, float16 or float64");
        };
    }

    ScalarType scalarType() {
        return scalarType;
    }

    static DType of(ScalarType type) {
        for (DType candidate : values()) {
            // JavaCPP makes an enum constant anew for every answer: compare the numbers.
            if (candidate.scalarType.value == type.value) {
                return candidate;
            }
        }
        throw new TensorException("Weft has no element type for LibTorch's " + type);
    }
}
