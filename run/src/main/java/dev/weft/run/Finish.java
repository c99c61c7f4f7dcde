package dev.weft.run;

/// Why a text ended.
public enum Finish {
    /// The model said so.
    END_ID,
    /// As long as was asked for.
    LENGTH,
    /// One of the stop strings came.
    STOP_STRING,
    /// The model has no more positions.
    CONTEXT_FULL,
    /// Nobody read on.
    STOPPED
}
