package dev.weft.models;

import dev.weft.checkpoint.Json;
import dev.weft.nn.position.RopeScaling;
import dev.weft.nn.position.Rotary;
import java.util.List;
import tools.jackson.databind.node.ObjectNode;

/// Rotary settings in the forms that `config.json` has had: `rope_parameters`, alone or one for each type of layer, and
/// before it `rope_theta`, `rope_scaling` and a share of the head in one of several names.
///
/// @param theta   the base of the frequencies
/// @param share   which part of a head is turned
/// @param pairing which channels form a pair
/// @param scaling how frequencies are stretched
public record RopeConfig(double theta, double share, Rotary.Pairing pairing, RopeScaling scaling) {
    /// The whole head, in halves, not stretched: Llama's.
    public static RopeConfig of(double theta) {
        return new RopeConfig(theta, 1, Rotary.Pairing.HALVES, new RopeScaling.None());
    }

    /// With another part of a head turned.
    public RopeConfig withShare(double part) {
        return new RopeConfig(theta, part, pairing, scaling);
    }

    /// With pairs of channels that stand beside each other: the paper's.
    public RopeConfig ofNeighbours() {
        return new RopeConfig(theta, share, Rotary.Pairing.NEIGHBOURS, scaling);
    }

    /// Not stretched.
    RopeConfig unscaled() {
        return new RopeConfig(theta, share, pairing, new RopeScaling.None());
    }

    Rotary rotary(int headDim) {
        return new Rotary((int) (headDim * share), theta, pairing, scaling);
    }

    static RopeConfig read(Json config, RopeConfig usual) {
        return read(config, "", "rope_theta", usual);
    }

    /// @param share which part of a head is turned where the config does not say
    static Rotary read(Json config, int headDim, double share) {
        return read(config, of(10_000).withShare(share)).rotary(headDim);
    }

    /// For one type of layer.
    ///
    /// @param thetaName the old name of the base
    static RopeConfig read(Json config, String layerType, String thetaName, RopeConfig usual) {
        Json parameters = config.has("rope_parameters") ? config.object("rope_parameters") : null;
        if (parameters != null && parameters.has(layerType)) {
            parameters = parameters.object(layerType);
        }
        Json scaling = parameters != null
                ? parameters
                : config.has("rope_scaling") ? config.object("rope_scaling") : null;
        double base = config.number(config.first(thetaName, "rotary_emb_base"), usual.theta());
        double part = config.number(config.first("partial_rotary_factor", "rotary_pct"), usual.share());
        if (parameters != null) {
            base = parameters.number("rope_theta", base);
            part = parameters.number("partial_rotary_factor", part);
        }
        return new RopeConfig(base, part, usual.pairing(),
                scaling == null ? usual.scaling() : scaling(config, scaling));
    }

    /// That of local layers: the old form's one `rope_scaling` is that of the global ones.
    ///
    /// @param thetaName the old name of the base
    static RopeConfig nearby(Json config, String thetaName, RopeConfig usual) {
        RopeConfig nearby = read(config, "sliding_attention", thetaName, usual);
        return config.has("rope_parameters") ? nearby : nearby.unscaled();
    }

    /// How many positions a model of so many can tell apart.
    int positions(int trained) {
        return scaling instanceof RopeScaling.Dynamic ? Integer.MAX_VALUE : trained;
    }

    static int positions(Rotary rotary, int trained) {
        return rotary.scaling() instanceof RopeScaling.Dynamic ? Integer.MAX_VALUE : trained;
    }

    /// @param layerType for which layers, empty for all
    void write(ObjectNode config, String layerType) {
        if (layerType.isEmpty()) {
            config.put("rope_theta", theta);
            if (share != 1) {
                config.put("partial_rotary_factor", share);
            }
            if (!(scaling instanceof RopeScaling.None)) {
                config.set("rope_scaling", scalingNode());
            }
            return;
        }
        // The other layers' stand in the config already.
        ObjectNode global = config.has("rope_scaling")
                ? (ObjectNode) config.remove("rope_scaling")
                : Json.object()
                        .put("rope_type", "default");
        config.putObject("rope_parameters").set("full_attention", global.put("rope_theta", config.get("rope_theta")
                .doubleValue()));
        ((ObjectNode) config.get("rope_parameters")).set(layerType, scalingNode().put("rope_theta", theta));
    }

