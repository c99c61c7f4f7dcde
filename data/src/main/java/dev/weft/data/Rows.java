package dev.weft.data;

import dev.weft.tensor.Randomness;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.function.Predicate;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/// Records with named columns, of any number: read anew each time, never whole in memory. Open on purpose; what changes
/// rows wraps others.
public interface Rows {
    /// Rows found by the look of a file's first ones.
    int COLUMN_ROWS = 100;

    /// From the first row on. Close it.
    ///
    /// While reading, bad data is an [IllegalArgumentException] that names the place, and a file that cannot be read an
    /// [java.io.UncheckedIOException].
    Cursor open();

    /// What messages call them: a file, a query.
    String name();

    /// Rows on their way.
    interface Cursor extends Iterator<Row>, AutoCloseable {
        @Override
        void close();
    }

    /// What the option `--data` says: a query that begins with `select`, `from` or `with`, else a file or a glob.
    static Rows of(String queryOrPath) {
        return queryOrPath.strip().matches("(?is)(select|from|with)\\s.+") && !TextSource.exists(queryOrPath)
                ? sql(queryOrPath)
                : of(List.of(queryOrPath));
    }

    /// Files of the kinds that their names tell, one after the other; arguments are those of [TextSource#of]. A name that
    /// ends in `.gz` is unpacked on the way.
    ///
    /// @throws IllegalArgumentException if an argument finds nothing, or a name does not tell
    static Rows of(List<String> pathsOrGlobs) {
        return FileRows.of(pathsOrGlobs, null);
    }

    /// Files of one kind, one after the other.
    static Rows of(List<String> pathsOrGlobs, Format format) {
        return FileRows.of(pathsOrGlobs, format);
    }

    /// What a query gives, such as `select text, label from 'part-*.parquet' where lang = 'de'`: any SQL of DuckDB, over
    /// any file that it reads. The query is asked anew each time; without `order by`, DuckDB keeps the order of files.
    ///
    /// @throws IllegalArgumentException if the query is wrong, with DuckDB's message
    static Rows sql(String query) {
        return new SqlRows(query);
    }

    /// Rows in memory.
    static Rows of(String name, List<Row> rows) {
        List<Row> copy = List.copyOf(rows);
        return from(name, () -> {
            Iterator<Row> rest = copy.iterator();
            return new Reading(name, () -> rest.hasNext() ? rest.next() : null, () -> {});
        });
    }

    /// Line i of one text beside line i of another: parallel texts, as translators are trained on.
    ///
    /// While reading, different numbers of lines are an [IllegalArgumentException].
    static Rows parallel(String firstColumn, Rows first, String secondColumn, Rows second) {
        String name = first.name() + " and " + second.name();
        return from(name, () -> {
            Cursor left = first.open();
            Cursor right = second.open();
            long[] line = {0};
            return new Reading(name, () -> {
                if (left.hasNext() != right.hasNext()) {
                    throw new IllegalArgumentException(
                            "%s: they should have as many lines; %s ends after %d, the other goes on".formatted(name,
                                    left.hasNext() ? second.name() : first.name(), line[0]));
                }
                if (!left.hasNext()) {
                    return null;
                }
                line[0]++;
                var values = new LinkedHashMap<String, @Nullable Object>();
                values.put(firstColumn, left.next().text("text"));
                values.put(secondColumn, right.next().text("text"));
                return new Row(values, "%s, line %d".formatted(name, line[0]));
            }, () -> {
                left.close();
                right.close();
            });
        });
    }

    private static Rows from(String name, Supplier<Cursor> opening) {
        return new Rows() {
            @Override
            public Cursor open() {
                return opening.get();
            }

            @Override
            public String name() {
                return name;
            }
        };
    }

    /// Hands every row to `action`.
    default void forEach(Consumer<Row> action) {
        try (Cursor cursor = open()) {
            cursor.forEachRemaining(action);
        }
    }

