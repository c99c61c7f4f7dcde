package dev.weft.text;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import org.junit.jupiter.api.Test;

class Gpt2WordsTest {
    private static final Pattern PATTERN = Pattern.compile(Gpt2Words.PATTERN, Pattern.UNICODE_CHARACTER_CLASS);

    @Property(tries = 2000)
    void the_scanner_cuts_where_the_pattern_matches(@ForAll("texts") String text) {
        assertThat(scanned(text)).isEqualTo(matched(text));
    }

    @Test
    void the_scanner_knows_every_character_as_the_pattern_does() {
        for (int c = 0; c <= Character.MAX_CODE_POINT; c++) {
            String text = "a" + Character.toString(c) + "1" + Character.toString(c) + " " + Character.toString(c) + "!";
            if (!scanned(text).equals(matched(text))) {
                assertThat(scanned(text)).as("around U+%04X", c).isEqualTo(matched(text));
            }
        }
    }

    @Test
    void contractions_and_trailing_spaces_are_words_of_their_own() {
        assertThat(scanned("we'll  go'n  ")).containsExactly("we", "'ll", " ", " go", "'", "n", "  ");
    }

    private static List<String> scanned(String text) {
        var words = new ArrayList<String>();
        for (int from = 0; from < text.length();) {
            int to = Gpt2Words.end(text, from, text.length());
            words.add(text.substring(from, to));
            from = to;
        }
        return words;
    }

    private static List<String> matched(String text) {
        var words = new ArrayList<String>();
        Matcher matcher = PATTERN.matcher(text);
        while (matcher.find()) {
            words.add(matcher.group());
        }
        return words;
    }

    @Provide
    Arbitrary<String> texts() {
        return Texts.any();
    }
}
