package dev.weft.run;

import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/// Phrases that must appear, and how many of them a text has (Hokamp & Liu 2017, with the banks of Post & Vilar 2018).
///
/// A phrase counts once its ids were generated one behind the other; one that is broken off has to begin anew, with the
/// next id at the earliest. As in the Python library, what stands in the prompt counts.
final class ForcedWords {
    /// Where one is inside a phrase, or between the alternatives that begin alike; without a continuation it is complete.
    private record Node(int depth, Map<Integer, Node> next) {
        int height() {
            return next.values().stream().mapToInt(Node::height).max().orElse(depth);
        }
    }

    private final List<Node> phrases = new ArrayList<>();
    private final int longest;

    /// @param words of each entry one of the alternatives
    /// @throws IllegalArgumentException if there is nothing in an entry, an id is unknown, or one alternative begins with
    ///                                  another
    ForcedWords(List<List<List<Integer>>> words, int vocab) {
        for (List<List<Integer>> alternatives : words) {
            if (alternatives.isEmpty() || alternatives.stream().anyMatch(List::isEmpty)) {
                throw new IllegalArgumentException(
                        "force_words_ids must not hold an empty phrase, found %s".formatted(alternatives));
            }
            alternatives.stream().flatMap(List::stream).filter(id -> id < 0 || id >= vocab).findFirst()
                    .ifPresent(id -> {
                        throw new IllegalArgumentException(
                                "force_words_ids: %d is outside the vocabulary of %d; was it made by another tokenizer?"
                                        .formatted(id, vocab));
                    });
            var root = new Node(0, new LinkedHashMap<>());
            for (List<Integer> phrase : alternatives) {
                Node node = root;
                for (int id : phrase) {
                    int depth = node.depth() + 1;
                    node = node.next().computeIfAbsent(id, none -> new Node(depth, new LinkedHashMap<>()));
                }
            }
            if (leaves(root) != alternatives.size()) {
                throw new IllegalArgumentException(
                        "force_words_ids: one alternative must not begin with another, or be there twice, found %s"
                                .formatted(alternatives));
            }
            phrases.add(root);
        }
        longest = phrases.stream().mapToInt(Node::height).max().orElse(0);
    }

    private static int leaves(Node node) {
        return node.next().isEmpty() ? 1 : node.next().values().stream().mapToInt(ForcedWords::leaves).sum();
    }

    /// Nothing of any phrase.
    Progress begin() {
        return new Progress(IntStream.range(0, phrases.size()).boxed().toList(), -1, null);
    }

    /// What a text has of the phrases so far.
    final class Progress {
        /// Those not begun.
        private final List<Integer> open;
        private final int current;
        private final @Nullable Node at;

        private Progress(List<Integer> open, int current, @Nullable Node at) {
            this.open = open;
            this.current = current;
            this.at = at;
        }

        boolean complete() {
            return open.isEmpty() && at == null;
        }

        /// How far the text has come; more is better, whatever its probability.
        int bank() {
            int complete = phrases.size() - open.size() - (at == null ? 0 : 1);
            return complete * longest + (at == null ? 0 : longest - phrases.get(current).height() + at.depth());
        }

        /// Ids that bring the text further.
        Collection<Integer> wanted() {
            return at != null
                    ? at.next().keySet()
                    : open.stream().flatMap(phrase -> phrases.get(phrase).next().keySet().stream()).toList();
        }

        Progress after(int id) {
            if (at != null) {
                Node node = at.next().get(id);
                if (node != null) {
                    return at(open, current, node);
                }
                var anew = new ArrayList<>(open);
                anew.add(current);
                return new Progress(anew, -1, null);
            }
            for (int phrase : open) {
                Node node = phrases.get(phrase).next().get(id);
                if (node != null) {
                    return at(open.stream().filter(other -> other != phrase).toList(), phrase, node);
                }
            }
            return this;
        }

        private Progress at(List<Integer> open, int phrase, Node node) {
            return node.next().isEmpty() ? new Progress(open, -1, null) : new Progress(open, phrase, node);
        }
    }
}
