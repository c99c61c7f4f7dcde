package dev.weft.train;

import dev.weft.nn.Activations;
import dev.weft.tensor.DType;
import dev.weft.tensor.Device;

/// How a run goes, beside its model, data, objective and optimizer.
///
/// @param steps           updates in all
/// @param microBatches    parts a step's batch is computed in, one after the other
/// @param clipNorm        the gradients' global norm is cut to this; 0 leaves it
/// @param precision       [DType#BFLOAT16] for mixed precision, else [DType#FLOAT32]
/// @param activations     kept, or computed again to save memory
/// @param evaluateEvery   steps between evaluations; 0 for none
/// @param patience        evaluations without a new best after which the run stops; 0 for never
/// @param checkpointEvery steps between checkpoints; 0 for one at the end alone
/// @param keepCheckpoints how many of the newest stay
/// @param logEvery        steps between lines of the log
/// @param seed            of dropout
public record Settings(long steps, int microBatches, double clipNorm, DType precision, Activations activations,
        long evaluateEvery, int patience, long checkpointEvery, int keepCheckpoints, long logEvery, long seed,
        Device device) {

    public Settings {
        positive("steps", steps);
        positive("microBatches", microBatches);
        positive("keepCheckpoints", keepCheckpoints);
        positive("logEvery", logEvery);
        if (evaluateEvery < 0 || patience < 0 || checkpointEvery < 0 || clipNorm < 0) {
            throw new IllegalArgumentException(
                    "evaluateEvery, patience, checkpointEvery and clipNorm must not be negative");
        }
    }

    private static void positive(String name, long value) {
        if (value < 1) {
            throw new IllegalArgumentException(name + " must be at least 1, found " + value);
        }
    }

    /// `steps` updates with clipping at 1, in the precision that is fast on this machine.
    public static Settings of(long steps) {
        DType precision = dev.weft.tensor.Engine.fastBfloat16(Device.CPU) ? DType.BFLOAT16 : DType.FLOAT32;
        return new Settings(steps, 1, 1.0, precision, Activations.KEPT, 0, 0, 0, 2, 1, 0, Device.CPU);
    }

    /// With a step made of so many batches, whose gradients are added up.
    public Settings withMicroBatches(int count) {
        return new Settings(steps, count, clipNorm, precision, activations, evaluateEvery, patience, checkpointEvery,
                keepCheckpoints, logEvery, seed, device);
    }

    /// With gradients scaled down to this length where they are longer; 0 leaves them.
    public Settings withClipNorm(double norm) {
        return new Settings(steps, microBatches, norm, precision, activations, evaluateEvery, patience, checkpointEvery,
                keepCheckpoints, logEvery, seed, device);
    }

    /// With matrix products in this type over float32 weights.
    public Settings withPrecision(DType dtype) {
        return new Settings(steps, microBatches, clipNorm, dtype, activations, evaluateEvery, patience, checkpointEvery,
                keepCheckpoints, logEvery, seed, device);
    }

    /// With activations kept, or computed again going backward.
    public Settings withActivations(Activations kept) {
        return new Settings(steps, microBatches, clipNorm, precision, kept, evaluateEvery, patience, checkpointEvery,
                keepCheckpoints, logEvery, seed, device);
    }

    /// Evaluates every `every` steps and stops after `patience` evaluations without a new best (0: never).
    public Settings withEvaluation(long every, int patience) {
        return new Settings(steps, microBatches, clipNorm, precision, activations, every, patience, checkpointEvery,
                keepCheckpoints, logEvery, seed, device);
    }

    /// With a checkpoint every so many steps, of which some are kept.
    public Settings withCheckpoints(long every, int keep) {
        return new Settings(steps, microBatches, clipNorm, precision, activations, evaluateEvery, patience, every, keep,
                logEvery, seed, device);
    }

    /// With a line of metrics every so many steps.
    public Settings withLogEvery(long every) {
        return new Settings(steps, microBatches, clipNorm, precision, activations, evaluateEvery, patience,
                checkpointEvery,
                keepCheckpoints, every, seed, device);
    }

    /// With another seed of order and dropout.
    public Settings withSeed(long seed) {
        return new Settings(steps, microBatches, clipNorm, precision, activations, evaluateEvery, patience,
                checkpointEvery,
                keepCheckpoints, logEvery, seed, device);
    }

    /// On a device, where the model must lie.
    public Settings withDevice(Device device) {
        return new Settings(steps, microBatches, clipNorm, precision, activations, evaluateEvery, patience,
                checkpointEvery,
                keepCheckpoints, logEvery, seed, device);
    }
}
