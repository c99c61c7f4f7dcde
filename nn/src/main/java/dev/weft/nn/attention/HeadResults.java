package dev.weft.nn.attention;

import dev.weft.nn.ForwardPass;
import dev.weft.nn.Linear;
import dev.weft.nn.Projection;
import dev.weft.nn.Trace;
import dev.weft.tensor.Tensor;

/// From what each head gathered to what attention gives.
final class HeadResults {
    private HeadResults() {}

    /// `[batch, heads, seq, headDim]` to `[batch, seq, hidden]`. A [Trace] sees `z`, what was gathered, and if it asks for it
    /// `result [batch, heads, seq, hidden]`, each head's share of the sum.
    static Tensor joined(Tensor gathered, Projection output, ForwardPass pass) {
        Trace trace = pass.trace();
        Tensor z = trace.tap("z", gathered);
        if (trace.listens("result") && output instanceof Linear linear) {
            Tensor weight = linear.layout() == Linear.Layout.OUT_IN ? linear.weight().transpose(0, 1) : linear.weight();
            // [heads · headDim, hidden] → [heads, headDim, hidden]
            Tensor rows = weight.reshape(z.size(1), z.size(3), -1).to(z.dtype());
            Tensor sum = trace.tap("result", z.matmul(rows)).sum(1, false);
            return linear.bias() == null ? sum : sum.add(linear.bias());
        }
        return output.forward(z.transpose(1, 2).reshape(z.size(0), z.size(2), z.size(1) * z.size(3)), pass.dropout());
    }
}
