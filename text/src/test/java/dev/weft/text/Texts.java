package dev.weft.text;

import java.util.List;
import java.util.Random;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;

/// Texts that tokenizers stumble over: mixed scripts, emoji, control characters, runs of white space, contractions.
final class Texts {
    private static final List<String> FRAGMENTS = List.of("the", " The", "don't", "we'll", "I'VE", "'s", "''", "'", " ",
            "  ", "   ", "\n", "\n\n", "\r\n", "\t", "\u00A0", "\u0085", "\u2003", "\u3000", "\u2028", "\u000B", "3",
            "12345",
            " 67", "½", "Ⅷ", "٣٤", "é", "e\u0301", "\u0301", "ß", "İ", "ﬁ", "Straße", "Ἀθῆναι", "Привет", "мир", "שלום",
            "مرحبا", "नमस्ते", "你好", "。", "日本語", "カタカナ", "한국어", "\u1112\u1161\u11AB", "ไทย", "👋", "👩‍👩‍👧", "🇩🇪",
            "👍🏽",
            "☃️", "\u200D", "\uFEFF", "\0", "\u0001", "\u007F", "…", "—", "«", "$", "!?", "###", "_x", "a_b", "C++",
            "https://x.y/z?q=1", "<", "|", "<|endoftext|>", "<s>", "</s>", "<mask>", " <mask> ", "<pad>", "𝒳", "𐍈",
            "\uE000",
            "\uFFFD", "\uFFFF", "aaaa", "ĠĊ", "zzzzzzzzzz");

    private Texts() {}

    /// A text without lone surrogates.
    static String wellFormed(Random random) {
        var text = new StringBuilder();
        for (int parts = random.nextInt(40); parts > 0; parts--) {
            switch (random.nextInt(10)) {
                case 0, 1 -> text.appendCodePoint(anyCharacter(random));
                case 2, 3 -> random.ints(random.nextInt(12), ' ', '~' + 1).forEach(text::appendCodePoint);
                default -> text.append(FRAGMENTS.get(random.nextInt(FRAGMENTS.size())));
            }
        }
        return text.toString();
    }

    private static int anyCharacter(Random random) {
        int c = random.nextInt(random.nextBoolean() ? 0x3000 : 0x110000);
        return c >= 0xD800 && c <= 0xDFFF ? 0xFFFD : c;
    }

    /// Texts, now and then with half a surrogate pair in them.
    static Arbitrary<String> any() {
        return Arbitraries.randomValue(random -> {
            String odd = switch (random.nextInt(8)) {
                case 0 -> "\uD83D";
                case 1 -> "\uDE00";
                default -> "";
            };
            return wellFormed(random) + odd + wellFormed(random);
        });
    }
}
