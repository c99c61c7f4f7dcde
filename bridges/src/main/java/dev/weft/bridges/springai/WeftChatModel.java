package dev.weft.bridges.springai;

import dev.weft.bridges.Asked;
import dev.weft.bridges.Formats;
import dev.weft.run.Generation;
import dev.weft.run.pipeline.Chat;
import dev.weft.run.pipeline.Reply;
import dev.weft.run.pipeline.ReplyStream;
import dev.weft.text.chat.Conversation;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.springframework.ai.chat.messages.AssistantMessage;
import org.springframework.ai.chat.messages.Message;
import org.springframework.ai.chat.messages.ToolResponseMessage;
import org.springframework.ai.chat.metadata.ChatGenerationMetadata;
import org.springframework.ai.chat.metadata.ChatResponseMetadata;
import org.springframework.ai.chat.metadata.DefaultUsage;
import org.springframework.ai.chat.model.ChatModel;
import org.springframework.ai.chat.model.ChatResponse;
import org.springframework.ai.chat.prompt.ChatOptions;
import org.springframework.ai.chat.prompt.Prompt;
import org.springframework.ai.content.MediaContent;
import org.springframework.ai.model.tool.StructuredOutputChatOptions;
import org.springframework.ai.model.tool.ToolCallingChatOptions;
import org.springframework.ai.tool.definition.ToolDefinition;
import reactor.core.publisher.Flux;

/// A chat as Spring AI's `ChatModel`. Temperature, top-k, top-p, penalties, stop sequences, longest answer, tools and
/// an output schema come from the prompt's options; what they do not say, from the settings. The name of a model is not looked
/// at: there is one. Tools are called by whoever asks, as `ChatClient` does.
public final class WeftChatModel implements ChatModel {
    private final Chat chat;
    private final Formats formats;
    private final Generation settings;
    private final boolean newSeeds;

    private WeftChatModel(Chat chat, Generation settings, boolean newSeeds) {
        this.chat = chat;
        formats = new Formats(chat);
        this.settings = settings;
        this.newSeeds = newSeeds;
    }

    /// With the settings of the folder. Where there is sampling, each request has its own chance.
    public static WeftChatModel of(Chat chat) {
        return new WeftChatModel(chat, chat.defaults(), true);
    }

    /// With settings of one's own, their seed included: the same request gets the same answer.
    public static WeftChatModel of(Chat chat, Generation settings) {
        return new WeftChatModel(chat, settings, false);
    }

    /// @throws IllegalArgumentException for what a text model cannot do, if the conversation fills the model's context, if
    ///         an option is out of bounds, or if an output schema cannot be kept to
    @Override
    public ChatResponse call(Prompt prompt) {
        Conversation conversation = conversation(prompt);
        Reply reply = chat(prompt, conversation).reply(conversation, options(prompt.getOptions()));
        return response(reply.text(), reply);
    }

    /// In pieces as they are made, on the thread that asks for them; `subscribeOn` chooses another. The last has no text,
    /// but why it ended, the tokens used and the tools to be called. Once the subscription is cancelled, nothing more is
    /// computed.
    @Override
    public Flux<ChatResponse> stream(Prompt prompt) {
        return Flux.generate(() -> {
            Conversation conversation = conversation(prompt);
            return chat(prompt, conversation).stream(conversation, options(prompt.getOptions()));
        }, (pieces, to) -> {
            if (pieces.hasNext()) {
                to.next(response(pieces.next(), null));
            } else {
                to.next(response("", pieces.reply()));
                to.complete();
            }
            return pieces;
        }, ReplyStream::close);
    }

    /// Options that say nothing, for others to say something.
    @Override
    public ChatOptions getOptions() {
        return WeftChatOptions.builder().build();
    }

    private Generation options(@Nullable ChatOptions options) {
        Generation base = newSeeds ? Asked.withNewSeed(settings) : settings;
        return options == null
                ? base
                : new Asked(options.getTemperature(), options.getTopK(), options.getTopP(), options.getMaxTokens(),
                        options.getFrequencyPenalty(), options.getPresencePenalty(), options.getStopSequences())
                        .over(base);
    }

    /// Who answers: the chat, or the chat held to the schema that is asked for.
    private Chat chat(Prompt prompt, Conversation conversation) {
        return prompt.getOptions() instanceof StructuredOutputChatOptions options && options.getOutputSchema() != null
                ? formats.heldTo(options.getOutputSchema(), conversation)
                : chat;
    }

    private static Conversation conversation(Prompt prompt) {
        Conversation conversation = Conversation
                .of(prompt.getInstructions().stream().flatMap(WeftChatModel::messages).toList());
        if (prompt.getOptions() instanceof ToolCallingChatOptions options && options.getToolCallbacks() != null
                && !options.getToolCallbacks().isEmpty()) {
            return conversation.withTools(options.getToolCallbacks().stream()
                    .map(callback -> tool(callback.getToolDefinition())).toList());
        }
        return conversation;
    }

    private static Map<String, Object> tool(ToolDefinition tool) {
        return Asked.tool(tool.name(), tool.description(),
                Conversation.tree(tool.inputSchema(), "the schema of " + tool.name()));
    }

    private static Stream<Map<String, Object>> messages(Message message) {
        if (message instanceof MediaContent content && !content.getMedia().isEmpty()) {
            throw new IllegalArgumentException("Weft's chat model reads text, not %s; leave it out"
                    .formatted(content.getMedia().iterator().next().getMimeType()));
        }
        if (message instanceof ToolResponseMessage results) {
            return results.getResponses().stream().map(result -> {
                Map<String, Object> one = Conversation.message("tool", result.responseData());
                one.put("name", result.name());
                one.put("tool_call_id", result.id());
                return one;
            });
        }
        Map<String, Object> one = Conversation.message(message.getMessageType().getValue(),
                message.getText() == null ? "" : message.getText());
        if (message instanceof AssistantMessage said && said.hasToolCalls()) {
            one.put("tool_calls", said.getToolCalls().stream().map(call -> Asked.call(call.id(), call.name(),
                    Conversation.tree(call.arguments(), "the arguments of " + call.name()))).toList());
        }
        return Stream.of(one);
    }

    /// @param whole null while there is more to come
    private static ChatResponse response(String text, @Nullable Reply whole) {
        var message = AssistantMessage.builder().content(text);
        var metadata = ChatResponseMetadata.builder();
        var why = ChatGenerationMetadata.builder();
        if (whole != null) {
            message.toolCalls(whole.toolCalls().stream()
                    .map(call -> new AssistantMessage.ToolCall(UUID.randomUUID().toString(), "function", call.name(),
                            call.arguments().toString()))
                    .toList());
            metadata.usage(new DefaultUsage(whole.promptTokens(), whole.newTokens()));
            why.finishReason(switch (whole.finish()) {
                case END_ID, STOP_STRING -> whole.toolCalls().isEmpty() ? "STOP" : "TOOL_CALLS";
                case LENGTH, CONTEXT_FULL -> "LENGTH";
                case STOPPED -> "OTHER";
            });
        }
        return new ChatResponse(
                List.of(new org.springframework.ai.chat.model.Generation(message.build(), why.build())),
                metadata.build());
    }
}
