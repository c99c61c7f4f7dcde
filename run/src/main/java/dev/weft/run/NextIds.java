package dev.weft.run;

/// A way to the next id of each row: what [TokenLoop] asks again and again. Close it to free its caches.
interface NextIds extends AutoCloseable {
    /// @param ids              one for each row
    /// @param logProbabilities of these, after all steps
    record Chosen(int[] ids, float[] logProbabilities) {}

    /// The next id of each row; what lies behind the end of a row is never used.
    Chosen next(Sequences soFar);

    @Override
    void close();
}
