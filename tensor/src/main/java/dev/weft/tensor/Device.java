package dev.weft.tensor;

import java.util.Locale;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.DeviceType;

/// Where a tensor lives: `cpu`, `cuda`, `cuda:1`, `mps`.
public record Device(Kind kind, int index) {
    /// MPS (Apple) is experimental.
    public enum Kind {
        CPU(DeviceType.CPU), CUDA(DeviceType.CUDA), MPS(DeviceType.MPS),
        /// See [dev.weft.tensor.StandIn].
        STAND_IN(DeviceType.CPU);

        private final DeviceType type;

        Kind(DeviceType type) {
            this.type = type;
        }

        DeviceType type() {
            return type;
        }

        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT).replace('_', '-');
        }
    }

    public static final Device CPU = new Device(Kind.CPU, 0);

    /// In place of a GPU in tests: [StandIn].
    public static final Device STAND_IN = new Device(Kind.STAND_IN, 0);

    /// Reads `cpu`, `cuda`, `cuda:N`, `mps` or `auto` (CUDA where there is one, else the CPU).
    ///
    /// @throws IllegalArgumentException if the words mean nothing, or the device is not there
    public static Device parse(String text) {
        Engine.start();
        String[] parts = text.toLowerCase(Locale.ROOT).split(":", 2);
        if (parts[0].equals("auto")) {
            return torch.cuda_is_available() ? new Device(Kind.CUDA, 0) : CPU;
        }
        for (Kind kind : Kind.values()) {
            if (kind.toString().equals(parts[0])) {
                return new Device(kind, index(text, parts)).present();
            }
        }
        throw new IllegalArgumentException("Unknown device '" + text + "'; choose cpu, cuda, cuda:N, mps or auto");
    }

    private static int index(String text, String[] parts) {
        if (parts.length == 1) {
            return 0;
        }
        if (!parts[1].matches("\\d{1,2}")) {
            throw new IllegalArgumentException("Device '" + text + "': what follows the colon must be a number");
        }
        return Integer.parseInt(parts[1]);
    }

    private Device present() {
        if (kind == Kind.CUDA && !torch.cuda_is_available()) {
            throw new IllegalArgumentException(
                    "No CUDA device can be used here; build with -Pcuda on a machine with an NVIDIA driver, or use cpu");
        }
        if (kind == Kind.MPS && !torch.hasMPS()) {
            throw new IllegalArgumentException("This build of LibTorch has no MPS; use cpu");
        }
        return this;
    }

    /// Whether it is the CPU itself, whose kernels are chosen by Weft's own measurements.
    public boolean isCpu() {
        return kind == Kind.CPU;
    }

    @Override
    public String toString() {
        return kind == Kind.CUDA ? kind + ":" + index : kind.toString();
    }
}
