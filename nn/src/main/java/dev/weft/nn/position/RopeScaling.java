package dev.weft.nn.position;

import java.util.List;
import java.util.function.IntToDoubleFunction;

/// How rotary frequencies are stretched beyond the context a model was trained on.
public sealed interface RopeScaling {
    /// As trained.
    record None() implements RopeScaling {}

    /// Positions divided by a factor. Chen et al. 2023, <https://arxiv.org/abs/2306.15595>.
    record Linear(double factor) implements RopeScaling {}

    /// A larger base the further the text goes beyond the context: “dynamic NTK”.
    ///
    /// @param context positions of the training
    record Dynamic(double factor, int context) implements RopeScaling {}

    /// High frequencies kept, low ones divided by the factor, those between mixed: Llama 3.1.
    ///
    /// @param lowFreqFactor  wavelengths above context / lowFreqFactor are stretched in full
    /// @param highFreqFactor wavelengths below context / highFreqFactor stay
    record Llama3(double factor, double lowFreqFactor, double highFreqFactor, int context) implements RopeScaling {}

    /// YaRN: frequencies mixed by how often they turn within the context, and larger scores. Peng et al. 2023,
    /// <https://arxiv.org/abs/2309.00071>, §3.
    ///
    /// @param betaFast pairs that turn more often than this within the context stay
    /// @param betaSlow pairs that turn more seldom are divided by the factor
    /// @param truncate whether the border pairs are rounded outward to whole numbers
    /// @param scores   what cosines and sines are multiplied by
    record Yarn(double factor, double betaFast, double betaSlow, int context, boolean truncate, double scores)
            implements
                RopeScaling {}

    /// A divisor for each pair, one list for texts within the first context and one beyond it. Ding et al. 2024,
    /// <https://arxiv.org/abs/2402.13753>; Phi-3.
    ///
    /// @param scores what cosines and sines are multiplied by
    record LongRope(List<Double> shortFactors, List<Double> longFactors, int context, double scores)
            implements
                RopeScaling {}

    /// Inverse frequencies, one per pair of channels: `[dims / 2]`.
    ///
    /// @param length how many positions the text has
    default double[] inverseFrequencies(int dims, double theta, long length) {
        return switch (this) {
            case None() -> geometric(dims, theta);
            case Linear(double factor) -> divided(geometric(dims, theta), pair -> factor);
            case Dynamic(double factor, int context) -> {
                double stretch = factor * Math.max(length, context) / context - (factor - 1);
                yield geometric(dims, theta * Math.pow(stretch, dims / (dims - 2.0)));
            }
            case Llama3 llama3 -> llama3(llama3, geometric(dims, theta));
            case Yarn yarn -> yarn(yarn, geometric(dims, theta), dims, theta);
            case LongRope(List<Double> near, List<Double> far, int context, double scores) -> {
                List<Double> factors = length > context ? far : near;
                if (factors.size() != dims / 2) {
                    throw new IllegalArgumentException(
                            "rope_scaling: short_factor and long_factor need %d numbers, one per pair of channels, found %d"
                                    .formatted(dims / 2, factors.size()));
                }
                yield divided(geometric(dims, theta), factors::get);
            }
        };
    }

    /// Whether frequencies change with the length of the text.
    default boolean dependsOnLength() {
        return this instanceof Dynamic || this instanceof LongRope;
    }

    /// What cosines and sines are multiplied by.
    default double amplitude() {
        return switch (this) {
            case Yarn yarn -> yarn.scores();
            case LongRope longRope -> longRope.scores();
            case None none -> 1;
            case Linear linear -> 1;
            case Dynamic dynamic -> 1;
            case Llama3 llama3 -> 1;
        };
    }

    private static double[] geometric(int dims, double theta) {
        var frequencies = new double[dims / 2];
        for (int pair = 0; pair < frequencies.length; pair++) {
            frequencies[pair] = Math.pow(theta, -2.0 * pair / dims);
        }
        return frequencies;
    }

    private static double[] divided(double[] frequencies, IntToDoubleFunction factor) {
        for (int pair = 0; pair < frequencies.length; pair++) {
            frequencies[pair] /= factor.applyAsDouble(pair);
        }
        return frequencies;
    }

    private static double[] llama3(Llama3 scaling, double[] frequencies) {
        double longest = scaling.context() / scaling.lowFreqFactor();
        double shortest = scaling.context() / scaling.highFreqFactor();
        return divided(frequencies, pair -> {
            double wavelength = 2 * Math.PI / frequencies[pair];
            if (wavelength > longest) {
                return scaling.factor();
            }
            if (wavelength < shortest) {
                return 1;
            }
            double kept = (scaling.context() / wavelength - scaling.lowFreqFactor())
                    / (scaling.highFreqFactor() - scaling.lowFreqFactor());
            return 1 / ((1 - kept) / scaling.factor() + kept);
        });
    }

    private static double[] yarn(Yarn scaling, double[] frequencies, int dims, double theta) {
        double first = turning(scaling.betaFast(), scaling.context(), dims, theta);
        double last = turning(scaling.betaSlow(), scaling.context(), dims, theta);
        double low = Math.max(scaling.truncate() ? Math.floor(first) : first, 0);
        double high = Math.min(scaling.truncate() ? Math.ceil(last) : last, dims - 1);
        double width = high == low ? 0.001 : high - low;
        return divided(frequencies, pair -> {
            double stretched = Math.clamp((pair - low) / width, 0, 1);
            return 1 / (stretched / scaling.factor() + (1 - stretched));
        });
    }

    /// The pair (not rounded) that turns `times` times within the context.
    private static double turning(double times, int context, int dims, double theta) {
        return dims * Math.log(context / (times * 2 * Math.PI)) / (2 * Math.log(theta));
    }
}
