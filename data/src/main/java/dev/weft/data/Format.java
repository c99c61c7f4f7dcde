package dev.weft.data;

import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/// How a file holds [Rows].
public sealed interface Format {
    /// Each line is a row with the column `text`, empty lines too, so that row i is line i.
    record Lines() implements Format {}

    /// Values between separators.
    ///
    /// @param quoted whether a value may stand in double quotes, and then hold separators, line ends and, doubled, quotes
    ///               (RFC 4180)
    /// @param names  names of the columns; empty where the first line has them
    record Delimited(char separator, boolean quoted, List<String> names) implements Format {
        public Delimited {
            names = List.copyOf(names);
        }

        /// The same with another separator.
        public Delimited by(char other) {
            return new Delimited(other, quoted, names);
        }

        /// The separator that a user says: one character, or `tab`.
        ///
        /// @throws IllegalArgumentException if it is more
        public Delimited by(String told) {
            String mark = told.equals("tab") || told.equals("\\t") ? "\t" : told;
            if (mark.length() != 1 || "\"\r\n".contains(mark)) {
                throw new IllegalArgumentException(
                        "A delimiter is one character, such as ; or tab, found \"%s\"".formatted(told));
            }
            return by(mark.charAt(0));
        }
    }

    /// Objects one after the other, mostly one in a line; their keys are the columns.
    record JsonLines() implements Format {}

    /// A list of objects, or an object with such a list under `data`; SQuAD's articles come apart into questions, with the
    /// columns `id`, `title`, `context`, `question`, `answers` ([Row#answers]) and `is_impossible`.
    record Json() implements Format {}

    /// A word in a line, with its columns; a blank line ends a sentence. A sentence is a row with the lists `tokens` and
    /// `tags`: the first column and the last one. Tags are what the file says, whatever the scheme. `-DOCSTART-` and
    /// comments, lines that begin with a number sign and are no words, are left out.
    record Conll() implements Format {}

    /// Read by DuckDB.
    record Parquet() implements Format {}

    /// Commas, quotes, names in the first line. Where a file's name alone says csv and its first line has no comma, semicolons,
    /// tabs or bars separate its values.
    static Delimited csv() {
        return new Delimited(',', true, List.of());
    }

    /// Tabs, a quote is a letter like others, names in the first line.
    static Delimited tsv() {
        return new Delimited('\t', false, List.of());
    }

    /// By what a user says of a file; null where its name says enough.
    ///
    /// @param kind      as [#named] takes it, or null
    /// @param delimiter as [Delimited#by(String)] takes it, or null
    /// @param names     of the columns, where the first line has none; else empty
    /// @throws IllegalArgumentException if a delimiter or names are told of a file that has none
    static @Nullable Format told(Path file, @Nullable String kind, @Nullable String delimiter, List<String> names) {
        Format format = kind == null ? null : named(kind);
        if (delimiter == null && names.isEmpty()) {
            return format;
        }
        if (!((format == null ? of(file) : format) instanceof Delimited table)) {
            throw new IllegalArgumentException(
                    "%s: a delimiter and column names can be told of csv and tsv files alone".formatted(file));
        }
        Delimited told = delimiter == null ? table : table.by(delimiter);
        return new Delimited(told.separator(), told.quoted(), names);
    }

    /// By the name of a kind, which is also how its files end: `txt`, `csv`, `tsv`, `jsonl`, `json`, `conll`, `parquet`.
    ///
    /// @throws IllegalArgumentException if there is no such kind
    static Format named(String kind) {
        return switch (kind.toLowerCase(Locale.ROOT)) {
            case "txt", "text" -> new Lines();
            case "csv" -> csv();
            case "tsv" -> tsv();
            case "jsonl", "ndjson" -> new JsonLines();
            case "json", "squad" -> new Json();
            case "conll", "iob", "bio" -> new Conll();
            case "parquet" -> new Parquet();
            default -> throw new IllegalArgumentException(
                    "\"%s\" is no known kind of data; there are txt, csv, tsv, jsonl, json, conll and parquet"
                            .formatted(
                                    kind));
        };
    }

    /// By the end of a file's name, `.gz` left aside.
    ///
    /// @throws IllegalArgumentException if it says nothing
    static Format of(Path file) {
        String name = file.getFileName().toString().replaceFirst("\\.gz$", "");
        try {
            return named(name.substring(name.lastIndexOf('.') + 1));
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException("%s: its name does not say what it holds; say which of txt, csv, tsv, "
                    .formatted(file) + "jsonl, json, conll and parquet it is", e);
        }
    }
}
