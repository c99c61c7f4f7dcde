package dev.weft.adapt;

import dev.weft.models.backbone.Backbone;
import dev.weft.models.heads.PretrainedModel;
import dev.weft.nn.ProjectionPlan;
import dev.weft.nn.Weights;
import java.util.Map;

/// Where in a base an adapter goes.
interface AdapterPlan extends ProjectionPlan {
    AdapterConfig config();

    /// What has the projections around which the adapter goes.
    ProjectionPlan base();

    /// The plan of a model without the adapter that it wears.
    static ProjectionPlan below(PretrainedModel model) {
        ProjectionPlan plan = model.context().weights().plan();
        return plan instanceof AdapterPlan adapter ? adapter.base() : plan;
    }

    Map<String, LowRank> detours();

    default Backbone around(Backbone plain, Weights weights) {
        return plain;
    }

    /// @throws IllegalArgumentException if it found no place
    void requireSome(String where);
}
