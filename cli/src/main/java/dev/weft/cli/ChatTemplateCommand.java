package dev.weft.cli;

import dev.weft.checkpoint.Json;
import dev.weft.text.chat.ChatTemplate;
import dev.weft.text.chat.Conversation;
import dev.weft.text.chat.RenderedChat;
import dev.weft.jinja.Template;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;
import tools.jackson.databind.node.StringNode;

/// `weft chat-template`: what a model reads when it is given a conversation.
@Command(name = "chat-template", mixinStandardHelpOptions = true, sortOptions = false, description = "Show the text of a conversation by a model's chat template.", footer = {
        "", "Example:  weft chat-template models/qwen2-instruct conversation.json --add-generation-prompt"})
final class ChatTemplateCommand implements Callable<Integer> {
    @Parameters(index = "0", paramLabel = "FOLDER", description = "A model's folder with a chat template.")
    Path folder;

    @Parameters(index = "1", paramLabel = "CONVERSATION", description = "JSON: a list of messages, or an object with \"messages\"; - reads standard input.")
    Path conversation;

    @Option(names = "--tools", paramLabel = "FILE", description = "JSON list of tools the model may call.")
    @Nullable
    Path tools;

    @Option(names = "--documents", paramLabel = "FILE", description = "JSON list of documents to answer from.")
    @Nullable
    Path documents;

    @Option(names = "--add-generation-prompt", description = "End with the beginning of the assistant's next turn.")
    boolean addGenerationPrompt;

    @Option(names = "--continue-final-message", description = "End with the text of the last message, to be continued.")
    boolean continueFinalMessage;

    @Option(names = "--template", paramLabel = "NAME", description = "Which template, for a model with several.")
    @Nullable
    String template;

    @Option(names = "--set", paramLabel = "KEY=VALUE", description = "A variable for the template, such as enable_thinking=false; JSON, or else text. Can be repeated.")
    Map<String, String> variables = new LinkedHashMap<>();

    @Option(names = "--spans", description = "Show which parts the assistant wrote, with their places (UTF-16 units).")
    boolean spans;

    @Mixin
    Output output;

    @Override
    public Integer call() throws IOException {
        ChatTemplate chat = ChatTemplate.load(folder);
        if (template != null) {
            chat = chat.named(template);
        }
        Conversation given = given();
        RenderedChat rendered = spans ? chat.renderWithTurns(given) : new RenderedChat(chat.render(given), List.of());
        if (output.json) {
            ObjectNode node = Json.object().put("text", rendered.text());
            if (spans) {
                ArrayNode places = node.putArray("assistant_turns");
                rendered.assistantTurns().forEach(turn -> places.addArray().add(turn.start()).add(turn.end()));
            }
            output.object(node);
        } else if (spans) {
            for (Template.Span turn : rendered.assistantTurns()) {
                System.out.printf("%d-%d\t%s%n", turn.start(), turn.end(),
                        StringNode.valueOf(rendered.text().substring(turn.start(), turn.end())));
            }
        } else {
            // As it is: a line break more would be one more for the model.
            System.out.print(rendered.text());
            System.out.flush();
        }
        return 0;
    }

    private Conversation given() throws IOException {
        String text = conversation.toString().equals("-")
                ? new String(System.in.readAllBytes(), StandardCharsets.UTF_8)
                : text(conversation);
        Conversation given;
        try {
            given = Conversation.parse(text);
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException(conversation + ": " + e.getMessage(), e);
        }
        if (tools != null) {
            given = given.withTools(Conversation.tree(text(tools), tools.toString()));
        }
        if (documents != null) {
            given = given.withDocuments(Conversation.tree(text(documents), documents.toString()));
        }
        for (Map.Entry<String, String> variable : variables.entrySet()) {
            given = given.with(variable.getKey(), GenerationOptions.value(variable.getValue()));
        }
        if (addGenerationPrompt) {
            given = given.withGenerationPrompt();
        }
        return continueFinalMessage ? given.continuingFinalMessage() : given;
    }

    static String text(Path file) throws IOException {
        if (!Files.isRegularFile(file)) {
            throw new IllegalArgumentException("%s: there is no such file".formatted(file));
        }
        try {
            return Files.readString(file);
        } catch (CharacterCodingException e) {
            throw new IllegalArgumentException("%s: is not UTF-8".formatted(file), e);
        }
    }
}
