package dev.weft.grammar;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.EdgeCasesMode;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class RegexTest {
    @Provide
    Arbitrary<String> expressions() {
        Arbitrary<String> leaf = Arbitraries.of("a", "b", "é", "🦙", "日", ".", "\\d", "\\w", "\\s", "\\D", "[a-c]",
                "[^a-c]",
                "[^é🦙]", "[é-日]", "\\.", "\\x41", "\\u00e9", "\\n", "\\p{Lu}", "\\P{L}", "ab");
        Arbitrary<String> all = leaf;
        for (int depth = 0; depth < 3; depth++) {
            Arbitrary<String> inside = all;
            all = Arbitraries.oneOf(leaf,
                    Combinators.combine(inside, inside).as((one, other) -> one + other),
                    Combinators.combine(inside, inside).as((one, other) -> "(" + one + "|" + other + ")"),
                    Combinators.combine(inside, Arbitraries.of("*", "+", "?", "{2}", "{1,3}", "{0,2}?", "{2,}"))
                            .as((each, times) -> "(?:" + each + ")" + times));
        }
        return all;
    }

    @Provide
    Arbitrary<String> texts() {
        return Arbitraries.of("a", "b", "c", "é", "🦙", "日", "A", "1", " ", "\n", ".", "-").list().ofMaxSize(6)
                .map(each -> String.join("", each));
    }

    @Property(tries = 200, edgeCases = EdgeCasesMode.NONE)
    void what_is_written_matches_for_java_too(@ForAll("expressions") String expression, @ForAll long seed) {
        String text = Writer.write(Constraint.regex(expression), 60, seed);
        assertThat(text).matches(each -> each != null && Pattern.compile(expression).matcher(each).matches(),
                "matches " + expression);
    }

    @Property(tries = 600, edgeCases = EdgeCasesMode.NONE)
    void a_text_is_allowed_exactly_if_java_finds_that_it_matches(@ForAll("expressions") String expression,
            @ForAll("texts") String text) {
        assertThat(Constraint.regex(expression).allows(text)).as("%s of %s", text, expression)
                .isEqualTo(Pattern.compile(expression).matcher(text).matches());
    }

    @ParameterizedTest
    @CsvSource({"^abc$, abc, xabc", "^(a|b)$, b, ab", "(?<year>\\d{4})-\\d\\d, 2026-11, 26-11", "a{2}?, aa, a",
            "\\u{1F999}|\\uD83E\\uDD99x, 🦙, x", "[\\]\\-a]+, ]-a, b", "'x+y{2,}', xyyy, xy", "\\/\\#, /#, /"})
    void syntax_is_read(String expression, String yes, String no) {
        Constraint constraint = Constraint.regex(expression);
        assertThat(constraint.allows(yes)).isTrue();
        assertThat(constraint.allows(no)).isFalse();
    }

    @ParameterizedTest
    @CsvSource({"(?=a)b,look around", "(?<!a)b,look around", "(a)\\1,reference to a group", "a\\b,\\b", "(?i)a,(?i",
            "a++,possessive", "(a,without its )", "a),without its (", "[a,without its ]",
            "a**,repetition of a repetition",
            "*a,nothing to repeat", "a{3,nothing to repeat", "a{5;2},no repetition", "[z-a],before it begins",
            "\\p{Nonsense},Nonsense", "a^b,^ inside", "a$b,$ inside", "[[:alpha:]],sets in a set", "(?>a),not known",
            "a{200000},100,000"})
    void what_is_not_known_is_refused_by_name(String expression, String reason) {
        String read = expression.replace("{5;2}", "{5,2}").replace("a{3", "{3");
        assertThatThrownBy(() -> Constraint.regex(read)).isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining(reason).hasMessageContaining(read);
    }

    @ParameterizedTest
    @ValueSource(strings = {"(a{0,50}){0,50}b", "(a|ab|abc)*c", "(.*a){3}.{8}"})
    void ambiguous_expressions_are_followed_too(String expression) {
        assertThat(Writer.write(Constraint.regex(expression), 200, 5)).matches(expression);
    }

    @Test
    void choices_are_the_strings_and_nothing_else() {
        List<String> strings = List.of("yes", "yes, but", "no", "é🦙", "");
        Constraint choice = Constraint.choice(strings);
        assertThat(strings).allMatch(choice::allows);
        assertThat(Stream.of("y", "yes,", "noo", "é")).noneMatch(choice::allows);
        assertThat(Stream.iterate(0L, seed -> seed + 1).limit(40).map(seed -> Writer.write(choice, 20, seed)))
                .isSubsetOf(strings).contains("yes", "no", "é🦙");
        assertThatThrownBy(() -> Constraint.choice(List.of())).hasMessageContaining("none");
    }
}
