package dev.weft.run;

import java.util.List;

/// Lets text through up to the first stop string, and holds back what may be the beginning of one.
public final class StopText {
    private final List<String> stops;
    private String held = "";
    private boolean stopped;

    public StopText(List<String> stops) {
        this.stops = stops;
    }

    /// What can be shown now that `piece` has come.
    public String push(String piece) {
        if (stopped || stops.isEmpty()) {
            return stopped ? "" : piece;
        }
        String text = held + piece;
        int end = stops.stream().mapToInt(text::indexOf).filter(at -> at >= 0).min().orElse(-1);
        stopped = end >= 0;
        int shown = stopped ? end : text.length() - unsure(text);
        held = stopped ? "" : text.substring(shown);
        return text.substring(0, shown);
    }

    /// The rest: no more is to come.
    public String flush() {
        String rest = held;
        held = "";
        return rest;
    }

    boolean stopped() {
        return stopped;
    }

    /// How many characters at the end may begin a stop string.
    private int unsure(String text) {
        int longest = stops.stream().mapToInt(String::length).max().orElse(0) - 1;
        for (int length = Math.min(longest, text.length()); length > 0; length--) {
            String tail = text.substring(text.length() - length);
            if (stops.stream().anyMatch(stop -> stop.startsWith(tail))) {
                return length;
            }
        }
        return 0;
    }
}
