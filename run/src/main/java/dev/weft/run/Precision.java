package dev.weft.run;

import dev.weft.checkpoint.AdapterFolder;
import dev.weft.checkpoint.CheckpointWeights;
import dev.weft.checkpoint.ModelFolder;
import dev.weft.models.AdapterLoader;
import dev.weft.models.Models;
import dev.weft.models.heads.Head;
import dev.weft.tensor.DType;
import dev.weft.tensor.Device;
import dev.weft.tensor.Engine;
import java.nio.file.Path;
import java.util.Optional;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/// The type in which a model that is opened here computes.
///
/// Unless somebody says otherwise, a checkpoint of 16 bits computes in bfloat16 where the chip has it, and everything else
/// in float32. Half the bytes are half the time of a token that is generated.
///
/// ```java
/// try (var embedder = Precision.in(DType.BFLOAT16, () -> Pipelines.embeddings(Path.of("models/minilm")))) {
///     float[] vector = embedder.embed("half the bytes");
/// }
/// ```
public final class Precision {
    private static final ThreadLocal<@Nullable DType> ASKED = new ThreadLocal<>();

    private Precision() {}

    /// Opens something with its weights in this type: float32 or bfloat16, or float16 on a device that has it.
    ///
    /// @param opening opens models on the calling thread
    public static <T> T in(DType dtype, Supplier<T> opening) {
        if (!dtype.isFloating()) {
            throw new IllegalArgumentException("a model computes in a floating type, asked for " + dtype);
        }
        DType before = ASKED.get();
        ASKED.set(dtype);
        try {
            return opening.get();
        } finally {
            ASKED.set(before);
        }
    }

    /// The model of a folder, or of an adapter's folder the base with the adapter, in the type asked for, or else the usual one.
    public static Head load(Path folder) {
        Optional<AdapterFolder> adapter = AdapterFolder.find(folder);
        if (adapter.isEmpty()) {
            ModelFolder opened = ModelFolder.open(folder);
            return load(opened, Models.architecture(opened.config()));
        }
        try (CheckpointWeights source = CheckpointWeights.open(adapter.get().opened())) {
            DType asked = ASKED.get();
            return AdapterLoader.here(adapter.get()).load(adapter.get(), asked == null ? usual(source) : asked);
        }
    }

    /// A folder's model as a class of the Python library, in the type asked for, or else the usual one.
    public static Head load(ModelFolder folder, String architecture) {
        try (CheckpointWeights source = CheckpointWeights.open(folder)) {
            DType asked = ASKED.get();
            return Models.load(folder, architecture, source.as(asked == null ? usual(source) : asked));
        }
    }

    private static DType usual(CheckpointWeights source) {
        DType stored = source.storedType();
        boolean half = stored == DType.BFLOAT16 || stored == DType.FLOAT16;
        return half && Engine.fastBfloat16(Device.CPU) ? DType.BFLOAT16 : DType.FLOAT32;
    }
}
