package dev.weft.bridges.langchain4j;

import dev.langchain4j.agent.tool.ToolExecutionRequest;
import dev.langchain4j.agent.tool.ToolSpecification;
import dev.langchain4j.data.message.AiMessage;
import dev.langchain4j.data.message.ChatMessage;
import dev.langchain4j.data.message.Content;
import dev.langchain4j.data.message.CustomMessage;
import dev.langchain4j.data.message.SystemMessage;
import dev.langchain4j.data.message.TextContent;
import dev.langchain4j.data.message.ToolExecutionResultMessage;
import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.exception.UnsupportedFeatureException;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.request.ResponseFormat;
import dev.langchain4j.model.chat.request.ResponseFormatType;
import dev.langchain4j.model.chat.request.ToolChoice;
import dev.langchain4j.model.chat.request.json.JsonObjectSchema;
import dev.langchain4j.model.chat.request.json.JsonSchema;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.model.output.FinishReason;
import dev.langchain4j.model.output.TokenUsage;
import dev.weft.bridges.Asked;
import dev.weft.bridges.Formats;
import dev.weft.run.Generation;
import dev.weft.run.pipeline.Chat;
import dev.weft.run.pipeline.Reply;
import dev.weft.text.chat.Conversation;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.stream.Collectors;
import tools.jackson.databind.JsonNode;

/// LangChain4j's requests to conversations, and replies to its responses.
///
/// @param formats  what the chat was held to before
/// @param newSeeds whether each request has its own chance
record Conversations(Chat chat, Formats formats, Generation settings, boolean newSeeds) {
    Conversations(Chat chat, Generation settings, boolean newSeeds) {
        this(chat, new Formats(chat), settings, newSeeds);
    }

    /// Who answers: the chat, or the chat held to the format that is asked for.
    Chat chat(ChatRequest request, Conversation conversation) {
        ResponseFormat format = request.responseFormat();
        return format == null || format.type() != ResponseFormatType.JSON
                ? chat
                : formats.heldTo(format.jsonSchema() == null ? Formats.ANY : text(format.jsonSchema()), conversation);
    }

    /// A schema as LangChain4j writes it where a tool has an argument of it.
    private static String text(JsonSchema schema) {
        var tool = ToolSpecification.builder().name("format")
                .parameters(JsonObjectSchema.builder().addProperty("reply", schema.rootElement()).build()).build();
        return Conversation.tree(tool.toJson(), "the JSON schema").at("/parameters/properties/reply").toString();
    }

    Generation options(ChatRequest request) {
        var asked = new Asked(request.temperature(), request.topK(), request.topP(), request.maxOutputTokens(),
                request.frequencyPenalty(), request.presencePenalty(), request.stopSequences());
        return asked.over(newSeeds ? Asked.withNewSeed(settings) : settings);
    }

    Conversation conversation(ChatRequest request) {
        List<ToolSpecification> tools = request.toolSpecifications();
        if (request.toolChoice() == ToolChoice.REQUIRED) {
            throw new UnsupportedFeatureException(
                    "Weft's chat model cannot be made to call a tool (tool choice REQUIRED); leave it the choice");
        }
        Conversation conversation = Conversation.of(request.messages().stream().map(Conversations::message).toList());
        return tools == null || tools.isEmpty() || request.toolChoice() == ToolChoice.NONE
                ? conversation
                : conversation.withTools(tools.stream().map(Conversations::tool).toList());
    }

    private static Map<String, Object> tool(ToolSpecification tool) {
        return Asked.tool(tool.name(), tool.description(),
                Conversation.tree(tool.toJson(), "the tool " + tool.name()).get("parameters"));
    }

    private static Map<String, Object> message(ChatMessage message) {
        return switch (message) {
            case SystemMessage system -> Conversation.message("system", system.text());
            case UserMessage user -> Conversation.message("user", text(user.contents()));
            case AiMessage said -> {
                Map<String, Object> one = Conversation.message("assistant", said.text() == null ? "" : said.text());
                if (said.hasToolExecutionRequests()) {
                    one.put("tool_calls", said.toolExecutionRequests().stream().map(Conversations::call).toList());
                }
                yield one;
            }
            case ToolExecutionResultMessage result -> {
                Map<String, Object> one = Conversation.message("tool", text(result.contents()));
                one.put("name", result.toolName());
                one.put("tool_call_id", result.id() == null ? "" : result.id());
                yield one;
            }
            // What a message may hold is the template's affair.
            case CustomMessage custom -> custom.attributes();
            default -> throw new UnsupportedFeatureException(
                    "Weft's chat model does not know messages of the type " + message.type());
        };
    }

    private static Map<String, Object> call(ToolExecutionRequest request) {
        JsonNode arguments = Conversation.tree(request.arguments() == null ? "{}" : request.arguments(),
                "the arguments of " + request.name());
        return Asked.call(request.id() == null ? "" : request.id(), request.name(), arguments);
    }

    private static String text(List<Content> contents) {
        return contents.stream().map(content -> {
            if (content instanceof TextContent text) {
                return text.text();
            }
            throw new UnsupportedFeatureException(
                    "Weft's chat model reads text, not %s; leave it out".formatted(content.type()));
        }).collect(Collectors.joining("\n"));
    }

    static ChatResponse response(Reply reply) {
        List<ToolExecutionRequest> calls = reply.toolCalls().stream()
                .map(call -> ToolExecutionRequest.builder().id(UUID.randomUUID().toString()).name(call.name())
                        .arguments(call.arguments().toString()).build())
                .toList();
        FinishReason why = switch (reply.finish()) {
            case END_ID, STOP_STRING -> calls.isEmpty() ? FinishReason.STOP : FinishReason.TOOL_EXECUTION;
            case LENGTH, CONTEXT_FULL -> FinishReason.LENGTH;
            case STOPPED -> FinishReason.OTHER;
        };
        AiMessage message = calls.isEmpty()
                ? AiMessage.from(reply.text())
                : AiMessage.builder().text(reply.text().isEmpty() ? null : reply.text()).toolExecutionRequests(calls)
                        .build();
        return ChatResponse.builder().aiMessage(message)
                .tokenUsage(new TokenUsage(reply.promptTokens(), reply.newTokens())).finishReason(why).build();
    }
}
