package dev.weft.data.examples;

import dev.weft.data.Example;
import java.util.Arrays;
import java.util.Map;
import java.util.random.RandomGenerator;

/// Masked language modelling (Devlin et al. 2019, §3.1, <https://arxiv.org/abs/1810.04805>): of the tokens chosen 80% become
/// the mask, 10% any token of the vocabulary, 10% stay; each is to be predicted.
///
/// @param maskId    id of `[MASK]`
/// @param vocabSize random tokens are drawn from all of it
/// @param share     each token, or each word, is chosen with this probability: 0.15
public record MaskedTokens(int maskId, int vocabSize, double share) {
    private static final double MASKED = 0.8;
    private static final double REPLACED = 0.9;

    public MaskedTokens {
        if (maskId < 0 || maskId >= vocabSize || !(share > 0 && share <= 1)) {
            throw new IllegalArgumentException(
                    "The mask must be one of the %d ids and the share above 0 and at most 1, found %d and %s"
                            .formatted(vocabSize, maskId, share));
        }
    }

    /// Each token by itself.
    ///
    /// @param special true for tokens that are never chosen: those that the tokenizer put around the text
    public Map<String, int[]> tokens(int[] ids, boolean[] special, RandomGenerator random) {
        int[] each = new int[ids.length];
        Arrays.setAll(each, i -> special[i] ? -1 : i);
        return words(ids, each, random);
    }

    /// Whole words: all tokens of a word are chosen together.
    ///
    /// @param wordIds number of the word that each token is part of, as the tokenizer gives it; −1 for tokens that are never
    ///                chosen. Two words beside each other have different numbers.
    /// @return `input_ids` and `labels`
    public Map<String, int[]> words(int[] ids, int[] wordIds, RandomGenerator random) {
        int[] masked = ids.clone();
        int[] labels = new int[ids.length];
        Arrays.fill(labels, Example.IGNORED);
        boolean chosen = false;
        for (int i = 0; i < ids.length; i++) {
            if (i == 0 || wordIds[i] != wordIds[i - 1]) {
                chosen = wordIds[i] >= 0 && random.nextDouble() < share;
            }
            if (chosen) {
                labels[i] = ids[i];
                double kind = random.nextDouble();
                masked[i] = kind < MASKED ? maskId : kind < REPLACED ? random.nextInt(vocabSize) : ids[i];
            }
        }
        return Map.of("input_ids", masked, "labels", labels);
    }
}
