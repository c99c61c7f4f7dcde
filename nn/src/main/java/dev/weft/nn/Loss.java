package dev.weft.nn;

import dev.weft.tensor.Tensor;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;

/// A loss in terms, each as a sum and what it sums over, so that parts of a batch add up to the same as the whole: the
/// trainer divides each once per step by its true count.
///
/// @param terms one of most tasks; several where means over different things are added up
public record Loss(List<Term> terms) {
    /// @param sum    `[]`
    /// @param count  tokens, examples or numbers that it sums over
    /// @param weight of its mean among those of the others
    public record Term(Tensor sum, long count, double weight) {}

    /// One term that counts once.
    public static Loss of(Tensor sum, long count) {
        return new Loss(List.of(new Term(sum, count, 1)));
    }

    /// Both added up, this one's terms first.
    public Loss plus(Loss other) {
        return new Loss(Stream.concat(terms.stream(), other.terms.stream()).toList());
    }

    /// The same with all its terms weighted by a factor.
    public Loss times(double factor) {
        return new Loss(terms.stream().map(term -> new Term(term.sum, term.count, term.weight * factor)).toList());
    }

    /// What each term sums over.
    public long[] counts() {
        return terms.stream().mapToLong(Term::count).toArray();
    }

    /// Σ weight · sum / count, `[]`; not a number where nothing counts at all, as in the reference.
    public Tensor mean() {
        return mean(counts());
    }

    /// The same, divided by the counts of a whole that this is a part of. Terms of which the whole has nothing count as 0.
    ///
    /// @param counts one for each term
    public Tensor mean(long... counts) {
        if (Arrays.stream(counts).sum() == 0) {
            return terms.getFirst().sum().div(0);
        }
        Tensor total = null;
        for (int i = 0; i < counts.length; i++) {
            if (counts[i] > 0) {
                Tensor part = terms.get(i).sum().mul(terms.get(i).weight() / counts[i]);
                total = total == null ? part : total.add(part);
            }
        }
        return Objects.requireNonNull(total);
    }
}
