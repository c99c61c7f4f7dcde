package dev.weft.bridges;

import dev.weft.grammar.Constraint;
import dev.weft.run.pipeline.Chat;
import dev.weft.text.chat.Conversation;
import java.util.LinkedHashMap;

/// A chat held to JSON. A schema is put into the ids of the tokenizer when it is asked for first; the last few are kept.
/// Safe to share between threads.
public final class Formats {
    /// The schema of any JSON value.
    public static final String ANY = "true";
    /// Each may come to remember some 64 MB.
    private static final int KEPT = 8;

    private final Chat chat;
    /// By their schemas, the one that was used last at the end.
    private final LinkedHashMap<String, Chat> held = new LinkedHashMap<>(16, 0.75f, true);

    public Formats(Chat chat) {
        this.chat = chat;
    }

    /// The chat whose replies are JSON that holds to a schema; it is not to be closed.
    ///
    /// @param conversation that will be answered
    /// @throws IllegalArgumentException if the schema cannot be kept to, with the place in it, or the conversation has tools
    public synchronized Chat heldTo(String schema, Conversation conversation) {
        if (conversation.hasTools()) {
            throw new IllegalArgumentException(
                    "A reply calls tools or is held to a JSON format, not both; leave out the tools, or ask for JSON in a request of its own");
        }
        Chat known = held.computeIfAbsent(schema,
                each -> chat.with(writer -> writer.withConstraint(Constraint.jsonSchema(each))));
        if (held.size() > KEPT) {
            held.pollFirstEntry();
        }
        return known;
    }
}
