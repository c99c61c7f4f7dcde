package dev.weft.run;

import java.util.Arrays;

/// The ids of one row so far: its prompt, without padding, and what was generated.
public final class TokenHistory {
    private final int promptLength;
    private int[] ids;
    private int length;

    TokenHistory(int[] prompt) {
        promptLength = prompt.length;
        ids = Arrays.copyOf(prompt, prompt.length + 16);
        length = prompt.length;
    }

    private TokenHistory(TokenHistory other) {
        promptLength = other.promptLength;
        ids = other.ids.clone();
        length = other.length;
    }

    public int length() {
        return length;
    }

    public int promptLength() {
        return promptLength;
    }

    /// How many were generated.
    public int generated() {
        return length - promptLength;
    }

    public int at(int index) {
        return ids[index];
    }

    /// What was generated, without the prompt.
    public int[] continuation() {
        return Arrays.copyOfRange(ids, promptLength, length);
    }

    void add(int id) {
        if (length == ids.length) {
            ids = Arrays.copyOf(ids, 2 * length);
        }
        ids[length++] = id;
    }

    TokenHistory copy() {
        return new TokenHistory(this);
    }
}
