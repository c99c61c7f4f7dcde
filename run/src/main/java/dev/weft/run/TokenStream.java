package dev.weft.run;

import java.util.NoSuchElementException;
import java.util.PrimitiveIterator;
import java.util.Spliterator;
import java.util.Spliterators;
import java.util.stream.IntStream;
import java.util.stream.StreamSupport;
import org.jspecify.annotations.Nullable;

/// The ids of one text, each made when it is asked for. Close it when it is not read to its end.
public final class TokenStream implements PrimitiveIterator.OfInt, AutoCloseable {
    private final TokenLoop loop;

    TokenStream(TokenLoop loop) {
        this.loop = loop;
    }

    @Override
    public boolean hasNext() {
        return !loop.done();
    }

    @Override
    public int nextInt() {
        if (!hasNext()) {
            throw new NoSuchElementException("the text has ended");
        }
        loop.step(TokenListener.SILENT);
        if (loop.done()) {
            loop.close();
        }
        return loop.latest(0);
    }

    /// Why the text ended; null as long as it has not.
    public @Nullable Finish finish() {
        return loop.finished(0);
    }

    /// Of each id so far, after all steps.
    public float[] logProbabilities() {
        return loop.logProbabilities(0);
    }

    /// The same as a stream.
    public IntStream ints() {
        return StreamSupport.intStream(Spliterators.spliteratorUnknownSize(this, Spliterator.ORDERED), false)
                .onClose(this::close);
    }

    @Override
    public void close() {
        loop.close();
    }
}
