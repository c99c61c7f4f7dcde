package dev.weft.run;

import java.util.Iterator;
import java.util.NoSuchElementException;
import java.util.Spliterator;
import java.util.Spliterators;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;

/// What follows a prompt, in pieces, each made when it is asked for: whole characters, nothing of a stop string. Close it
/// when it is not read to its end; then nothing more is computed, and its memory is freed.
public final class TextStream implements Iterator<String>, AutoCloseable {
    private final TokenStream tokens;
    private final Pieces pieces;
    private final int promptTokens;
    private final StringBuilder text = new StringBuilder();
    private int newTokens;
    private String next = "";

    TextStream(TokenStream tokens, Pieces pieces, int promptTokens) {
        this.tokens = tokens;
        this.pieces = pieces;
        this.promptTokens = promptTokens;
    }

    @Override
    public boolean hasNext() {
        while (next.isEmpty() && tokens.hasNext()) {
            newTokens++;
            next = pieces.next(tokens.nextInt(), tokens.finish());
        }
        return !next.isEmpty();
    }

    @Override
    public String next() {
        if (!hasNext()) {
            throw new NoSuchElementException("the text has ended");
        }
        String piece = next;
        next = "";
        text.append(piece);
        return piece;
    }

    /// What was read so far; with [Finish#STOPPED] where the text had not ended.
    public Completion completion() {
        Finish finish = tokens.finish();
        return new Completion(text.toString(), promptTokens, newTokens, tokens.logProbabilities(),
                finish == null ? Finish.STOPPED : finish, Double.NaN);
    }

    /// The same as a stream; to be closed, too, when it is not read to its end.
    public Stream<String> stream() {
        int kind = Spliterator.ORDERED | Spliterator.NONNULL;
        return StreamSupport.stream(Spliterators.spliteratorUnknownSize(this, kind), false).onClose(this::close);
    }

    @Override
    public void close() {
        tokens.close();
    }
}
