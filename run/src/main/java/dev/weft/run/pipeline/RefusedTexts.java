package dev.weft.run.pipeline;

import java.util.Collections;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.IntFunction;
import org.jspecify.annotations.Nullable;

/// Some of the texts given together cannot be answered. Thrown before anything is computed, so that the others can be
/// given again without them: [Outcome#each] does.
public final class RefusedTexts extends IllegalArgumentException {
    private static final long serialVersionUID = 1L;

    private final TreeMap<Integer, String> reasons;

    private RefusedTexts(int texts, TreeMap<Integer, String> reasons) {
        super("%s %s%s".formatted(texts == 1 ? "The text" : "Text " + reasons.firstKey(),
                reasons.firstEntry().getValue(),
                reasons.size() == 1
                        ? ""
                        : " (and %d more of the %d texts are refused)".formatted(reasons.size() - 1, texts)));
        this.reasons = reasons;
    }

    /// Looks at all texts before it complains.
    ///
    /// @param problem what is wrong with the text of that number, such as `is empty; give at least one word`, or null
    public static void check(int texts, IntFunction<@Nullable String> problem) {
        var reasons = new TreeMap<Integer, String>();
        for (int i = 0; i < texts; i++) {
            String reason = problem.apply(i);
            if (reason != null) {
                reasons.put(i, reason);
            }
        }
        if (!reasons.isEmpty()) {
            throw new RefusedTexts(texts, reasons);
        }
    }

    /// Why, by the text's place in the list that was given; reads on from “The text …”.
    public SortedMap<Integer, String> reasons() {
        return Collections.unmodifiableSortedMap(reasons);
    }
}
