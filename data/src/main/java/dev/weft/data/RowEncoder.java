package dev.weft.data;

import dev.weft.data.Example.Feature;
import dev.weft.text.Encoding;
import dev.weft.text.Tokenizer;
import dev.weft.text.Truncation;
import dev.weft.text.chat.ChatTemplate;
import dev.weft.text.chat.Conversation;
import dev.weft.text.chat.RenderedChat;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.TreeMap;
import java.util.stream.Stream;

/// Rows to examples, a task's way. The columns have fixed names, which [Rows#named] gives to those of a file.
///
/// Open on purpose; safe to share between threads.
public interface RowEncoder {
    /// The examples of a row: one, or as many as it has windows.
    ///
    /// @throws IllegalArgumentException if the row is not as the task needs it, naming it
    List<Example> encode(Row row);

    /// All that decides what examples are made of a row: what a cache is found by.
    String settings();

    /// What a text is to be given.
    sealed interface Target {
        /// Nothing: the column is not read.
        record None() implements Target {}

        /// One class; column `label`.
        record OneOf(Labels labels) implements Target {}

        /// Any of the classes; column `labels`, a list.
        record AnyOf(Labels labels) implements Target {}

        /// A number; column `label`.
        record Number() implements Target {}

        default Example of(Row row, Example example) {
            return switch (this) {
                case None() -> example;
                case OneOf(Labels labels) -> example.with("labels", labels.id(row, "label"));
                case Number() -> example.with("labels", new Feature.Number((float) row.number("label")));
                case AnyOf(Labels labels) -> {
                    float[] held = new float[labels.size()];
                    row.labels("labels").forEach(name -> held[labels.id(name, row.place())] = 1);
                    yield example.with("labels", Feature.Array.of(held));
                }
            };
        }
    }

    /// Which pieces of a word are labelled.
    enum Pieces {
        /// The first one; the others count for nothing.
        FIRST,
        /// All; those after the first of a word `B-x` with `I-x`, where there is that label.
        ALL
    }

    /// All of a tokenizer that its ids, and the places of its special tokens, depend on.
    private static String settings(Tokenizer tokenizer) {
        return new TreeMap<>(tokenizer.specialTokens()) + tokenizer.json();
    }

    /// What a model takes of an encoding. Types of tokens are left out where all are 0, as a model has it without them.
    private static Example example(Encoding encoding) {
        var example = new Example(Map.of("input_ids", new Feature.Sequence(encoding.ids())));
        return Arrays.stream(encoding.typeIds()).allMatch(type -> type == 0)
                ? example
                : example.with("token_type_ids", encoding.typeIds());
    }

    /// Texts, or pairs of them, and what each is to be given: columns `text`, `text_pair` where there is one, and the
    /// target's.
    record Texts(Tokenizer tokenizer, Truncation truncation, Target target) implements RowEncoder {
        public Texts {
            tokenizer = tokenizer.with(truncation);
        }

        @Override
        public List<Example> encode(Row row) {
            String text = row.text("text");
            Encoding encoding = row.columns().contains("text_pair")
                    ? tokenizer.encodePair(text, row.text("text_pair"))
                    : tokenizer.encode(text);
            return List.of(target.of(row, example(encoding)));
        }

        @Override
        public String settings() {
            return "texts %s %s %s".formatted(truncation, target, RowEncoder.settings(tokenizer));
        }
    }

    /// Texts to go on with: column `text`. The labels are the ids themselves.
    record Language(Tokenizer tokenizer, Truncation truncation) implements RowEncoder {
        public Language {
            tokenizer = tokenizer.with(truncation);
        }

        @Override
        public List<Example> encode(Row row) {
            Encoding encoding = tokenizer.encode(row.text("text"));
            return List.of(example(encoding).with("labels", encoding.ids()));
        }

        @Override
        public String settings() {
            return "language %s %s".formatted(truncation, RowEncoder.settings(tokenizer));
        }
    }

    /// Texts of which some tokens are to be found again: column `text`. `word_ids` has the number of each token's word, −1
    /// where the tokenizer put it: for [dev.weft.data.examples.MaskedTokens], which masks anew in each epoch.
    record Masked(Tokenizer tokenizer, Truncation truncation) implements RowEncoder {
        public Masked {
            tokenizer = tokenizer.with(truncation);
        }

        @Override
        public List<Example> encode(Row row) {
            Encoding encoding = tokenizer.encode(row.text("text"));
            return List.of(example(encoding).with("word_ids", encoding.wordIds()));
        }

        @Override
        public String settings() {
            return "masked %s %s".formatted(truncation, RowEncoder.settings(tokenizer));
        }
    }

