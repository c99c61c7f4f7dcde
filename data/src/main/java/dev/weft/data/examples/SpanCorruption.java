package dev.weft.data.examples;

import java.util.Arrays;
import java.util.Map;
import java.util.random.RandomGenerator;
import java.util.stream.IntStream;

/// T5's objective (Raffel et al. 2020, §3.1.4, <https://arxiv.org/abs/1910.10683>): spans of a text are each replaced by a
/// sentinel, and what stood there is to be written, behind the same sentinel. Numbers and lengths of spans are drawn as in
/// the authors' published code.
///
/// @param noiseDensity   share of the tokens that go: 0.15
/// @param meanSpan       mean length of a span: 3
/// @param firstSentinel  id of `<extra_id_0>`; the others lie below it
/// @param sentinels      how many there are
/// @param endId          ends input and labels
public record SpanCorruption(double noiseDensity, double meanSpan, int firstSentinel, int sentinels, int endId) {
    public SpanCorruption {
        if (!(noiseDensity > 0 && noiseDensity < 1) || !(meanSpan >= 1)) {
            throw new IllegalArgumentException(
                    "The noise density must lie between 0 and 1 and the mean span be 1 or more, found %s and %s"
                            .formatted(noiseDensity, meanSpan));
        }
    }

    /// T5's own numbers.
    public static SpanCorruption t5(int firstSentinel, int sentinels, int endId) {
        return new SpanCorruption(0.15, 3, firstSentinel, sentinels, endId);
    }

    private int noise(int length) {
        return Math.clamp((long) Math.rint(length * noiseDensity), 1, length - 1);
    }

    private int spans(int length) {
        int noise = noise(length);
        return Math.clamp((long) Math.rint(noise / meanSpan), 1, Math.min(noise, length - noise));
    }

    /// Tokens of the input that a text of so many becomes.
    public int inputLength(int length) {
        return length - noise(length) + spans(length) + 1;
    }

    /// Tokens of its labels.
    public int labelLength(int length) {
        return noise(length) + spans(length) + 1;
    }

    /// How long texts may be whose inputs have room in `inputLength` tokens.
    public int textLength(int inputLength) {
        int length = 2;
        while (inputLength(length + 1) <= inputLength) {
            length++;
        }
        return length;
    }

    /// @param ids of two tokens or more, without an end
    /// @return `input_ids` and `labels`
    /// @throws IllegalArgumentException if the text is too short, or there are fewer sentinels than spans
    public Map<String, int[]> corrupt(int[] ids, RandomGenerator random) {
        if (ids.length < 2) {
            throw new IllegalArgumentException("A text of %d tokens has no span to leave out".formatted(ids.length));
        }
        int noise = noise(ids.length);
        int spans = spans(ids.length);
        if (spans > sentinels) {
            throw new IllegalArgumentException(
                    "A text of %d tokens has %d spans, but there are %d sentinels; cut it to shorter ones"
                            .formatted(ids.length, spans, sentinels));
        }
        int[] gone = segments(noise, spans, random);
        int[] kept = segments(ids.length - noise, spans, random);
        int[] inputs = new int[inputLength(ids.length)];
        int[] labels = new int[labelLength(ids.length)];
        int at = 0;
        int input = 0;
        int label = 0;
        for (int span = 0; span < spans; span++) {
            System.arraycopy(ids, at, inputs, input, kept[span]);
            input += kept[span];
            inputs[input++] = firstSentinel - span;
            labels[label++] = firstSentinel - span;
            System.arraycopy(ids, at + kept[span], labels, label, gone[span]);
            label += gone[span];
            at += kept[span] + gone[span];
        }
        inputs[input] = endId;
        labels[label] = endId;
        return Map.of("input_ids", inputs, "labels", labels);
    }

    /// Lengths, 1 or more, of `parts` segments of `length` items: every way to cut is equally likely.
    private static int[] segments(int length, int parts, RandomGenerator random) {
        int[] places = IntStream.range(1, length).toArray();
        for (int i = 0; i < parts - 1; i++) {
            int other = i + random.nextInt(places.length - i);
            int swapped = places[i];
            places[i] = places[other];
            places[other] = swapped;
        }
        int[] cuts = IntStream.concat(Arrays.stream(places, 0, parts - 1), IntStream.of(0, length)).sorted().toArray();
        return IntStream.range(0, parts).map(i -> cuts[i + 1] - cuts[i]).toArray();
    }
}
