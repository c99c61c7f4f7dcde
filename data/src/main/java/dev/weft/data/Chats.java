package dev.weft.data;

import dev.weft.text.chat.Conversation;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// Rows to conversations, in the shapes that data for assistants has.
public final class Chats {
    private Chats() {}

    /// Two ways that a conversation may go on, and which of them is liked better.
    ///
    /// @param prompt how many messages both begin with
    public record Preference(Conversation chosen, Conversation rejected, int prompt) {}

    /// The conversation of a row, which ends with an answer. One of
    ///
    /// - `messages`: a list of maps with `role` and `content`; `tools` beside it where there are some
    /// - `conversations`: a list of maps with `from` (`system`, `human`, `gpt`) and `value`
    /// - `prompt` and `completion`: texts, or lists of messages
    /// - `instruction`, perhaps with `input`, and `output`
    ///
    /// @throws IllegalArgumentException if it is none of these, naming the row
    public static Conversation conversation(Row row) {
        if (row.columns().contains("messages")) {
            return conversation(row, messages(row, "messages", "user"));
        }
        if (row.values().get("conversations") instanceof List<?> turns) {
            return conversation(row, turns.stream().map(turn -> said(row, turn)).toList());
        }
        if (row.columns().contains("completion")) {
            return conversation(row, joined(messages(row, "prompt", "user"),
                    messages(row, "completion", "assistant")));
        }
        if (row.columns().contains("instruction")) {
            return conversation(row, joined(instruction(row), messages(row, "output", "assistant")));
        }
        throw new IllegalArgumentException(
                "%s: a conversation needs the column messages or conversations, or prompt and completion, or instruction and output; the columns are %s"
                        .formatted(row.place(), String.join(", ", row.columns())));
    }

    /// How many of the first messages of [#conversation] are given and not learned, whoever said them: those of a prompt or
    /// an instruction. Of `messages` and `conversations` none are: each turn of the assistant is learned.
    public static int prompt(Row row) {
        if (row.columns().contains("messages") || row.values().get("conversations") instanceof List<?>) {
            return 0;
        }
        return row.columns().contains("completion") ? messages(row, "prompt", "user").size() : 1;
    }

    /// Two answers to one prompt: `chosen` and `rejected`, texts or lists of messages, after `prompt` or `instruction`
    /// where there is one; else both are whole conversations.
    ///
    /// @throws IllegalArgumentException if a column is missing, naming the row
    public static Preference preference(Row row) {
        List<?> prompt = row.columns().contains("prompt")
                ? messages(row, "prompt", "user")
                : row.columns().contains("instruction") ? instruction(row) : List.of();
        if (prompt.isEmpty() && !(row.value("chosen") instanceof List<?>)) {
            throw new IllegalArgumentException(
                    "%s: \"chosen\" is a text, so a prompt is needed; the columns are %s".formatted(row.place(),
                            String.join(", ", row.columns())));
        }
        List<?> chosen = joined(prompt, messages(row, "chosen", "assistant"));
        List<?> rejected = joined(prompt, messages(row, "rejected", "assistant"));
        int most = Math.min(chosen.size(), rejected.size()) - 1;
        int same = prompt.size();
        while (same < most && chosen.get(same).equals(rejected.get(same))) {
            same++;
        }
        return new Preference(conversation(row, chosen), conversation(row, rejected), same);
    }

    private static Object said(Row row, @Nullable Object turn) {
        if (turn instanceof Map<?, ?> map && map.get("from") instanceof String from
                && map.get("value") instanceof String value) {
            return Conversation.message(switch (from) {
                case "human" -> "user";
                case "gpt" -> "assistant";
                default -> from;
            }, value);
        }
        throw new IllegalArgumentException(
                "%s: a turn needs \"from\" and \"value\", found %s".formatted(row.place(), turn));
    }

    private static List<?> instruction(Row row) {
        String task = row.text("instruction");
        String input = row.values().get("input") instanceof String text ? text : "";
        return List.of(Conversation.message("user", input.isBlank() ? task : task + "\n\n" + input));
    }

    /// A list of messages, or a text as one message of `role`.
    private static List<?> messages(Row row, String column, String role) {
        return row.value(column) instanceof List<?> list
                ? list
                : List.of(Conversation.message(role, row.text(column)));
    }

    private static List<?> joined(List<?> first, List<?> then) {
        List<@Nullable Object> all = new ArrayList<>(first);
        all.addAll(then);
        return all;
    }

    private static Conversation conversation(Row row, List<?> messages) {
        try {
            Conversation conversation = Conversation.of(messages);
            return row.values().get("tools") instanceof List<?> tools && !tools.isEmpty()
                    ? conversation.withTools(tools)
                    : conversation;
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException(row.place() + ": " + e.getMessage(), e);
        }
    }
}
