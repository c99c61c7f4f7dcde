package dev.weft.run.pipeline;

import dev.weft.run.Task;
import dev.weft.models.Loading;
import dev.weft.text.Encoding;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.TreeMap;
import java.util.stream.IntStream;

/// Which of several endings fits a text (Zellers et al. 2018), by a model of the Python library's `ForMultipleChoice`.
/// Safe to share between threads.
public final class ChoicePicker implements AutoCloseable {
    /// A text and what may follow.
    public record Question(String text, List<String> choices) {
        public Question {
            choices = List.copyOf(choices);
        }
    }

    /// What was picked.
    ///
    /// @param index         of the choice in the list that was given
    /// @param probability   of it among the choices
    /// @param probabilities of each choice, in their order
    public record Choice(int index, String choice, double probability, List<Double> probabilities) {}

    private final Batches batches;
    private final boolean truncates;

    private ChoicePicker(Batches batches, boolean truncates) {
        this.batches = batches;
        this.truncates = truncates;
    }

    static ChoicePicker open(Path folder, Loading loading) {
        return new ChoicePicker(Batches.open(folder, loading, Task.MULTIPLE_CHOICE), false);
    }

    /// This one, cutting what is longer than the model's positions. Both are closed by either.
    public ChoicePicker truncating() {
        return new ChoicePicker(batches, true);
    }

    /// Which of the endings goes on best from the prompt, with a score for each.
    public Choice pick(String text, List<String> choices) {
        return pick(List.of(new Question(text, choices))).getFirst();
    }

    /// A choice for each text.
    ///
    /// @throws RefusedTexts if a text is empty or has no choices, or a text with a choice is longer than the model's
    /// positions
    public List<Choice> pick(List<Question> questions) {
        Batches.requireWords(questions.stream().map(Question::text).toList());
        RefusedTexts.check(questions.size(),
                i -> questions.get(i).choices().isEmpty() ? "has no choices; give at least one" : null);
        var tokenizer = batches.tokenizer(truncates);
        List<List<Encoding>> all = questions.stream().map(each -> tokenizer
                .encodeAllPairs(Collections.nCopies(each.choices().size(), each.text()), each.choices())).toList();
        int room = batches.room();
        RefusedTexts.check(questions.size(), i -> {
            int longest = all.get(i).stream().mapToInt(Encoding::size).max().orElseThrow();
            return longest <= room
                    ? null
                    : "has %d tokens with a choice and this model has room for %d; shorten it or ask for truncation"
                            .formatted(longest, room);
        });
        // A score depends on its own pair alone, so that pairs of all texts may share batches.
        List<Float> scores = batches.map(all.stream().flatMap(List::stream).toList(), List.of("logits"),
                (outputs, pair) -> outputs.get("logits").toFloats()[0]);
        var choices = new ArrayList<Choice>();
        int from = 0;
        for (Question question : questions) {
            float[] its = new float[question.choices().size()];
            for (int i = 0; i < its.length; i++) {
                its[i] = scores.get(from++);
            }
            double[] probabilities = Classification.Function.SOFTMAX.apply(its);
            int best = IntStream.range(0, its.length).reduce(0, (a, b) -> its[b] > its[a] ? b : a);
            choices.add(new Choice(best, question.choices().get(best), probabilities[best],
                    IntStream.range(0, its.length).mapToObj(i -> probabilities[i]).toList()));
        }
        return choices;
    }

    @Override
    public void close() {
        batches.close();
    }
}
