package dev.weft.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.PatternSyntaxException;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// Regular expressions mean what they mean to Oniguruma, and none runs for ever.
class SplitPatternTest {
    /// The patterns of published families.
    static final Map<String, String> IN_USE = Map.of("gpt-2", Gpt2Words.PATTERN, "cl100k",
            "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
            "cl100k, possessive",
            "'(?i:[sdmt]|ll|ve|re)|[^\\r\\n\\p{L}\\p{N}]?+\\p{L}++|\\p{N}{1,3}+| ?[^\\s\\p{L}\\p{N}]++[\\r\\n]*+|\\s++$|\\s*[\\r\\n]|\\s+(?!\\S)|\\s",
            "qwen2",
            "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
            "o200k",
            "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]*[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]+[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
            "deepseek",
            "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\\r\\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
            "deepseek, ideographs", "[一-龥\u3040-ゟ゠-ヿ]+", "bloom", " ?[^(\\s|[.,!?…。，、।۔،])]+", "numbers",
            "\\p{N}{1,3}", "trailing spaces", "\\s+$");

    @TestFactory
    Stream<DynamicTest> the_patterns_of_published_families_are_linear_whatever_the_text() {
        return IN_USE.entrySet().stream()
                .flatMap(pattern -> Stream
                        .of("a", "A", " ", "\n", "\r\n", "7", "\u0301", "'", "'r", "你", "👋", "a ", "  x",
                                " \n", "_")
                        .map(unit -> DynamicTest.dynamicTest(pattern.getKey() + " '" + unit + "'", () -> {
                            SplitPattern split = SplitPattern.regex(pattern.getValue());
                            String text = unit.repeat((1 << 20) / unit.length());
                            SplitPattern.Matches matches = split.matches(text);
                            int end = 0;
                            while (matches.find()) {
                                assertThat(matches.start()).isGreaterThanOrEqualTo(end);
                                end = matches.end();
                            }
                        })));
    }

    @ParameterizedTest
    @ValueSource(strings = {"a*a*a*a*a*a*b", "(?=(a*))a*a*a*a*a*c", "(.*)(.*)(.*)(.*)(.*)x"})
    void a_pattern_that_backtracks_without_end_is_stopped_and_named(String pattern) {
        SplitPattern split = SplitPattern.regex(pattern);
        assertThatThrownBy(() -> split.matches("a".repeat(40)).find()).isInstanceOf(IllegalArgumentException.class)
                .hasMessage("the pattern \"" + pattern + "\" costs too much on a text of 40 characters: it was stopped "
                        + "after looking at 220480; it backtracks, choose one that does not");
    }

    @Test
    void a_pattern_that_goes_too_deep_says_so() {
        SplitPattern split = SplitPattern.regex("(?:a|b)+c");
        assertThatThrownBy(() -> split.matches("ab".repeat(1 << 20)).find())
                .isInstanceOf(IllegalArgumentException.class).hasMessageContaining("the pattern \"(?:a|b)+c\"");
    }

    @ParameterizedTest
    @CsvSource(delimiter = ';', quoteCharacter = '`', textBlock = """
            \\h+ ; xyAF09g ; AF09
            [\\h]+ ; xyAF09g ; AF09
            [^\\h]+ ; ABz ; z
            \\w+ ; ab¼c- ; ab¼c
            [[:alpha:]]+ ; 12añb3 ; añb
            [[:^alpha:]]+ ; a12b ; 12
            [^[:alpha:]]+ ; a12b ; 12
            [a-z&&[^c-e]]+ ; abcdef ; ab,f
            [a-d[x-z]]+ ; axbze ; axbz
            []a]+ ; b]a ; ]a
            a{,2}b ; aaab ; aab
            a{2}+ ; aaaaa ; aaaa
            a{1,2}+b ; aaaab ; aaaab
            a{,2}+b ; b ; b
            a{2}?b ; aaaaab ; aab
            a{1,2}? ; aaa ; a,a,a
            (?>a+)b ; aab ; aab
            a++b ; aab ; aab
            (?i:ab)c ; ABcABC ; ABc
            x(?i)a|b ; xAB ; xA
            (?i)k ; k\u212A ; k,\u212A
            (?<=a)b(?!c) ; abcabd ; b
            \\p{^L}+ ; ab12 ; 12
            \\P{L}+ ; ab12 ; 12
            \\p{Greek}+ ; abαβ ; αβ
            \\p{Uppercase_Letter}+ ; abAB ; AB
            \\p{upper}+ ; abAB ; AB
            a{x ; a{x ; a{x
            [\\w]+ ; ab¼c ; ab,c
            (?i)\\p{Lu}+ ; abAB ; AB
            \\101 ; A101 ; A
            (?<n>a)\\k<n> ; aab ; aa
            (?#note)a ; ba ; a
            \\Aab ; abab ; ab
            [a#&&[^b]]+ ; ab# ; a,#
            """)
    void a_regular_expression_means_what_it_means_to_oniguruma(String pattern, String text, String matches) {
        assertThat(String.join(",", found(SplitPattern.regex(pattern), text))).isEqualTo(matches);
    }

    @Test
    void v_is_the_vertical_tab() {
        assertThat(found(SplitPattern.regex("[\\v]\\v"), "\n\n\013\013")).containsExactly("\013\013");
    }

    @Test
    void an_empty_match_right_behind_another_is_none() {
        assertThat(found(SplitPattern.regex("x*"), "axxb")).containsExactly("", "xx", "");
        assertThat(found(SplitPattern.regex(""), "a👋")).containsExactly("", "", "");
        assertThat(found(SplitPattern.literal(""), "ab")).containsExactly("", "", "");
        assertThat(found(SplitPattern.literal("aa"), "aaaaa")).containsExactly("aa", "aa");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            a\\Kb        | \\K is not supported
            \\g<1>       | \\g is not supported
            (?~ab)       | "(?~" is not supported
            \\p{Klingon} | the property {Klingon} is not known
            [ab          | a bracket is not closed
            ab)          | a closing parenthesis without an opening one
            a\\          | a backslash at the end
            """)
    void what_java_cannot_do_is_an_error(String pattern, String problem) {
        assertThatThrownBy(() -> SplitPattern.regex(pattern)).isInstanceOf(PatternSyntaxException.class)
                .hasMessageStartingWith(problem);
    }

    private static List<String> found(SplitPattern pattern, String text) {
        var found = new ArrayList<String>();
        SplitPattern.Matches matches = pattern.matches(text);
        while (matches.find()) {
            found.add(text.substring(matches.start(), matches.end()));
        }
        return found;
    }
}
