package dev.weft.jinja;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// Templates that cost too much, reach too far, or are none: each ends soon, with one clear message.
class HostileTemplateTest {
    private static String render(String source) {
        return Template.of("t", source).render(Map.of("x", 5, "s", "a".repeat(1000)));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '¦', quoteCharacter = '`', textBlock = """
            {% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %} ¦ steps
            {% macro m() %}{{ m() }}{% endmacro %}{{ m() }} ¦ deep
            {% macro m() %}{{ m() }}{{ m() }}{% endmacro %}{{ m() }} ¦ deep
            {% for a in [[1]] recursive %}{{ loop([[1]]) }}{% endfor %} ¦ deep
            {{ 'a' * 10**9 }} ¦ string of 1000000000 characters
            {{ [0] * 10**9 }} ¦ list of 1000000000 items
            {{ range(10**9) }} ¦ 100000 numbers
            {{ 9**99999 }} ¦ 4300 digits
            {{ 10**10000 }} ¦ 4300 digits
            {% set ns = namespace(t='a') %}{% for i in range(99) %}{% set ns.t = ns.t + ns.t %}{% endfor %} ¦ characters
            {% set ns = namespace(t=[]) %}{% for i in range(999) %}{% set ns.t = [ns.t] %}{% endfor %} ¦ 200 deep
            {% set ns = namespace() %}{% set ns.me = ns %}{{ ns }} ¦ holds itself
            {% for i in range(99999) %}{{ s }}{% endfor %} ¦ characters
            {{ 'a'.center(10**9) }} ¦ characters
            {{ '%999999999d' % 5 }} ¦ width
            {{ '{:>999999999}'.format(5) }} ¦ width
            {{ s.replace('a', s).replace('a', s).replace('a', s) }} ¦ characters
            {{ 'a'|indent(10**9, true) }} ¦ characters
            {{ [1]|batch(10**9, 0)|list }} ¦ items
            {{ (s * 5000) in (s * 9000 ~ 'b') }} ¦ steps
            {{ ''.__class__.__mro__[1].__subclasses__() }} ¦ inner workings
            {{ x.__init__.__globals__ }} ¦ inner workings
            {{ '{0.__class__.__mro__}'.format(s) }} ¦ inner workings
            {{ s.getClass() }} ¦ no attribute 'getClass'
            {% include '/etc/passwd' %} ¦ not supported
            {{ open('/etc/passwd') }} ¦ 'open' is undefined
            {{ lipsum() }} ¦ random
            {{ [1]|random }} ¦ 'random' is not supported
            """)
    void what_a_template_may_not_do_is_refused(String source, String message) {
        assertThatThrownBy(() -> render(source)).isInstanceOf(TemplateException.class)
                .hasMessageStartingWith("t, line 1: ").hasMessageContaining(message);
    }

    @Test
    void nesting_without_end_is_refused_when_it_is_read() {
        for (String source : new String[]{"{{ " + "(".repeat(100_000), "{{ " + "[".repeat(100_000),
                "{{ " + "-".repeat(100_000) + "1 }}", "{{ " + "not ".repeat(100_000) + "1 }}",
                "{% if x %}".repeat(100_000), "{{ " + "1 if ".repeat(100_000), "{{ " + "x|".repeat(5) + "f("
                        .repeat(100_000),
                "{% for " + "(".repeat(100_000)}) {
            assertThatThrownBy(() -> render(source)).isInstanceOf(TemplateException.class);
        }
        assertThatThrownBy(() -> render("{{ 1" + " + 1".repeat(100_000) + " }}")).isInstanceOf(TemplateException.class)
                .hasMessageContaining("deep");
    }

    @Test
    void the_deepest_that_is_allowed_fits_the_usual_stack_of_a_thread() throws InterruptedException {
        Throwable[] found = new Throwable[1];
        var thread = new Thread(null, () -> {
            try {
                render("{% macro m() %}{% if x %}{% for a in [1] %}{{ [(m() ~ '')|upper] }}{% endfor %}{% endif %}"
                        + "{% endmacro %}{{ m() }}");
            } catch (Throwable e) {
                found[0] = e;
            }
        }, "usual", 1024 * 1024);
        thread.start();
        thread.join();
        assertThat(found[0]).isInstanceOf(TemplateException.class).hasMessageContaining("600 deep");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '¦', quoteCharacter = '`', textBlock = """
            {{ x|shout }} ¦ no filter 'shout'
            {{ x is loud }} ¦ no test 'loud'
            {% shout %} ¦ unknown tag 'shout'
            {{ s.shout() }} ¦ no attribute 'shout'
            {{ shout(1) }} ¦ 'shout' is undefined
            {{ s|upper(1) }} ¦ upper takes 0 argument(s)
            {{ s.upper }} ¦ has no text of its own
            {{ s|map('upper') }} ¦ |list
            {% for a in x %}{% endfor %} ¦ int cannot be gone through
            {% block a %}{% endblock %} ¦ stands alone
            {{ 'a ¦ closing
            {{ x ¦ the end of the template
            """)
    void what_a_template_names_wrongly_is_named(String source, String message) {
        assertThatThrownBy(() -> render("a\nb\n" + source)).isInstanceOf(TemplateException.class)
                .hasMessageStartingWith("t, line 3: ").hasMessageContaining(message);
    }

    @Test
    void an_object_of_java_s_cannot_be_given() {
        assertThatThrownBy(() -> Template.of("t", "{{ f }}").render(Map.of("f", new Object())))
                .isInstanceOf(TemplateException.class).hasMessageContaining("java.lang.Object");
    }
}
