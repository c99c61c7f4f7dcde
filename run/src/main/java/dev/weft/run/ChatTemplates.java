package dev.weft.run;

import dev.weft.checkpoint.AdapterFolder;
import dev.weft.checkpoint.Gguf;
import dev.weft.text.chat.ChatTemplate;
import java.nio.file.Files;
import java.nio.file.Path;

/// Chat templates from wherever a model keeps them; as [Tokenizers] does for tokenizers.
public final class ChatTemplates {
    private ChatTemplates() {}

    /// Whether there is a chat template that can be read.
    public static boolean isIn(Path folder) {
        try {
            load(folder);
            return true;
        } catch (IllegalArgumentException none) {
            return false;
        }
    }

    /// The chat template of a folder, of an adapter that has none that of its base, or inside a `.gguf` file.
    ///
    /// @throws IllegalArgumentException if there is none or it cannot be read, naming the file and the reason
    public static ChatTemplate load(Path folder) {
        if (Files.isRegularFile(folder)) {
            return inFile(folder);
        }
        boolean bare = AdapterFolder.is(folder) && ChatTemplate.find(folder).isEmpty();
        return ChatTemplate.load(bare ? AdapterFolder.find(folder).orElseThrow().base() : folder);
    }

    private static ChatTemplate inFile(Path file) {
        ChatTemplate template;
        try (Gguf opened = Gguf.open(file)) {
            template = ChatTemplate.of("tokenizer.chat_template of " + file, opened.chatTemplate().orElseThrow(
                    () -> new IllegalArgumentException(
                            file + ": no chat template here; expected \"tokenizer.chat_template\"")));
        }
        var tokens = Tokenizers.load(file).specialTokens();
        for (var token : tokens.entrySet()) {
            template = template.withSpecialToken(token.getKey(), token.getValue());
        }
        return template;
    }
}
