package dev.weft.examples;

import dev.weft.run.pipeline.Chat;
import dev.weft.run.pipeline.Pipelines;
import dev.weft.run.pipeline.Reply;
import dev.weft.run.pipeline.ReplyStream;
import dev.weft.text.chat.Conversation;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Consumer;

/// A conversation of two questions with a model that was trained to chat.
public final class Converse {
    private Converse() {}

    /// `Converse models/qwen2-instruct "What is a weft?" "And a warp?"`
    public static void main(String... args) {
        try (var chat = Pipelines.chat(Path.of(args[0]))) {
            talk(chat, args[1], args[2], System.out::print);
        }
    }

    static Reply talk(Chat chat, String question, String another, Consumer<String> screen) {
        Conversation conversation = Conversation.of(List.of(Conversation.message("user", question)));
        Reply reply = chat.reply(conversation, chat.defaults());
        screen.accept(reply.text() + "\n");

        conversation = conversation.then(reply.message()).then(Conversation.message("user", another));
        try (ReplyStream pieces = chat.stream(conversation, chat.defaults().withMaxNewTokens(500))) {
            pieces.forEachRemaining(screen);
            return pieces.reply(); // with the tokens it took, and why it ended
        }
    }
}
