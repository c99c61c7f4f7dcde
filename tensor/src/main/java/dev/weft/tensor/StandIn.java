package dev.weft.tensor;

import java.util.concurrent.atomic.LongAdder;

/// A device for tests where there is no GPU ([Device#STAND_IN]): its numbers lie in the CPU's memory, but what a GPU refuses is
/// refused, an operation on tensors of two devices, and each copy between the two is counted.
public final class StandIn {
    private static final LongAdder TO_DEVICE = new LongAdder();
    private static final LongAdder TO_HOST = new LongAdder();

    private StandIn() {}

    /// Copies so far in this process.
    ///
    /// @param toDevice from the host's memory
    /// @param toHost   to the host's memory, single numbers among them
    public record Copies(long toDevice, long toHost) {
        /// Those made after `before`.
        public Copies since(Copies before) {
            return new Copies(toDevice - before.toDevice, toHost - before.toHost);
        }
    }

    /// All that were made.
    public static Copies copies() {
        return new Copies(TO_DEVICE.sum(), TO_HOST.sum());
    }

    static void copied(boolean toDevice) {
        (toDevice ? TO_DEVICE : TO_HOST).increment();
    }

    /// Whether a result of these is there.
    ///
    /// @throws TensorException if one is there and another, of more than one number, is not
    static boolean holds(String operation, Tensor... arguments) {
        boolean some = false;
        for (Tensor argument : arguments) {
            some |= argument.standsIn();
        }
        if (some) {
            for (Tensor argument : arguments) {
                if (!argument.standsIn() && argument.dim() > 0) {
                    throw TensorException.refused(operation, arguments, new IllegalArgumentException(
                            "all tensors must be on one device, found some on the stand-in and one on the CPU"));
                }
            }
        }
        return some;
    }
}
