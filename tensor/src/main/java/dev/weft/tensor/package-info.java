/// The only door to LibTorch: tensors, native memory, gradients, random numbers, devices, threads.
///
/// Read [dev.weft.tensor.Tensor] first, then [dev.weft.tensor.TensorScope] (who frees native memory),
/// [dev.weft.tensor.Gradients] (autograd and operations with a gradient of their own) and
/// [dev.weft.tensor.Engine] (how LibTorch is set up).
///
/// Before this room: nothing. After it: `nn`. No other room imports `org.bytedeco`.
@NullMarked
package dev.weft.tensor;

import org.jspecify.annotations.NullMarked;
