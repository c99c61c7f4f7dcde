package dev.weft.adapt;

import dev.weft.models.Backbone;
import dev.weft.nn.ProjectionPlan;
import dev.weft.nn.Weights;
import java.util.Map;

/// Where in a base an adapter goes.
interface AdapterPlan extends ProjectionPlan {
    AdapterConfig config();

    Map<String, LowRank> detours();

    default Backbone around(Backbone plain, Weights weights) {
        return plain;
    }

    /// @throws IllegalArgumentException if it found no place
    void requireSome(String where);
}
