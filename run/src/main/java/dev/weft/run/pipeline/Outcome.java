package dev.weft.run.pipeline;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import java.util.stream.IntStream;

/// What became of one of several inputs.
///
/// ```java
/// List<Outcome<Classification>> all = Outcome.each(texts, classifier::classify);
/// ```
///
/// @param <T> an answer
public sealed interface Outcome<T> {
    /// It has an answer.
    ///
    /// @param <T> its type
    record Answered<T>(T answer) implements Outcome<T> {}

    /// It has none.
    ///
    /// @param reason reads on from “The text …”
    /// @param <T>    the type of an answer
    record Refused<T>(String reason) implements Outcome<T> {}

    /// Answers to all inputs that can be answered, and why the others cannot: one bad text does not fail the rest. In the
    /// order of the inputs.
    ///
    /// @param pipeline gives as many answers as it is given inputs
    /// @param <I>      an input
    /// @param <T>      an answer
    static <I, T> List<Outcome<T>> each(List<I> inputs, Function<List<I>, List<T>> pipeline) {
        if (inputs.isEmpty()) {
            return List.of();
        }
        try {
            return pipeline.apply(inputs).stream().<Outcome<T>>map(Answered::new).toList();
        } catch (RefusedTexts refused) {
            var outcomes = new ArrayList<Outcome<T>>(inputs.size());
            List<Integer> others = IntStream.range(0, inputs.size()).filter(i -> !refused.reasons().containsKey(i))
                    .boxed().toList();
            var answers = each(others.stream().map(inputs::get).toList(), pipeline).iterator();
            for (int i = 0; i < inputs.size(); i++) {
                String reason = refused.reasons().get(i);
                outcomes.add(reason == null ? answers.next() : new Refused<>(reason));
            }
            return outcomes;
        } catch (IllegalArgumentException e) {
            // Nobody says which: each for itself.
            return inputs.size() == 1
                    ? List.of(new Refused<>("cannot be answered: " + e.getMessage()))
                    : inputs.stream().flatMap(input -> each(List.of(input), pipeline).stream()).toList();
        }
    }
}
