package dev.weft.models;

import dev.weft.checkpoint.Json;
import dev.weft.nn.position.RopeScaling;
import dev.weft.nn.position.Rotary;

/// Rotary settings in the forms that `config.json` has had: `rope_parameters`, alone or one for each type of layer, and
/// before it `rope_theta`, `rope_scaling` and a share of the head in one of several names.
final class RopeConfig {
    private RopeConfig() {}

    /// @param headDim channels of a head
    /// @param share   which part of them is turned where the config does not say
    static Rotary read(Json config, int headDim, double share) {
        return read(config, "", headDim, share, "rope_theta", 10_000);
    }

    /// For one type of layer.
    ///
    /// @param thetaName the old name of the base
    /// @param theta     the base where the config does not say
    static Rotary read(Json config, String layerType, int headDim, double share, String thetaName, double theta) {
        Json parameters = config.has("rope_parameters") ? config.object("rope_parameters") : null;
        if (parameters != null && parameters.has(layerType)) {
            parameters = parameters.object(layerType);
        }
        Json scaling = parameters != null
                ? parameters
                : config.has("rope_scaling") ? config.object("rope_scaling") : null;
        double base = config.number(config.first(thetaName, "rotary_emb_base"), theta);
        double part = config.number(config.first("partial_rotary_factor", "rotary_pct"), share);
        if (parameters != null) {
            base = parameters.number("rope_theta", base);
            part = parameters.number("partial_rotary_factor", part);
        }
        RopeScaling how = scaling == null ? new RopeScaling.None() : scaling(config, scaling);
        return new Rotary((int) (headDim * part), base, Rotary.Pairing.HALVES, how);
    }

    /// How many positions a model of so many can tell apart.
    static int positions(Rotary rotary, int trained) {
        return rotary.scaling() instanceof RopeScaling.Dynamic ? Integer.MAX_VALUE : trained;
    }

    /// The same, not stretched: the local layers of Gemma 3 in old configs.
    static Rotary unscaled(Rotary rotary) {
        return Rotary.plain(rotary.dims(), rotary.theta(), rotary.pairing());
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
