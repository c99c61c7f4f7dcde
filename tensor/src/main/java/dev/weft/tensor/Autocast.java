package dev.weft.tensor;

import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.DeviceType;

/// Mixed precision while open: matrix products run in a narrower type over float32 weights (Micikevicius et al. 2018).
///
/// Belongs to the thread that opened it. Closing it clears the cache of narrowed weights, which would otherwise go
/// stale at the next update.
public final class Autocast implements AutoCloseable {
    private final DeviceType device;
    private final boolean before;
    private final boolean clears;

    private Autocast(DeviceType device, boolean before, boolean clears) {
        this.device = device;
        this.before = before;
        this.clears = clears;
    }

    /// With [DType#FLOAT32] nothing is narrowed.
    public static Autocast open(Device device, DType dtype) {
        Engine.start();
        DeviceType type = device.kind().type();
        var autocast = new Autocast(type, torch.is_autocast_enabled(type), true);
        boolean narrow = dtype == DType.BFLOAT16 || dtype == DType.FLOAT16;
        if (narrow) {
            torch.set_autocast_dtype(type, dtype.scalarType());
        }
        torch.set_autocast_enabled(type, narrow);
        return autocast;
    }

    /// The precision that is in force on this thread, to be taken up again later.
    public record Setting(Device device, DType dtype) {
        /// Takes it up again, until closed.
        public Autocast open() {
            return Autocast.open(device, dtype);
        }
    }

    /// What is in force on this thread for a device.
    public static Setting current(Device device) {
        DeviceType type = device.kind().type();
        return new Setting(device,
                torch.is_autocast_enabled(type) ? DType.of(torch.get_autocast_dtype(type)) : DType.FLOAT32);
    }

    static boolean active(Device device) {
        return torch.is_autocast_enabled(device.kind().type());
    }

    /// `x` as matrix products here will read it. For several products of one tensor: each would narrow it anew, and its
    /// gradient as often be widened.
    public static Tensor narrowed(Tensor x) {
        return x.dtype() == DType.FLOAT32 && active(x.device()) ? x.to(current(x.device()).dtype()) : x;
    }

    /// Every operation runs in the type of its operands while open; narrowed weights stay cached for what follows.
    public static Autocast paused(Device device) {
        DeviceType type = device.kind().type();
        var autocast = new Autocast(type, torch.is_autocast_enabled(type), false);
        torch.set_autocast_enabled(type, false);
        return autocast;
    }

    @Override
    public void close() {
        if (clears) {
            torch.clear_cache();
        }
        torch.set_autocast_enabled(device, before);
    }
}
