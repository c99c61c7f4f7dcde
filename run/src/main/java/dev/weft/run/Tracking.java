package dev.weft.run;

import dev.weft.grammar.Automaton;
import dev.weft.grammar.TokenIds;
import dev.weft.tensor.Tensor;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/// Where the texts of one generation stand, and what each may go on with.
///
/// A row is known by its ids: beams change places, and drafts are taken back. What was found out of a row is used again
/// where it is the beginning of one.
final class Tracking implements ScoreStep {
    private final Automaton automaton;
    private final TokenIds tokens;
    private final Generation options;
    private final int[] room;
    /// For each prompt, whether it leaves no text behind.
    private final boolean[] first;
    /// Whether the first id is not the model's to choose.
    private final boolean forcesFirst;
    private Row[] rows = new Row[0];
    /// What is added to the scores, `[rows, vocab]`.
    private float[] added = new float[0];

    /// @param ids   what was generated, the first `count` of it
    /// @param state null if the ids are not allowed: a row that is over
    /// @param first whether no text stands before the next id
    private record Row(int[] ids, int count, Automaton.@Nullable State state, boolean first) {}

    Tracking(Automaton automaton, TokenIds tokens, Prompts prompts, Generation options, int[] room) {
        this.automaton = automaton;
        this.tokens = tokens;
        this.options = options;
        this.room = room;
        forcesFirst = options.forced().first().isPresent() && prompts.length() == 1;
        first = new boolean[prompts.rows()];
        for (int row = 0; row < first.length; row++) {
            int[] ids = prompts.ids()[row];
            first[row] = !tokens.begun(Arrays.copyOfRange(ids, ids.length - prompts.realLength(row), ids.length));
        }
    }

    @Override
    public Tensor apply(Sequences ids, Tensor scores) {
        if (forcesFirst && ids.newTokens() == 0) {
            return scores;
        }
        var now = new Row[ids.rows()];
        int vocab = (int) scores.size(-1);
        if (added.length != now.length * vocab) {
            added = new float[now.length * vocab];
        }
        for (int row = 0; row < now.length; row++) {
            now[row] = row(ids, row);
            allow(now[row], ids.ended(row), room[promptOf(row, now.length)] - ids.newTokens(), row * vocab, vocab);
        }
        rows = now;
        Tensor allowed = scores.add(Tensor.of(added, now.length, vocab).to(scores.device()));
        check(ids, allowed.max(-1, false).toFloats());
        return allowed;
    }

    private int promptOf(int row, int count) {
        return row / (count / room.length);
    }

    // ---- where a row stands ----

    private Row row(Sequences ids, int row) {
        int count = ids.newTokens();
        Row known = found(ids, row, count);
        if (known == null) {
            known = new Row(new int[Math.max(16, count)], 0, automaton.start(), first[promptOf(row, ids.rows())]);
        }
        // Its own array it may write on in; that of another row stays the other's.
        int[] mine = row < rows.length && known == rows[row] ? known.ids() : known.ids().clone();
        mine = mine.length < count ? Arrays.copyOf(mine, Math.max(count, 2 * mine.length)) : mine;
        Automaton.State state = known.state();
        boolean begins = known.first();
        for (int i = known.count(); i < count; i++) {
            int id = ids.id(row, ids.promptLength() + i);
            mine[i] = id;
            if (state == null || i == 0 && forcesFirst) {
                continue;
            }
            boolean writes = !tokens.special().get(id) && id < tokens.size() && tokens.bytes(id, begins).length > 0;
            state = options.limits().endIds().contains(id) ? null : automaton.after(state, id, begins);
            begins &= !writes;
        }
        return new Row(mine, count, state, begins);
    }

    /// What is known of the longest beginning of a row: of itself at best, in beam search of another.
    private @Nullable Row found(Sequences ids, int row, int count) {
        Row best = null;
        for (int i = 0; i < rows.length; i++) {
            Row each = rows[(row + i) % rows.length];
            boolean remembered = each.state() == null || automaton.remembers(each.state());
            if (remembered && each.count() <= count && (best == null || each.count() > best.count())
                    && promptOf(row, rows.length) == promptOf((row + i) % rows.length, rows.length)
                    && ids.beginsWith(row, each.ids(), each.count())) {
                best = each;
                if (each.count() == count - 1) {
                    break;
                }
            }
        }
        return best;
    }

    // ---- what it may go on with ----

    /// @param left ids that may be generated yet
    private void allow(Row row, boolean ended, int left, int from, int vocab) {
        Automaton.State state = row.state();
        if (ended || state == null) {
            Arrays.fill(added, from, from + vocab, 0);
            return;
        }
        // One id for the step itself and one for the end.
        Automaton.Allowed allowed = automaton.allowed(state, row.first(), left - 2);
        if (allowed.count() == 0 && !state.accepts()) {
            throw new IllegalArgumentException(
                    "After %d new ids the constraint asks for text that the vocabulary has no token for"
                            .formatted(row.count()));
        }
        boolean[] may = allowed.ids();
        int known = Math.min(may.length, vocab);
        for (int id = 0; id < known; id++) {
            added[from + id] = may[id] ? 0 : Float.NEGATIVE_INFINITY;
        }
        // A model may have more ids than its tokenizer.
        Arrays.fill(added, from + known, from + vocab, Float.NEGATIVE_INFINITY);
        for (int end : options.limits().endIds()) {
            added[from + end] = state.accepts() ? 0 : Float.NEGATIVE_INFINITY;
        }
    }

    /// @param best the best score of each row
    private void check(Sequences ids, float[] best) {
        // One beam may be lost where another goes on.
        int together = Math.max(1, options.beams().numBeams());
        for (int from = 0; from < best.length; from += together) {
            boolean lost = true;
            for (int row = from; row < from + together; row++) {
                lost &= best[row] == Float.NEGATIVE_INFINITY && !ids.ended(row);
            }
            if (lost) {
                throw new IllegalArgumentException(
                        "After %d new ids the constraint allows only such as other settings rule out; leave out min_new_tokens, no_repeat_ngram_size, bad words or suppressed ids"
                                .formatted(ids.newTokens()));
            }
        }
    }
}
