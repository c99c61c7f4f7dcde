package dev.weft.eval;

import java.util.List;
import java.util.regex.Pattern;

/// How BLEU cuts a sentence into words; a score means nothing without it. As the tokenizers of these names in sacreBLEU.
public enum BleuTokenizer {
    /// As it stands: the texts are tokenized already.
    NONE("none"),
    /// NIST's mteval-v13a, WMT's usual choice: for Western languages.
    V13A("13a"),
    /// NIST's mteval-v14 with `--international-tokenization`: by Unicode's punctuation and symbols.
    INTERNATIONAL("intl"),
    /// Each character a word.
    CHARACTERS("char");

    private static final Pattern ASCII_MARKS = Pattern.compile("([{-~\\[-` -&(-+:-@/])");
    private static final Pattern POINT_AFTER_OTHER = Pattern.compile("([^0-9])([.,])");
    private static final Pattern POINT_BEFORE_OTHER = Pattern.compile("([.,])([^0-9])");
    private static final Pattern DASH_AFTER_DIGIT = Pattern.compile("([0-9])(-)");
    private static final Pattern MARK_AFTER_OTHER = Pattern.compile("(\\P{N})(\\p{P})");
    private static final Pattern MARK_BEFORE_OTHER = Pattern.compile("(\\p{P})(\\P{N})");
    private static final Pattern SYMBOL = Pattern.compile("(\\p{S})");

    private final String id;

    BleuTokenizer(String id) {
        this.id = id;
    }

    /// Its name in sacreBLEU.
    public String id() {
        return id;
    }

    public static BleuTokenizer of(String id) {
        for (BleuTokenizer tokenizer : values()) {
            if (tokenizer.id.equals(id)) {
                return tokenizer;
            }
        }
        throw new IllegalArgumentException("There is no BLEU tokenizer %s; there are 13a, intl, char and none"
                .formatted(id));
    }

    public List<String> words(String sentence) {
        return Words.of(switch (this) {
            case NONE -> sentence;
            case CHARACTERS -> String.join(" ", Words.characters(sentence));
            case INTERNATIONAL -> {
                String text = MARK_AFTER_OTHER.matcher(sentence).replaceAll("$1 $2 ");
                text = MARK_BEFORE_OTHER.matcher(text).replaceAll(" $1 $2");
                yield SYMBOL.matcher(text).replaceAll(" $1 ");
            }
            case V13A -> {
                String text = " " + sentence.replace("<skipped>", "").replace("-\n", "").replace("\n", " ")
                        .replace("&quot;", "\"").replace("&amp;", "&").replace("&lt;", "<").replace("&gt;", ">") + " ";
                text = ASCII_MARKS.matcher(text).replaceAll(" $1 ");
                text = POINT_AFTER_OTHER.matcher(text).replaceAll("$1 $2 ");
                text = POINT_BEFORE_OTHER.matcher(text).replaceAll(" $1 $2");
                yield DASH_AFTER_DIGIT.matcher(text).replaceAll("$1 $2 ");
            }
        });
    }
}
