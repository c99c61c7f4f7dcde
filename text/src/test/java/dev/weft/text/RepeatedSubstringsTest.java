package dev.weft.text;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Collectors;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;

class RepeatedSubstringsTest {
    /// Words of few letters, so that much repeats.
    private static List<String> words(Random random) {
        var words = new ArrayList<String>();
        for (int i = 0; i < 1 + random.nextInt(20); i++) {
            words.add(random.ints(1 + random.nextInt(12), 'a', 'a' + 1 + random.nextInt(3)).collect(StringBuilder::new,
                    StringBuilder::appendCodePoint, StringBuilder::append).toString());
        }
        return words;
    }

    private static Map<String, Long> found(List<String> words, long[] counts, int longest, int limit) {
        int[] text = String.join("", words).chars().map(c -> c - 'a').toArray();
        int[] wordAt = new int[text.length];
        int[] ends = new int[words.size()];
        for (int w = 0, at = 0; w < ends.length; w++) {
            for (int i = 0; i < words.get(w).length(); i++) {
                wordAt[at++] = w;
            }
            ends[w] = at;
        }
        return new RepeatedSubstrings(text, wordAt, ends, counts, longest).best(limit).stream()
                .collect(Collectors.toMap(
                        f -> String.join("", words).substring(f.start(), f.start() + f.length()), f -> f.score()));
    }

    @Property(tries = 200)
    void a_substring_is_found_when_it_repeats_and_no_longer_one_repeats_as_often(@ForAll long seed) {
        var random = new Random(seed);
        List<String> words = words(random);
        long[] counts = random.longs(words.size(), 1, 4).toArray();
        int longest = 2 + random.nextInt(9);
        Map<String, Long> all = new HashMap<>();
        for (int w = 0; w < counts.length; w++) {
            String word = words.get(w);
            for (int from = 0; from < word.length(); from++) {
                for (int to = from + 1; to <= Math.min(word.length(), from + longest); to++) {
                    all.merge(word.substring(from, to), counts[w], Long::sum);
                }
            }
        }
        Map<String, Long> expected = new HashMap<>();
        all.forEach((text, count) -> {
            boolean grows = all.entrySet().stream().anyMatch(other -> other.getKey().length() == text.length() + 1
                    && other.getKey().startsWith(text) && other.getValue().equals(count));
            if (text.length() > 1 && count > 1 && !grows) {
                expected.put(text, count * text.length());
            }
        });
        assertThat(found(words, counts, longest, 10_000)).isEqualTo(expected);
    }

    @Test
    void the_best_are_those_that_save_most() {
        assertThat(found(List.of("abab", "abc"), new long[]{1, 5}, 16, 2))
                .containsExactlyInAnyOrderEntriesOf(Map.of("abc", 15L, "ab", 14L));
    }
}
