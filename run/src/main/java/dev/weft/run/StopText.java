package dev.weft.run;

import java.util.List;

/// Holds back what may become a stop string, so that nothing of one is ever shown.
final class StopText {
    private final List<String> stops;
    private final StringBuilder held = new StringBuilder();
    private boolean stopped;

    StopText(List<String> stops) {
        this.stops = stops;
    }

    /// Whether a stop string has come.
    boolean stopped() {
        return stopped;
    }

    /// Takes new text and gives what is certain not to belong to a stop string.
    String push(String text) {
        held.append(text);
        int first = -1;
        for (String stop : stops) {
            int at = held.indexOf(stop);
            first = at >= 0 && (first < 0 || at < first) ? at : first;
        }
        if (first >= 0) {
            stopped = true;
            held.setLength(first);
            return flush();
        }
        int certain = held.length() - longestBeginning();
        String shown = held.substring(0, certain);
        held.delete(0, certain);
        return shown;
    }

    String flush() {
        String rest = held.toString();
        held.setLength(0);
        return rest;
    }

    /// Length of the longest end of what is held that begins a stop string.
    private int longestBeginning() {
        int longest = 0;
        for (String stop : stops) {
            for (int length = Math.min(stop.length() - 1, held.length()); length > longest; length--) {
                if (stop.startsWith(held.substring(held.length() - length))) {
                    longest = length;
                }
            }
        }
        return longest;
    }
}
