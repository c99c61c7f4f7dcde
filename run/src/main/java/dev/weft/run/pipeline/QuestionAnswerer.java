package dev.weft.run.pipeline;

import dev.weft.run.Task;
import dev.weft.models.Loading;
import dev.weft.text.Encoding;
import dev.weft.text.Truncation;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.PriorityQueue;

/// Finds the answer to a question in a text of any length, which is read in overlapping windows. The Python library's
/// `question-answering`. Safe to share between threads.
public final class QuestionAnswerer implements AutoCloseable {
    /// How answers are looked for.
    ///
    /// @param maxTokens     tokens of a window, the question's included
    /// @param stride        tokens that windows share; at most half of what a window holds
    /// @param maxAnswer     tokens of an answer
    /// @param mayBeNone     whether the text may hold no answer, which then is an empty one
    /// @param answers       how many, best first
    public record Options(int maxTokens, int stride, int maxAnswer, boolean mayBeNone, int answers) {
        static final Options DEFAULTS = new Options(384, 128, 15, false, 1);

        public Options {
            requireAbove(maxTokens, 0, "Tokens of a window");
            requireAbove(stride, -1, "Tokens that windows share");
            requireAbove(maxAnswer, 0, "Tokens of an answer");
            requireAbove(answers, 0, "The number of answers");
        }

        private static void requireAbove(int value, int bound, String what) {
            if (value <= bound) {
                throw new IllegalArgumentException("%s must be above %d, found %d".formatted(what, bound, value));
            }
        }

        /// With windows of so many tokens over long contexts, which share so many.
        public Options withWindows(int tokens, int shared) {
            return new Options(tokens, shared, maxAnswer, mayBeNone, answers);
        }

        /// With answers of so many tokens at the most.
        public Options withMaxAnswer(int tokens) {
            return new Options(maxTokens, stride, tokens, mayBeNone, answers);
        }

        /// With "there is no answer" among the answers.
        public Options withNone() {
            return new Options(maxTokens, stride, maxAnswer, true, answers);
        }

        /// With so many answers at the most.
        public Options withAnswers(int count) {
            return new Options(maxTokens, stride, maxAnswer, mayBeNone, count);
        }
    }

    /// What is asked, and the text that may answer it.
    public record Question(String question, String context) {}

    private final Batches batches;

    private QuestionAnswerer(Batches batches) {
        this.batches = batches;
    }

    static QuestionAnswerer open(Path folder, Loading loading) {
        return new QuestionAnswerer(Batches.open(folder, loading, Task.QUESTION_ANSWERING));
    }

    /// What to start from.
    public static Options options() {
        return Options.DEFAULTS;
    }

    /// The best answer.
    public Answer answer(String question, String context) {
        return answers(question, context, Options.DEFAULTS).getFirst();
    }

    /// The best answers, best first.
    ///
    /// @throws IllegalArgumentException if the question leaves no room for the text in a window
    public List<Answer> answers(String question, String context, Options options) {
        return answers(List.of(new Question(question, context)), options).getFirst();
    }

    /// The best answers to each question, best first.
    ///
    /// @throws RefusedTexts if a question or its text is empty
    public List<List<Answer>> answers(List<Question> questions, Options options) {
        RefusedTexts.check(questions.size(), i -> questions.get(i).context().isBlank()
                ? "is empty"
                : questions.get(i).question().isBlank() ? "has an empty question" : null);
        int most = Math.min(options.maxTokens(), batches.room());
        var tokenizer = batches.tokenizer().with(Truncation.windows(most, Math.min(options.stride(), most / 2)));
        List<List<Encoding>> spread = questions.stream()
                .map(each -> tokenizer.encodePair(each.question(), each.context())).toList();
        List<float[][]> scores = batches.map(spread.stream().flatMap(List::stream).toList(),
                List.of("start_logits", "end_logits"), (outputs, window) -> new float[][]{
                        outputs.get("start_logits").toFloats(), outputs.get("end_logits").toFloats()});
        var all = new ArrayList<List<Answer>>();
        int from = 0;
        for (int i = 0; i < questions.size(); i++) {
            String context = questions.get(i).context();
            var found = new ArrayList<Answer>();
            for (Encoding window : spread.get(i)) {
                float[][] its = scores.get(from++);
                found.addAll(spans(context, window, its[0], its[1], options));
            }
            all.add(best(found, options));
        }
        return all;
    }

