package dev.weft.cli;

import dev.weft.run.Precision;
import dev.weft.tensor.DType;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/// In what type a model that is opened computes, where a command lets its user say.
final class PrecisionOption {
    private static final String AUTO = "auto";

    @Option(names = "--precision", defaultValue = AUTO, description = "float32, bfloat16, or auto: bfloat16 for a checkpoint of 16 bits where the processor has it. Default: ${DEFAULT-VALUE}.")
    String asked;

    /// The type asked for, or null for the usual one.
    @Nullable
    DType type() {
        return asked.equals(AUTO) ? null : DType.parse(asked);
    }

    /// @param opening opens the model
    <T> T open(Supplier<T> opening) {
        return asked.equals(AUTO) ? opening.get() : Precision.in(DType.parse(asked), opening);
    }
}
