package dev.weft.examples;

import dev.weft.text.Encoding;
import dev.weft.text.Tokenizer;
import dev.weft.text.chat.ChatTemplate;
import dev.weft.text.chat.Conversation;
import dev.weft.text.chat.RenderedChat;
import java.nio.file.Path;
import java.util.List;

/// Makes the text of a conversation as a model expects it, for an answer and for training.
public final class Chat {
    private Chat() {}

    /// `Chat models/qwen2-instruct "What is a weft?"`
    public static void main(String... args) {
        System.out.print(prompt(Path.of(args[0]), args[1]));
    }

    static String prompt(Path folder, String question) {
        ChatTemplate template = ChatTemplate.load(folder);
        Conversation conversation = Conversation.of(List.of(
                Conversation.message("system", "You are short."),
                Conversation.message("user", question)));
        return template.render(conversation.withGenerationPrompt());
    }

    static boolean[] whatToLearn(ChatTemplate template, Tokenizer tokenizer, Conversation conversation) {
        RenderedChat chat = template.renderWithTurns(conversation);
        Encoding encoding = tokenizer.encode(chat.text(), false); // the template wrote the special tokens
        return chat.assistantMask(encoding);
    }
}
