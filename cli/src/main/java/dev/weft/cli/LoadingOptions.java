package dev.weft.cli;

import dev.weft.models.Loading;
import dev.weft.tensor.DType;
import dev.weft.tensor.Device;
import picocli.CommandLine.Option;

/// Where, and in what type, a model that is opened computes, where a command lets its user say.
final class LoadingOptions {
    private static final String AUTO = "auto";

    @Option(names = "--precision", defaultValue = AUTO, description = "float32, bfloat16, or auto: bfloat16 for a checkpoint of 16 bits where the device is quick at it. Default: ${DEFAULT-VALUE}.")
    String precision;

    @Option(names = "--device", defaultValue = AUTO, description = "cpu, cuda, cuda:N, mps, or auto: a GPU where this build and this machine have one. Default: ${DEFAULT-VALUE}.")
    String device;

    Loading loading() {
        Loading loading = precision.equals(AUTO) ? Loading.usual() : Loading.in(DType.parse(precision));
        return loading.on(Device.parse(device));
    }
}
