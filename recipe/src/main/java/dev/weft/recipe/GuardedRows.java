package dev.weft.recipe;

import dev.weft.data.Example;
import dev.weft.data.Row;
import dev.weft.data.RowEncoder;
import dev.weft.data.Rows;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentSkipListSet;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/// What becomes of rows that are not as they should be: the first ends the run, or they are left out and counted.
final class GuardedRows {
    private static final String HINT = "; --on-bad-rows skip leaves such rows out and counts them";

    private final boolean skips;
    /// What was wrong before a row was encoded, once each, however often the row is read; and what is wrong at all.
    private final Set<String> beforehand = new ConcurrentSkipListSet<>();
    private volatile @Nullable String reason;

    /// @param what the recipe's `data.on_bad_rows`
    /// @throws IllegalArgumentException if it is neither error nor skip
    GuardedRows(String what) {
        if (!List.of("error", "skip").contains(what)) {
            throw new IllegalArgumentException("--on-bad-rows is error or skip, found \"%s\"".formatted(what));
        }
        skips = what.equals("skip");
    }

    boolean skips() {
        return skips;
    }

    /// Those rows that can be read and pass.
    Rows rows(Rows all, Consumer<Row> check) {
        return all.passing(check, why -> beforehand.add(refused(why)));
    }

    /// @throws IllegalArgumentException if all rows were left out
    void requireSome(Rows rows) {
        try (Rows.Cursor cursor = rows.open()) {
            if (!cursor.hasNext() && reason != null) {
                throw new IllegalArgumentException("%s: all rows are left out, the first since: %s".formatted(
                        rows.name(), reason));
            }
        }
    }

    /// Those rows that become examples, in memory.
    Rows fitting(Rows all, RowEncoder encoder) {
        var fitting = new ArrayList<Row>();
        all.forEach(row -> {
            if (encoder.encode(row).isEmpty()) {
                beforehand.add(row.place());
            } else {
                fitting.add(row);
            }
        });
        return Rows.of(all.name(), fitting);
    }

    /// Makes no example of a row that is refused.
    RowEncoder encoder(RowEncoder plain) {
        return new RowEncoder() {
            @Override
            public List<Example> encode(Row row) {
                try {
                    return plain.encode(row);
                } catch (IllegalArgumentException e) {
                    refused(e);
                    return List.of();
                }
            }

            @Override
            public String settings() {
                return (skips ? "of rows that fit, " : "") + plain.settings();
            }
        };
    }

    private String refused(IllegalArgumentException why) {
        if (!skips) {
            throw new IllegalArgumentException(why.getMessage() + HINT, why);
        }
        String message = String.valueOf(why.getMessage());
        reason = reason == null ? message : reason;
        return message;
    }

    /// How many rows were left out before they were encoded.
    long beforehand() {
        return beforehand.size();
    }

    /// Why a row was left out; null if none was as far as is known: examples from the cache do not say.
    @Nullable
    String reason() {
        return reason;
    }

    List<String> notes(long count) {
        return count == 0
                ? List.of()
                : List.of("%,d rows are left out, since they are not as the task needs them%s".formatted(count,
                        reason == null ? "" : "; such as " + reason));
    }
}