    private static List<Answer> best(List<Answer> found, Options options) {
        // The same words found again, by other tokens or in another window, are likelier for it.
        var byText = new LinkedHashMap<String, Answer>();
        double none = Double.POSITIVE_INFINITY;
        for (Answer answer : found) {
            if (answer.end() == 0) {
                // Of all windows the least sure that there is none.
                none = Math.min(none, answer.score());
            } else {
                byText.merge(answer.text().toLowerCase(Locale.ROOT), answer, (first, again) -> new Answer(first.text(),
                        first.score() + again.score(), first.start(), first.end()));
            }
        }
        var all = new ArrayList<>(byText.values());
        if (options.mayBeNone()) {
            all.add(new Answer("", none, 0, 0));
        }
        all.sort(Comparator.comparingDouble(Answer::score).reversed());
        return List.copyOf(all.subList(0, Math.min(options.answers(), all.size())));
    }

    private static List<Answer> spans(String context, Encoding window, float[] startLogits, float[] endLogits,
            Options options) {
        int n = window.size();
        boolean[] allowed = new boolean[n];
        for (int i = 0; i < n; i++) {
            // The first token stands for no answer, and has its share also where one must be given.
            allowed[i] = window.sequenceIds()[i] == 1 || i == 0;
        }
        double[] starts = probabilities(startLogits, allowed);
        double[] ends = probabilities(endLogits, allowed);
        var best = new ArrayList<Answer>();
        if (options.mayBeNone()) {
            best.add(new Answer("", starts[0] * ends[0], 0, 0));
        }
        // Some will turn out to be the same words.
        int candidates = 2 * options.answers() + 10;
        record Span(int from, int to, double score) {}
        var spans = new PriorityQueue<Span>(Comparator.comparingDouble(Span::score));
        for (int from = 1; from < n; from++) {
            for (int to = from; allowed[from] && to < Math.min(n, from + options.maxAnswer()); to++) {
                if (allowed[to]) {
                    spans.add(new Span(from, to, starts[from] * ends[to]));
                    if (spans.size() > candidates) {
                        spans.poll();
                    }
                }
            }
        }
        for (Span span : spans.stream().sorted(Comparator.comparingDouble(Span::score).reversed()).toList()) {
            // Whole words, as a reader would mark them.
            int start = word(window, span.from())[0];
            int end = word(window, span.to())[1];
            best.add(new Answer(context.substring(start, end), span.score(), start, end));
        }
        return best;
    }

    private static double[] probabilities(float[] logits, boolean[] allowed) {
        double highest = Double.NEGATIVE_INFINITY;
        for (int i = 0; i < allowed.length; i++) {
            highest = allowed[i] ? Math.max(highest, logits[i]) : highest;
        }
        double[] probabilities = new double[allowed.length];
        double sum = 0;
        for (int i = 0; i < allowed.length; i++) {
            probabilities[i] = allowed[i] ? Math.exp(logits[i] - highest) : 0;
            sum += probabilities[i];
        }
        for (int i = 0; i < allowed.length; i++) {
            probabilities[i] /= sum;
        }
        return probabilities;
    }

    private static int[] word(Encoding window, int token) {
        int first = token;
        int last = token;
        while (first > 0 && sameWord(window, token, first - 1)) {
            first--;
        }
        while (last + 1 < window.size() && sameWord(window, token, last + 1)) {
            last++;
        }
        return new int[]{window.starts()[first], window.ends()[last]};
    }

    private static boolean sameWord(Encoding window, int one, int other) {
        return window.sequenceIds()[one] == window.sequenceIds()[other]
                && window.wordIds()[one] == window.wordIds()[other];
    }

    @Override
    public void close() {
        batches.close();
    }
}
