package dev.weft.nn;

import dev.weft.nn.Linear.Layout;

/// What a family asks for where it has a projection: enough for a [ProjectionPlan] to load it in any form, without a float
/// weight ever being made.
///
/// @param in     width of what it takes
/// @param out    width of what it gives
/// @param bias   whether a `bias [out]` lies beside the weight
/// @param layout which axis of a stored float weight is which
/// @param init   how new weights begin; new biases are zero
public record ProjectionSpec(int in, int out, boolean bias, Layout layout, Init init) {
    /// The plain one: `weight` and, where there is one, `bias` at this place.
    public Linear read(Weights weights) {
        return new Linear(
                layout == Layout.OUT_IN ? weights.get("weight", init, out, in) : weights.get("weight", init, in, out),
                bias ? weights.get("bias", Init.zeros(), out) : null, layout);
    }
}
