package dev.weft.run;

import static dev.weft.run.Generation.require;

import dev.weft.checkpoint.Json;
import tools.jackson.databind.JsonNode;

/// How the next id is chosen.
///
/// ```java
/// Sampling.topP(0.9).withTemperature(0.8).withSeed(7)
/// ```
/// What is begun with [#topP] and its like has that one bound and no other; [#greedy] has none either but a `topK` of 50,
/// as the Python library has it where someone samples and says no more.
///
/// @param doSample      drawn by its probability; else always the best
/// @param temperature   scores are divided by it; 0 means the best, as without sampling
/// @param topK          only so many best; 0 means all
/// @param topP          only the fewest best with this probability together; 1 means all, 0 the best alone
/// @param minP          only those with this share of the best one's probability; 0 means all
/// @param typicalP      only the most typical with this probability together; 1 means all
/// @param epsilonCutoff only those at least so probable; 0 means all
/// @param etaCutoff     the same with a bound that falls where much is possible; 0 means all
/// @param topH          only the best whose surprise together is so large a share of the whole; 1 means all
/// @param penaltyAlpha  above 0, contrastive search: of the `topK` best the one with the highest
///                      (1 − alpha) · probability − alpha · likeness to what stands there; 0 means the most probable
/// @param seed          the same seed gives the same text
public record Sampling(boolean doSample, double temperature, int topK, double topP, double minP, double typicalP,
        double epsilonCutoff, double etaCutoff, double topH, double penaltyAlpha, long seed) {
    private static final Sampling GREEDY = new Sampling(false, 1, 50, 1, 0, 1, 0, 0, 1, 0, 0);
    private static final Sampling ALL = new Sampling(true, 1, 0, 1, 0, 1, 0, 0, 1, 0, 0);

    public Sampling {
        require(typicalP > 0 && typicalP <= 1, "typical_p must lie above 0 and at most at 1, found %s", typicalP);
        require(epsilonCutoff >= 0 && epsilonCutoff < 1, "epsilon_cutoff must lie from 0 to below 1, found %s",
                epsilonCutoff);
        require(etaCutoff >= 0 && etaCutoff < 1, "eta_cutoff must lie from 0 to below 1, found %s", etaCutoff);
        require(temperature >= 0, "temperature must not be negative, found %s", temperature);
        require(topK >= 0, "top_k must not be negative (0 keeps all), found %s", topK);
        require(topP >= 0 && topP <= 1, "top_p must lie between 0 and 1, found %s", topP);
        require(topH > 0 && topH <= 1, "top_h must lie above 0 and at most at 1, found %s", topH);
        require(penaltyAlpha >= 0 && penaltyAlpha <= 1, "penalty_alpha must lie between 0 and 1, found %s",
                penaltyAlpha);
        require(minP >= 0 && minP <= 1, "min_p must lie between 0 and 1, found %s", minP);
    }

    /// No chance: always the best.
    public static Sampling greedy() {
        return GREEDY;
    }

    /// Any id, as probable as the model says.
    public static Sampling all() {
        return ALL;
    }

    /// Divides the scores: below 1 likelier ids gain, above 1 others do (Ackley et al. 1985).
    public static Sampling temperature(double temperature) {
        return ALL.withTemperature(temperature);
    }

    /// Keeps so many of the best ids (Fan et al. 2018).
    public static Sampling topK(int k) {
        return ALL.withTopK(k);
    }

    /// Keeps the best ids that together have this probability (Holtzman et al. 2020).
    public static Sampling topP(double p) {
        return ALL.withTopP(p);
    }

    /// Keeps ids with at least this share of the best one's probability (Nguyen et al. 2024).
    public static Sampling minP(double share) {
        return ALL.withMinP(share);
    }

    /// Contrastive search (Su et al. 2022): no chance, but of the `k` best the one that repeats least what stands there.
    ///
    /// @param alpha how much likeness counts beside probability, often 0.6
    public static Sampling contrastive(double alpha, int k) {
        return GREEDY.withTopK(k).with("penalty_alpha", alpha);
    }

    private Sampling with(String setting, Object value) {
        return with(Generation.setting(setting, value));
    }

    /// What `json` says in the words of `generation_config.json`; the rest stays.
    Sampling with(Json json) {
        return new Sampling(json.flag("do_sample", doSample), json.number("temperature", temperature),
                json.integer("top_k", topK), json.number("top_p", topP), json.number("min_p", minP),
                json.number("typical_p", typicalP), json.number("epsilon_cutoff", epsilonCutoff),
                json.number("eta_cutoff", etaCutoff), json.number("top_h", topH),
                json.number("penalty_alpha", penaltyAlpha), json.has("seed") ? seed(json) : seed);
    }

    private static long seed(Json json) {
        JsonNode value = json.node().get("seed");
        if (!value.isIntegralNumber() || !value.canConvertToLong()) {
            throw json.mustBe("seed", "a whole number of 64 bits");
        }
        return value.longValue();
    }

    /// With another temperature, above 0.
    public Sampling withTemperature(double temperature) {
        return with("temperature", temperature);
    }

    /// With so many of the best ids; 0 for all.
    public Sampling withTopK(int topK) {
        return with("top_k", topK);
    }

    /// With the best ids that together have this probability; 1 for all.
    public Sampling withTopP(double topP) {
        return with("top_p", topP);
    }

    /// With ids of at least this share of the best one's probability; 0 for all.
    public Sampling withMinP(double minP) {
        return with("min_p", minP);
    }

    /// With the most typical ids that together have this probability (Meister et al. 2023); 1 for all.
    public Sampling withTypicalP(double typicalP) {
        return with("typical_p", typicalP);
    }

    /// With ids of at least this probability (Hewitt et al. 2022); 0 for all.
    public Sampling withEpsilonCutoff(double epsilonCutoff) {
        return with("epsilon_cutoff", epsilonCutoff);
    }

    /// With ids above a bound that follows the entropy (Hewitt et al. 2022); 0 for all.
    public Sampling withEtaCutoff(double etaCutoff) {
        return with("eta_cutoff", etaCutoff);
    }

    /// With the best ids as far as their entropy stays below this share of the whole (Potraghloo et al. 2025); 1 for all.
    public Sampling withTopH(double topH) {
        return with("top_h", topH);
    }

    /// With other chance: the same seed draws the same ids.
    public Sampling withSeed(long seed) {
        return with("seed", seed);
    }

    /// Whether chance plays a part.
    boolean draws() {
        return doSample && temperature > 0;
    }
}
