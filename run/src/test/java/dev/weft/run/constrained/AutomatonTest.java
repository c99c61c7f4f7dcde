package dev.weft.run.constrained;

import static org.assertj.core.api.Assertions.assertThat;

import dev.weft.models.Gpt2;
import dev.weft.models.Models;
import dev.weft.run.Generation;
import dev.weft.run.Generator;
import dev.weft.tensor.TensorScope;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class AutomatonTest {
    private static final TokenIds TOKENS = TokenIds.of(Writer.BYTES);

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
            assertThat(state.accepts).isEqualTo(constraint.allows(before));
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

    @Test
    void what_is_forgotten_changes_no_text_and_memory_stays_flat() {
        Constraint constraint = Constraint.json();
        var small = new Automaton(constraint.term(), TOKENS, 100_000);
        var config = Gpt2.Config.tiny().withSizes(1, 2, 8, 300).withVocabSize(TOKENS.size());
        try (var model = Models.create(config, 1)) {
            Generator remembers = Generator.of(model).withConstraint(constraint.over(Writer.BYTES));
            Generator forgets = Generator.of(model).withConstraint(new TokenConstraint(small, TOKENS));
            long before = TensorScope.liveTensors();
            for (int seed = 0; seed < 12; seed++) {
                Generation options = Generation.sampled(seed).withEndIds(List.of(0)).withMaxNewTokens(120)
                        .withNumBeams(1 + seed % 3);
                List<int[]> prompts = Stream.of("the", "cat and").map(Writer.BYTES::ids).toList();
                List<String> texts = texts(remembers, prompts, options);
                assertThat(texts(forgets, prompts, options)).isEqualTo(texts).allMatch(constraint::allows);
                // The states that one step meets come on top.
                assertThat(small.remembered()).isLessThan(10_000_000);
            }
            assertThat(TensorScope.liveTensors()).isLessThanOrEqualTo(before);
        }
    }

    private static List<String> texts(Generator generator, List<int[]> prompts, Generation options) {
        return generator.generate(prompts, options).texts().stream().map(
                each -> Writer.BYTES.decode(IntStream.of(each.ids()).toArray(), true)).toList();
    }
}
