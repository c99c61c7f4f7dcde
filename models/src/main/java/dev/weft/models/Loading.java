package dev.weft.models;

import dev.weft.checkpoint.CheckpointWeights;
import dev.weft.nn.ProjectionPlan;
import dev.weft.nn.WeightSource;
import dev.weft.tensor.DType;
import dev.weft.tensor.Device;
import dev.weft.tensor.Engine;

/// How a model is opened: in what type its weights are, where they lie, whether they will be trained, and in what form its
/// projections are.
///
/// ```java
/// var loading = Loading.usual().on(Device.parse("cuda"));
/// try (var model = Models.load(Path.of("models/qwen"), loading)) { … }
/// ```
///
/// @param numbers the type of the weights
/// @param device  where they go as they are read, and where the model then computes: what it is given must lie there
/// @param trained memory of their own, marked as trained, instead of views of the mapped file
/// @param plan    which projection each place gets
public record Loading(Numbers numbers, Device device, boolean trained, ProjectionPlan plan) {
    /// The type in which a model's weights are held, and in which it computes.
    public sealed interface Numbers {
        /// bfloat16 for a checkpoint of 16 bits where the device is quick at it, else float32. Half the bytes are half the time
        /// of a token that is generated.
        record Usual() implements Numbers {}

        /// What the file has.
        record AsStored() implements Numbers {}

        /// This one, whatever the file has.
        record Of(DType dtype) implements Numbers {
            public Of {
                if (!dtype.isFloating()) {
                    throw new IllegalArgumentException("a model computes in a floating type, asked for " + dtype);
                }
            }
        }
    }

    /// Weights of this type on the CPU, mapped into memory where the file has that type: for reading, not for training.
    public static Loading in(DType dtype) {
        return new Loading(new Numbers.Of(dtype), Device.CPU, false, ProjectionPlan.PLAIN);
    }

    /// In the type that is quick here: see [Numbers.Usual].
    public static Loading usual() {
        return new Loading(new Numbers.Usual(), Device.CPU, false, ProjectionPlan.PLAIN);
    }

    /// In the types of the file, on the CPU.
    public static Loading asStored() {
        return new Loading(new Numbers.AsStored(), Device.CPU, false, ProjectionPlan.PLAIN);
    }

    /// In float32, ready to train.
    public static Loading toTrain() {
        return new Loading(new Numbers.Of(DType.FLOAT32), Device.CPU, true, ProjectionPlan.PLAIN);
    }

    /// On a device.
    public Loading on(Device device) {
        return new Loading(numbers, device, trained, plan);
    }

    /// With projections in another form: quantized, adapted, a part.
    public Loading with(ProjectionPlan plan) {
        return new Loading(numbers, device, trained, plan);
    }

    /// The weights of an open checkpoint as they are wanted.
    WeightSource of(CheckpointWeights stored) {
        CheckpointWeights typed = switch (numbers) {
            case Numbers.AsStored() -> stored.asStored();
            case Numbers.Of(DType dtype) -> stored.as(dtype);
            case Numbers.Usual() -> stored.as(usual(stored.storedType()));
        };
        return (trained ? typed.forTraining() : typed).on(device);
    }

    private DType usual(DType stored) {
        boolean half = stored == DType.BFLOAT16 || stored == DType.FLOAT16;
        return half && Engine.fastBfloat16(device) ? DType.BFLOAT16 : DType.FLOAT32;
    }
}
