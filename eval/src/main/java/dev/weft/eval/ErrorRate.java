package dev.weft.eval;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// Word and character error rate: how many substitutions, deletions and insertions lead from what was to be heard to what
/// was heard, per word or character of the former. Of a corpus: all errors over all words. May exceed 1.
///
/// Words are what lies between white space; nothing is lowercased and no punctuation removed, so normalise both sides
/// first where that is the custom (`add` takes any text). Same totals as jiwer's defaults.
public final class ErrorRate implements Metric<String, String> {
    /// Of all alignments with the fewest errors, one with the most hits.
    ///
    /// @param hits          units that are right
    /// @param substitutions one for another
    /// @param deletions     expected, and missing
    /// @param insertions    not expected
    public record Errors(long hits, long substitutions, long deletions, long insertions) {
        public long total() {
            return substitutions + deletions + insertions;
        }

        /// How many were expected.
        public long expected() {
            return hits + substitutions + deletions;
        }

        public Errors plus(Errors other) {
            return new Errors(hits + other.hits, substitutions + other.substitutions, deletions + other.deletions,
                    insertions + other.insertions);
        }
    }

    private static final long ERROR = 1L << 32;
    private static final long HIT = -1;

    private final boolean characters;
    private final Seen seen;
    private Errors errors = new Errors(0, 0, 0, 0);

    private ErrorRate(boolean characters) {
        this.characters = characters;
        this.seen = new Seen(characters ? "CER" : "WER");
    }

    /// WER.
    public static ErrorRate words() {
        return new ErrorRate(false);
    }

    /// CER: Unicode characters, spaces between words too, those at the ends not.
    public static ErrorRate characters() {
        return new ErrorRate(true);
    }

    @Override
    public void add(String heard, String expected) {
        errors = errors.plus(errors(units(heard), units(expected)));
        seen.add();
    }

    private List<String> units(String text) {
        return characters ? Words.characters(Words.strip(text)) : Words.of(text);
    }

    /// The fewest edits from what was expected to what was heard.
    public static Errors errors(List<String> heard, List<String> expected) {
        // best[j]: from the expected words so far to the first j heard; an error weighs more than any number of hits
        var best = new long[heard.size() + 1];
        for (int j = 0; j < best.length; j++) {
            best[j] = j * ERROR;
        }
        for (String word : expected) {
            long diagonal = best[0];
            best[0] += ERROR;
            for (int j = 1; j < best.length; j++) {
                long across = diagonal + (word.equals(heard.get(j - 1)) ? HIT : ERROR);
                diagonal = best[j];
                best[j] = Math.min(across, ERROR + Math.min(best[j], best[j - 1]));
            }
        }
        long errors = Math.ceilDiv(best[heard.size()], ERROR);
        long hits = errors * ERROR - best[heard.size()];
        // Both texts together have each hit and each substitution twice, all else once.
        long substitutions = expected.size() + heard.size() - 2 * hits - errors;
        return new Errors(hits, substitutions, expected.size() - hits - substitutions,
                heard.size() - hits - substitutions);
    }

    public Errors errors() {
        return errors;
    }

    public double rate() {
        seen.some();
        if (errors.expected() == 0) {
            throw new IllegalArgumentException("%s: all %d references are empty, so there is nothing to divide by"
                    .formatted(characters ? "CER" : "WER", seen.some()));
        }
        return (double) errors.total() / errors.expected();
    }

    @Override
    public Map<String, Double> values() {
        var values = new LinkedHashMap<String, Double>();
        String name = characters ? "cer" : "wer";
        values.put(name, rate());
        values.put(name + "_substitutions", (double) errors.substitutions);
        values.put(name + "_deletions", (double) errors.deletions);
        values.put(name + "_insertions", (double) errors.insertions);
        return values;
    }
}