    default long count() {
        long[] count = {0};
        forEach(row -> count[0]++);
        return count[0];
    }

    /// Names of the columns, by the first hundred rows.
    ///
    /// @throws IllegalArgumentException if there are no rows
    default Set<String> columns() {
        var columns = new LinkedHashSet<String>();
        try (Cursor cursor = open()) {
            if (!cursor.hasNext()) {
                throw new IllegalArgumentException(name() + ": holds no rows");
            }
            for (int i = 0; i < COLUMN_ROWS && cursor.hasNext(); i++) {
                columns.addAll(cursor.next().columns());
            }
        }
        return columns;
    }

    /// Columns by the names that a task uses: new name to the one they have. The others stay, unless a new name takes
    /// theirs.
    ///
    /// @throws IllegalArgumentException if a column is not there, with those there are
    default Rows named(Map<String, String> columns) {
        Set<String> found = columns();
        for (String column : columns.values()) {
            if (!found.contains(column)) {
                throw new IllegalArgumentException("%s: there is no column \"%s\"; the columns are %s".formatted(name(),
                        column, String.join(", ", found)));
            }
        }
        Map<String, String> names = new LinkedHashMap<>(columns);
        return mapped(row -> {
            if (row.columns().containsAll(names.values())) {
                return row.named(names);
            }
            var whole = new LinkedHashMap<>(row.values()); // JSON leaves out what is null
            names.values().forEach(column -> whole.putIfAbsent(column, null));
            return new Row(whole, row.place()).named(names);
        });
    }

    /// Each row changed, such as a text with a prefix before it.
    default Rows mapped(UnaryOperator<Row> change) {
        return from(name(), () -> {
            Cursor rows = open();
            return new Reading(name(), () -> rows.hasNext() ? change.apply(rows.next()) : null, rows::close);
        });
    }

    /// Those rows that hold a condition.
    default Rows where(Predicate<Row> wanted) {
        return from(name(), () -> {
            Cursor rows = open();
            return new Reading(name(), () -> {
                while (rows.hasNext()) {
                    Row row = rows.next();
                    if (wanted.test(row)) {
                        return row;
                    }
                }
                return null;
            }, rows::close);
        });
    }

    /// Those rows that can be read and that `check` lets pass. What is wrong with the others is handed to `refused`, each time
    /// that they are read.
    ///
    /// @param check   throws an [IllegalArgumentException] for a row that is not as it should be
    /// @param refused may throw it on, or count it and go on
    default Rows passing(Consumer<Row> check, Consumer<IllegalArgumentException> refused) {
        return from(name(), () -> {
            Cursor rows = open();
            return new Reading(name(), () -> {
                while (true) {
                    try {
                        if (!rows.hasNext()) {
                            return null;
                        }
                        Row row = rows.next();
                        try {
                            check.accept(row);
                            return row;
                        } catch (IllegalArgumentException e) {
                            refused.accept(e);
                        }
                    } catch (BadRow e) {
                        refused.accept(e);
                    }
                }
            }, rows::close);
        });
    }

    /// All but the first `count` rows. With [#shuffled] this resumes: seed and number of rows taken are its whole state.
    default Rows skip(long count) {
        return from(name(), () -> {
            Cursor rows = open();
            for (long i = 0; i < count && rows.hasNext(); i++) {
                rows.next();
            }
            return rows;
        });
    }

    /// In an order by chance, as far as a buffer of so many rows allows: each row taken is one of those in the buffer, and
    /// the next one of the stream takes its place. The same seed gives the same order.
    ///
    /// @throws IllegalArgumentException if the buffer holds no row
    default Rows shuffled(long seed, int buffer) {
        if (buffer < 1) {
            throw new IllegalArgumentException("a shuffle buffer holds one row at least, asked for " + buffer);
        }
        return from(name(), () -> {
            Cursor rows = open();
            var random = new SplittableRandom(seed);
            var held = new ArrayList<Row>();
            return new Reading(name(), () -> {
                while (held.size() < buffer && rows.hasNext()) {
                    held.add(rows.next());
                }
                if (held.isEmpty()) {
                    return null;
                }
                int chosen = random.nextInt(held.size());
                Row row = held.get(chosen);
                held.set(chosen, held.getLast());
                held.removeLast();
                return row;
            }, rows::close);
        });
    }

