package dev.weft.run.pipeline;

import dev.weft.run.StopText;
import dev.weft.run.TextStream;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;

/// A reply in pieces, each made when it is asked for. Calls of tools are no part of them; they are in [#reply]. Close it
/// when it is not read to its end; then nothing more is computed, and its memory is freed.
public final class ReplyStream implements Iterator<String>, AutoCloseable {
    private final TextStream text;
    private final boolean withTools;
    private final StopText shown;
    private String next = "";

    ReplyStream(TextStream text, boolean withTools) {
        this.text = text;
        this.withTools = withTools;
        shown = new StopText(withTools ? List.of(Reply.CALL_BEGIN) : List.of());
    }

    @Override
    public boolean hasNext() {
        while (next.isEmpty() && text.hasNext()) {
            next = shown.push(text.next());
        }
        if (next.isEmpty()) {
            next = shown.flush();
        }
        return !next.isEmpty();
    }

    @Override
    public String next() {
        if (!hasNext()) {
            throw new NoSuchElementException("the reply has ended");
        }
        String piece = next;
        next = "";
        return piece;
    }

    /// What was read so far, or all of it at the end.
    public Reply reply() {
        return Reply.of(text.completion(), withTools);
    }

    @Override
    public void close() {
        text.close();
    }
}