    /// Conversations of which what the assistant says is trained, behind the prompt where there is one: the columns of
    /// [Chats#conversation].
    ///
    /// @param room tokens that the model has room for; later ones are cut
    record Conversations(Tokenizer tokenizer, ChatTemplate template, int room) implements RowEncoder {
        @Override
        public List<Example> encode(Row row) {
            return List.of(said(tokenizer, template, room, Chats.conversation(row), Chats.prompt(row), row, ""));
        }

        static Example said(Tokenizer tokenizer, ChatTemplate template, int room, Conversation conversation, int prompt,
                Row row, String prefix) {
            try {
                RenderedChat chat = template.renderWithTurns(conversation, prompt);
                var example = new Example(Map.of());
                for (var part : AnswerLabels.of(chat, tokenizer.encode(chat.text(), false), room).entrySet()) {
                    example = example.with(prefix + part.getKey(), part.getValue());
                }
                return example;
            } catch (IllegalArgumentException e) {
                throw new IllegalArgumentException(row.place() + ": " + e.getMessage(), e);
            }
        }

        @Override
        public String settings() {
            return "conversations %d %s %s".formatted(room, template.settings(), RowEncoder.settings(tokenizer));
        }
    }

    /// Two answers of which one is liked better: the columns of [Chats#preference]. Features begin with `chosen_` and
    /// `rejected_`.
    record Preferences(Tokenizer tokenizer, ChatTemplate template, int room) implements RowEncoder {
        @Override
        public List<Example> encode(Row row) {
            Chats.Preference both = Chats.preference(row);
            Example chosen = Conversations.said(tokenizer, template, room, both.chosen(), both.prompt(), row,
                    "chosen_");
            Example rejected = Conversations.said(tokenizer, template, room, both.rejected(), both.prompt(), row,
                    "rejected_");
            return List.of(chosen.with(rejected));
        }

        @Override
        public String settings() {
            return "preferences %d %s %s".formatted(room, template.settings(), RowEncoder.settings(tokenizer));
        }
    }

    /// Texts that belong together: columns `anchor` and `positive`, and `negative` where there is one, a text that does not.
    record Similar(Tokenizer tokenizer, Truncation truncation) implements RowEncoder {
        public Similar {
            tokenizer = tokenizer.with(truncation);
        }

        @Override
        public List<Example> encode(Row row) {
            var example = new Example(Map.of());
            for (String column : List.of("anchor", "positive", "negative")) {
                if (!column.equals("negative") || row.columns().contains(column)) {
                    for (var part : example(tokenizer.encode(row.text(column))).features().entrySet()) {
                        example = example.with(column + "_" + part.getKey(), part.getValue());
                    }
                }
            }
            return List.of(example);
        }

        @Override
        public String settings() {
            return "similar %s %s".formatted(truncation, RowEncoder.settings(tokenizer));
        }
    }

    /// Words with a tag each: columns `tokens` and `tags`, lists of one length. What is no word counts for nothing.
    record Words(Tokenizer tokenizer, Truncation truncation, Labels labels, Pieces pieces) implements RowEncoder {
        public Words {
            tokenizer = tokenizer.with(truncation);
        }

        @Override
        public List<Example> encode(Row row) {
            List<String> words = row.texts("tokens");
            List<String> tags = row.labels("tags");
            if (words.size() != tags.size()) {
                throw new IllegalArgumentException(
                        "%s: %d tokens, but %d tags".formatted(row.place(), words.size(), tags.size()));
            }
            Encoding encoding = tokenizer.encodeWords(words);
            int[] targets = new int[encoding.size()];
            int before = -1;
            for (int i = 0; i < targets.length; i++) {
                int word = encoding.wordIds()[i];
                targets[i] = word < 0 || word == before && pieces == Pieces.FIRST
                        ? Example.IGNORED
                        : labels.id(word == before ? inside(tags.get(word)) : tags.get(word), row.place());
                before = word;
            }
            return List.of(example(encoding).with("labels", targets));
        }

        private String inside(String tag) {
            String inside = tag.replaceFirst("^B-", "I-");
            return labels.has(inside) ? inside : tag;
        }

        @Override
        public String settings() {
            return "words %s %s %s %s".formatted(truncation, labels, pieces, RowEncoder.settings(tokenizer));
        }
    }

