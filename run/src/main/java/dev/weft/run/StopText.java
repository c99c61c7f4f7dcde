package dev.weft.run;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.stream.IntStream;

/// Lets text through up to the first stop string, and holds back what may be the beginning of one.
///
/// A stop string may hold the name of a special token, which is looked at and never shown. One that does not is found
/// across special tokens too, since nobody sees them.
public final class StopText {
    private final List<String> stops;
    private final StringBuilder held = new StringBuilder();
    /// The characters of `held` that are not shown.
    private BitSet hidden = new BitSet();
    private boolean stopped;

    public StopText(List<String> stops) {
        this.stops = stops;
    }

    /// What can be shown now that `piece` has come.
    public String push(String piece) {
        return push(piece, true);
    }

    /// @param shows false for the name of a special token
    String push(String piece, boolean shows) {
        if (stopped || stops.isEmpty()) {
            return stopped || !shows ? "" : piece;
        }
        if (!shows) {
            hidden.set(held.length(), held.length() + piece.length());
        }
        held.append(piece);
        int found = Integer.MAX_VALUE;
        int certain = held.length();
        for (int[] view : views()) {
            String text = text(view);
            int at = stops.stream().mapToInt(text::indexOf).filter(start -> start >= 0).min().orElse(-1);
            int unsure = unsure(text);
            found = at < 0 ? found : Math.min(found, view[at]);
            certain = unsure == 0 ? certain : Math.min(certain, view[view.length - unsure]);
        }
        stopped = found < Integer.MAX_VALUE;
        String shown = shown(stopped ? found : certain);
        int gone = stopped ? held.length() : certain;
        held.delete(0, gone);
        hidden = hidden.get(gone, gone + held.length());
        return shown;
    }

    /// The rest: no more is to come.
    public String flush() {
        String rest = shown(held.length());
        held.setLength(0);
        hidden.clear();
        return rest;
    }

    boolean stopped() {
        return stopped;
    }

    private String shown(int end) {
        return text(IntStream.range(0, end).filter(i -> !hidden.get(i)).toArray());
    }

    /// The places of `held` in which stop strings are looked for: all, and those that are shown.
    private List<int[]> views() {
        var views = new ArrayList<int[]>();
        views.add(IntStream.range(0, held.length()).toArray());
        if (!hidden.isEmpty()) {
            views.add(IntStream.range(0, held.length()).filter(i -> !hidden.get(i)).toArray());
        }
        return views;
    }

    private String text(int[] places) {
        var text = new StringBuilder(places.length);
        for (int place : places) {
            text.append(held.charAt(place));
        }
        return text.toString();
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
