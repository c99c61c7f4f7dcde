package dev.weft.text;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/// A tokenizer that spreads a long text over overlapping windows: [Tokenizer#with(Truncation.Windows)].
///
/// Each window is an encoding like any other, special tokens around it; [Encoding#starts()] still count from the
/// beginning of the whole text, so that a model's answer in any window has its place there. A short text is one window.
public final class WindowTokenizer {
    private final Tokenizer tokenizer;
    private final Truncation.Windows windows;

    WindowTokenizer(Tokenizer tokenizer, Truncation.Windows windows) {
        this.tokenizer = tokenizer;
        this.windows = windows;
    }

    /// The windows over a text.
    public List<Encoding> encode(String text) {
        return spread(List.of(Source.text(text)));
    }

    /// The windows over one of two texts, by default the second, each with the whole of the other.
    ///
    /// @throws IllegalArgumentException if the other leaves no room for more than the stride
    public List<Encoding> encodePair(String first, String second) {
        return spread(List.of(Source.text(first), Source.text(second)));
    }

    /// The windows over a text that came in words; see [Tokenizer#encodeWords(List)].
    public List<Encoding> encodeWords(List<String> words) {
        return spread(List.of(Source.words(words)));
    }

    /// The windows over one of two texts that came in words.
    public List<Encoding> encodeWords(List<String> first, List<String> second) {
        return spread(List.of(Source.words(first), Source.words(second)));
    }

    private List<Encoding> spread(List<Source> texts) {
        List<Encoding> whole = tokenizer.plain(texts);
        var truncation = new Truncation(windows.maxLength(),
                texts.size() == 1 ? Truncation.Strategy.ONLY_FIRST : windows.strategy(), windows.side());
        int[] lengths = tokenizer.lengths(truncation, whole, true);
        List<List<Encoding>> parts = IntStream.range(0, whole.size())
                .mapToObj(i -> windows(whole.get(i), lengths[i])).toList();
        var all = new ArrayList<Encoding>();
        if (parts.size() == 1) {
            parts.getFirst().forEach(part -> all.add(tokenizer.framed(List.of(part), texts, true)));
        } else {
            // In the order of the reference library: the first of both, then each other first text with every second.
            List<Encoding> seconds = parts.get(1);
            all.add(pair(parts.getFirst().getFirst(), seconds.getFirst(), texts));
            parts.getFirst().stream().skip(1)
                    .forEach(first -> seconds.forEach(second -> all.add(pair(first, second, texts))));
            seconds.stream().skip(1).forEach(second -> all.add(pair(parts.getFirst().getFirst(), second, texts)));
        }
        return tokenizer.padded(all);
    }

    private Encoding pair(Encoding first, Encoding second, List<Source> texts) {
        return tokenizer.framed(List.of(first, second), texts, true);
    }

    private List<Encoding> windows(Encoding text, int length) {
        if (length < text.size() && length <= windows.stride()) {
            throw new IllegalArgumentException(
                    "windows of %d tokens leave %d for the text, not more than the stride of %d that they share; use longer windows or a smaller stride"
                            .formatted(windows.maxLength(), length, windows.stride()));
        }
        return text.windows(length, windows.stride(), windows.side());
    }
}
