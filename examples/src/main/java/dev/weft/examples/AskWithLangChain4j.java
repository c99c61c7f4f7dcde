package dev.weft.examples;

import dev.langchain4j.memory.chat.MessageWindowChatMemory;
import dev.langchain4j.service.AiServices;
import dev.weft.bridges.langchain4j.WeftChatModel;
import dev.weft.run.pipeline.Chat;
import dev.weft.run.pipeline.Pipelines;
import java.nio.file.Path;
import java.util.List;

/// LangChain4j's services on a model folder.
public final class AskWithLangChain4j {
    private AskWithLangChain4j() {}

    /// What LangChain4j makes a service of.
    interface Assistant {
        String answer(String question);
    }

    /// `AskWithLangChain4j models/qwen2-instruct "What is a weft?" "And a warp?"`
    public static void main(String... args) {
        try (var chat = Pipelines.chat(Path.of(args[0]))) {
            answers(chat, List.of(args).subList(1, args.length)).forEach(System.out::println);
        }
    }

    static List<String> answers(Chat chat, List<String> questions) {
        Assistant assistant = AiServices.builder(Assistant.class).chatModel(WeftChatModel.of(chat))
                .chatMemory(MessageWindowChatMemory.withMaxMessages(20)).build();
        return questions.stream().map(assistant::answer).toList();
    }
}
