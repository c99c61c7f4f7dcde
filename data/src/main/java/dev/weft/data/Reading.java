package dev.weft.data;

import java.io.Closeable;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.NoSuchElementException;
import org.jspecify.annotations.Nullable;

/// A cursor over rows that come one by one until there is none.
final class Reading implements Rows.Cursor {
    /// Gives the next row, or null after the last one.
    interface Next {
        @Nullable
        Row row() throws IOException;
    }

    private final String name;
    private final Next next;
    private final Closeable source;
    private @Nullable Row ahead;
    private boolean over;

    /// @param name what is read, for messages
    Reading(String name, Next next, Closeable source) {
        this.name = name;
        this.next = next;
        this.source = source;
    }

    @Override
    public boolean hasNext() {
        if (ahead == null && !over) {
            try {
                ahead = next.row();
            } catch (IOException e) {
                throw new UncheckedIOException(name + ": cannot be read: " + e.getMessage(), e);
            }
            over = ahead == null;
        }
        return ahead != null;
    }

    @Override
    public Row next() {
        if (!hasNext()) {
            throw new NoSuchElementException(name + ": there are no more rows");
        }
        Row row = ahead;
        ahead = null;
        return row;
    }

    @Override
    public void close() {
        over = true;
        ahead = null;
        try {
            source.close();
        } catch (IOException e) {
            throw new UncheckedIOException(name + ": cannot be closed: " + e.getMessage(), e);
        }
    }
}