    /// Questions to a text: columns `question`, `context` and `answers` ([Row#answers]), of which the first counts. Each
    /// window is an example, with the places of the answer's first and last token in `start_positions` and
    /// `end_positions`; both are the place of the `cls_token` (else the `bos_token`, else 0) where the window does not
    /// hold the whole answer, or there is none. As the question answering script of `transformers`.
    record Questions(Tokenizer tokenizer, Truncation.Windows windows) implements RowEncoder {
        @Override
        public List<Example> encode(Row row) {
            String context = row.text("context");
            Row.Answers answers = row.answers("answers");
            // Spaces before a question can be so many that no room is left for the text.
            List<Encoding> all = tokenizer.with(windows).encodePair(row.text("question").stripLeading(), context);
            int start = -1;
            int end = -1;
            if (!answers.texts().isEmpty()) {
                String answer = answers.texts().getFirst();
                long place = answers.starts().getFirst();
                // Python counts code points, Java UTF-16 units.
                start = place < 0 || place > context.codePointCount(0, context.length())
                        ? -1
                        : context.offsetByCodePoints(0, (int) place);
                if (start < 0 || !context.startsWith(answer, start)) {
                    throw new IllegalArgumentException(
                            "%s: the answer \"%s\" does not stand at character %d of the context".formatted(row.place(),
                                    answer, place));
                }
                end = start + answer.length();
            }
            int from = start;
            int to = end;
            return all.stream().map(window -> placed(window, from, to)).toList();
        }

        private Example placed(Encoding window, int start, int end) {
            int first = -1;
            int last = -1;
            for (int i = 0; start >= 0 && i < window.size(); i++) {
                if (window.sequenceIds()[i] == 1) {
                    first = window.starts()[i] <= start ? i : first;
                    last = last < 0 && window.ends()[i] >= end ? i : last;
                }
            }
            if (first < 0 || last < first) {
                first = outside(window);
                last = first;
            }
            return example(window).with("start_positions", first).with("end_positions", last);
        }

        private int outside(Encoding window) {
            Map<String, String> special = tokenizer.specialTokens();
            return Stream.of("cls_token", "bos_token").filter(special::containsKey)
                    .map(part -> tokenizer.id(special.get(part))).filter(OptionalInt::isPresent)
                    .mapToInt(OptionalInt::getAsInt).map(id -> Arrays.stream(window.ids()).boxed().toList().indexOf(id))
                    .filter(place -> place >= 0).findFirst().orElse(0);
        }

        @Override
        public String settings() {
            return "questions %s %s".formatted(windows, RowEncoder.settings(tokenizer));
        }
    }

    /// A text and what it becomes, a translation or a summary: columns `source` and `target`. `labels` are the target's
    /// ids, `decoder_input_ids` the same one place on, with `start` in front.
    ///
    /// @param start the config's `decoder_start_token_id`
    record Pairs(Tokenizer sources, Truncation sourceLimit, Tokenizer targets, Truncation targetLimit, int start)
            implements
                RowEncoder {
        public Pairs {
            sources = sources.with(sourceLimit);
            targets = targets.with(targetLimit);
        }

        @Override
        public List<Example> encode(Row row) {
            Encoding source = sources.encode(row.text("source"));
            int[] labels = targets.encode(row.text("target")).ids();
            int[] shifted = new int[labels.length];
            if (labels.length > 0) {
                shifted[0] = start;
                System.arraycopy(labels, 0, shifted, 1, labels.length - 1);
            }
            return List.of(new Example(
                    Map.of("input_ids", new Feature.Sequence(source.ids()), "labels", new Feature.Sequence(labels),
                            "decoder_input_ids", new Feature.Sequence(shifted))));
        }

        @Override
        public String settings() {
            return "pairs %s %s %d %s %s".formatted(sourceLimit, targetLimit, start, RowEncoder.settings(sources),
                    RowEncoder.settings(targets));
        }
    }

    /// A text and several that may follow: columns `text`, `choices` (a list), and `label`, the number of the right one
    /// from 0.
    record Choices(Tokenizer tokenizer, Truncation truncation) implements RowEncoder {
        public Choices {
            tokenizer = tokenizer.with(truncation);
        }

        @Override
        public List<Example> encode(Row row) {
            List<String> choices = row.texts("choices");
            long label = row.whole("label");
            if (label < 0 || label >= choices.size()) {
                throw new IllegalArgumentException("%s: the label is %d, but the choices are numbered from 0 to %d"
                        .formatted(row.place(), label, choices.size() - 1));
            }
            var each = new ArrayList<Example>();
            choices.forEach(choice -> each.add(example(tokenizer.encodePair(row.text("text"), choice))));
            var joined = new Example(Map.of()).with("labels", (int) label);
            for (String name : each.getFirst().features().keySet()) {
                joined = joined.with(name,
                        new Feature.Choices(each.stream().map(one -> one.sequence(name)).toArray(int[][]::new)));
            }
            return List.of(joined);
        }

        @Override
        public String settings() {
            return "choices %s %s".formatted(truncation, RowEncoder.settings(tokenizer));
        }
    }
}
