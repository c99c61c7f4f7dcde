package dev.weft.grammar;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class AutomatonTest {
    private static final TokenIds TOKENS = Writer.IDS;

    @Test
    void ids_that_may_come_are_those_whose_bytes_may() {
        Constraint constraint = Constraint.regex("(the )*(cat|\"é🦙\"){1,2}");
        Automaton automaton = Writer.automaton(constraint, TOKENS);
        for (String before : List.of("", "the ", "the cat", "\"é", "cat\"é🦙")) {
            Automaton.State state = automaton.start();
            Term term = constraint.term();
            for (int id : Writer.BYTES.ids(before)) {
                state = automaton.after(state, id, false);
                for (byte each : TOKENS.bytes(id, false)) {
                    term = term.after(each & 0xFF);
                }
            }
            Term here = term;
            boolean[] expected = new boolean[TOKENS.size()];
            for (int id = 0; id < expected.length; id++) {
                Term after = here;
                for (byte each : TOKENS.bytes(id, false)) {
                    after = after.after(each & 0xFF);
                }
                expected[id] = !TOKENS.special().get(id) && after != Term.NOTHING;
            }
            assertThat(automaton.allowed(state, false).ids()).isEqualTo(expected);
            assertThat(state.accepts()).isEqualTo(constraint.allows(before));
        }
    }

    @Test
    void a_literal_costs_as_many_ids_as_the_shortest_way_to_write_it() {
        byte[] text = "\"the cat".getBytes(StandardCharsets.UTF_8);
        int[] prices = TOKENS.texts().prices(text);
        assertThat(prices[text.length]).isZero();
        for (int from = 0; from < text.length; from++) {
            String rest = new String(text, from, text.length - from, StandardCharsets.UTF_8);
            assertThat(prices[from]).isBetween(1, Writer.BYTES.ids(rest).length);
        }
    }
}
