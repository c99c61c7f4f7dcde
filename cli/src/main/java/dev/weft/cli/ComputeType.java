package dev.weft.cli;

import dev.weft.run.Precision;
import dev.weft.tensor.DType;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/// In what type a model computes, where a command lets its user say.
final class ComputeType {
    /// As users write them.
    enum Name {
        f32(DType.FLOAT32), bf16(DType.BFLOAT16);

        private final DType dtype;

        Name(DType dtype) {
            this.dtype = dtype;
        }
    }

    @Option(names = "--dtype", paramLabel = "f32|bf16", description = "What the model computes in. Default: bf16 for a checkpoint of 16 bits where the chip has it, else f32.")
    @Nullable
    Name asked;

    /// @param opening opens the model
    <T> T open(Supplier<T> opening) {
        return asked == null ? opening.get() : Precision.in(asked.dtype, opening);
    }
}