    /// Two parts that no row shares.
    record Split(Rows training, Rows validation) {}

    /// About a `fraction` of the rows held out for validation. Which ones is decided by the seed and what a row holds, so
    /// that it does not depend on the order, and rows that are the same are on the same side.
    ///
    /// @param fraction above 0 and below 1
    default Split split(double fraction, long seed) {
        if (!(fraction > 0 && fraction < 1)) {
            throw new IllegalArgumentException(
                    "the part held out must be above 0 and below 1, found " + fraction);
        }
        Predicate<Row> held = row -> (Randomness.mix(seed, hash(row, row.columns())) >>> 11) * 0x1p-53 < fraction;
        return new Split(where(held.negate()), where(held));
    }

    /// SHA-256 over the columns and values of all rows, in the order of the rows, in hexadecimal.
    default String fingerprint() {
        MessageDigest digest = CacheFile.sha256();
        forEach(row -> digest.update(canonical(row, row.columns()).getBytes(StandardCharsets.UTF_8)));
        return HexFormat.of().formatHex(digest.digest());
    }

    /// How many rows of these also stand in others, by the values of some columns: what was trained on should not be what
    /// is judged by. Compared are hashes of 64 bits, 8 bytes of memory for each row of `others`.
    ///
    /// @throws IllegalArgumentException if a column is not there
    default long alsoIn(Rows others, Set<String> columns) {
        long[] theirs = new long[1024];
        int count = 0;
        try (Cursor cursor = others.open()) {
            while (cursor.hasNext()) {
                if (count == theirs.length) {
                    theirs = Arrays.copyOf(theirs, Math.multiplyExact(2, count));
                }
                theirs[count++] = hash(cursor.next(), columns);
            }
        }
        long[] sorted = Arrays.copyOf(theirs, count);
        Arrays.sort(sorted);
        long[] found = {0};
        forEach(row -> found[0] += Arrays.binarySearch(sorted, hash(row, columns)) >= 0 ? 1 : 0);
        return found[0];
    }

    /// FNV-1a over UTF-16 units, then mixed.
    private static long hash(Row row, Set<String> columns) {
        String text = canonical(row, columns);
        long hash = 0xcbf29ce484222325L;
        for (int i = 0; i < text.length(); i++) {
            hash = (hash ^ text.charAt(i)) * 0x100000001b3L;
        }
        return Randomness.mix(hash);
    }

    /// Lengths keep names and values apart, whatever they hold; columns are sorted.
    private static String canonical(Row row, Set<String> columns) {
        var some = new TreeMap<String, @Nullable Object>();
        columns.forEach(column -> some.put(column, row.value(column)));
        var text = new StringBuilder();
        canonical(some, text);
        return text.toString();
    }

    private static void canonical(@Nullable Object value, StringBuilder text) {
        switch (value) {
            case null -> text.append('-');
            case Map<?, ?> map -> {
                text.append('{').append(map.size()).append(':');
                map.entrySet().stream().sorted(Comparator.comparing(entry -> String.valueOf(entry.getKey())))
                        .forEach(entry -> {
                            canonical(String.valueOf(entry.getKey()), text);
                            canonical(entry.getValue(), text);
                        });
            }
            case List<?> list -> {
                text.append('[').append(list.size()).append(':');
                list.forEach(each -> canonical(each, text));
            }
            default -> text.append('+').append(value.toString().length()).append(':').append(value);
        }
    }
}