    private ObjectNode scalingNode() {
        ObjectNode node = Json.object();
        switch (scaling) {
            case RopeScaling.None() -> node.put("rope_type", "default");
            case RopeScaling.Linear(double factor) -> node.put("rope_type", "linear").put("factor", factor);
            case RopeScaling.Dynamic(double factor, int positions) ->
                node.put("rope_type", "dynamic").put("factor", factor);
            case RopeScaling.Llama3(double factor, double low, double high, int context) ->
                node.put("rope_type", "llama3").put("factor", factor).put("low_freq_factor", low)
                        .put("high_freq_factor", high).put("original_max_position_embeddings", context);
            case RopeScaling.Yarn(double factor, double fast, double slow, int context, boolean truncate, double scores) ->
                node.put("rope_type", "yarn").put("factor", factor).put("beta_fast", fast).put("beta_slow", slow)
                        .put("original_max_position_embeddings", context).put("truncate", truncate)
                        .put("attention_factor", scores);
            case RopeScaling.LongRope(List<Double> near, List<Double> far, int context, double scores) -> {
                node.put("rope_type", "longrope").put("original_max_position_embeddings", context)
                        .put("attention_factor", scores);
                near.forEach(node.putArray("short_factor")::add);
                far.forEach(node.putArray("long_factor")::add);
            }
        }
        return node;
    }

    private static RopeScaling scaling(Json config, Json scaling) {
        String type = scaling.text(scaling.first("rope_type", "type"), "default");
        int positions = config.positive(config.first("max_position_embeddings", "n_positions"), 2048);
        int context = scaling.positive("original_max_position_embeddings",
                config.positive("original_max_position_embeddings", positions));
        return switch (type) {
            case "default", "mrope" -> new RopeScaling.None();
            case "linear" -> new RopeScaling.Linear(scaling.number("factor"));
            case "dynamic" -> new RopeScaling.Dynamic(scaling.number("factor"), positions);
            case "llama3" -> new RopeScaling.Llama3(scaling.number("factor"), scaling.number("low_freq_factor"),
                    scaling.number("high_freq_factor"), context);
            case "yarn" -> {
                double factor = scaling.number("factor", (double) positions / context);
                yield new RopeScaling.Yarn(factor, scaling.number("beta_fast", 32), scaling.number("beta_slow", 1),
                        context, scaling.flag("truncate", true), scaling.number("attention_factor",
                                yarnScores(scaling, factor)));
            }
            case "longrope", "su" -> {
                // Where the config names the first context apart, the factor is the ratio of the two.
                double factor = config.has("original_max_position_embeddings")
                        ? (double) positions / context
                        : scaling.number("factor", (double) positions / context);
                double scores = factor <= 1 ? 1 : Math.sqrt(1 + Math.log(factor) / Math.log(context));
                yield new RopeScaling.LongRope(scaling.numbers("short_factor"), scaling.numbers("long_factor"),
                        context, scaling.number("attention_factor", scores));
            }
            default -> throw scaling.mustBe(scaling.first("rope_type", "type"),
                    "default, linear, dynamic, llama3, yarn or longrope");
        };
    }

    private static double yarnScores(Json scaling, double factor) {
        double above = scaling.number("mscale", 0);
        double below = scaling.number("mscale_all_dim", 0);
        return above != 0 && below != 0
                ? yarnScore(factor, above) / yarnScore(factor, below)
                : yarnScore(factor, 1);
    }

    private static double yarnScore(double factor, double scale) {
        return factor <= 1 ? 1 : 0.1 * scale * Math.log(factor) + 1;
    }
}
