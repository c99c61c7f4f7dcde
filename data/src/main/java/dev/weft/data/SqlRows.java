package dev.weft.data;

import java.io.IOException;
import java.nio.file.Path;
import java.sql.Array;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import org.duckdb.DuckDBStruct;
import org.jspecify.annotations.Nullable;

/// What a query gives; DuckDB reads the files and hands out rows as they come.
record SqlRows(String query, String name) implements Rows {
    SqlRows(String query) {
        this(query, "\"" + query.strip().replaceAll("\\s+", " ") + "\"");
    }

    static SqlRows parquet(Path file) {
        return new SqlRows("select * from read_parquet('%s')".formatted(file.toString().replace("'", "''")),
                file.toString());
    }

    @Override
    public Cursor open() {
        try {
            Class.forName("org.duckdb.DuckDBDriver");
        } catch (ClassNotFoundException e) {
            throw new IllegalArgumentException(name + ": SQL and Parquet are read by DuckDB, which is not there; put "
                    + "org.duckdb:duckdb_jdbc on the class path", e);
        }
        var settings = new Properties();
        settings.setProperty("jdbc_stream_results", "true"); // otherwise the whole result is made first
        try {
            Connection connection = DriverManager.getConnection("jdbc:duckdb:", settings);
            try {
                Statement statement = connection.createStatement();
                return read(connection, statement.executeQuery(query));
            } catch (SQLException | RuntimeException e) {
                connection.close();
                throw e;
            }
        } catch (SQLException e) {
            throw wrong(e);
        }
    }

    private Cursor read(Connection connection, ResultSet result) throws SQLException {
        var names = new ArrayList<String>();
        for (int i = 1; i <= result.getMetaData().getColumnCount(); i++) {
            String column = result.getMetaData().getColumnLabel(i);
            if (names.contains(column)) {
                throw new IllegalArgumentException(
                        "%s: two columns are called \"%s\"; give one another name with \"as\"".formatted(name, column));
            }
            names.add(column);
        }
        long[] number = {0};
        return new Reading(name, () -> {
            try {
                if (!result.next()) {
                    return null;
                }
                number[0]++;
                var values = new LinkedHashMap<String, @Nullable Object>();
                for (int i = 0; i < names.size(); i++) {
                    values.put(names.get(i), plain(result.getObject(i + 1)));
                }
                return new Row(values, "%s, row %d".formatted(name, number[0]));
            } catch (SQLException e) {
                throw wrong(e);
            }
        }, () -> {
            try {
                connection.close();
            } catch (SQLException e) {
                throw new IOException(e.getMessage(), e);
            }
        });
    }

    private IllegalArgumentException wrong(SQLException e) {
        return new IllegalArgumentException("%s: DuckDB says: %s".formatted(name, e.getMessage()), e);
    }

    /// Lists and maps of DuckDB as Java's; dates and the like as text.
    private static @Nullable Object plain(@Nullable Object value) throws SQLException {
        return switch (value) {
            case null -> null;
            case String text -> text;
            case Float number -> number.doubleValue();
            case Number number -> number;
            case Boolean truth -> truth;
            case Array array -> list(array);
            case DuckDBStruct struct -> map(struct.getMap());
            case Map<?, ?> map -> map(map);
            default -> value.toString();
        };
    }

    private static List<@Nullable Object> list(Array array) throws SQLException {
        var list = new ArrayList<@Nullable Object>();
        for (Object each : (Object[]) array.getArray()) {
            list.add(plain(each));
        }
        return list;
    }

    private static Map<String, @Nullable Object> map(Map<?, ?> map) throws SQLException {
        var plain = new LinkedHashMap<String, @Nullable Object>();
        for (var entry : map.entrySet()) {
            plain.put(String.valueOf(entry.getKey()), plain(entry.getValue()));
        }
        return plain;
    }
}
