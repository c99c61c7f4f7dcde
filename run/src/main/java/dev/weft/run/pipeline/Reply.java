package dev.weft.run.pipeline;

import dev.weft.run.Completion;
import dev.weft.run.Finish;
import dev.weft.text.chat.Conversation;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ObjectNode;

/// What a model says next in a conversation.
///
/// @param text         without the calls
/// @param toolCalls    tools it wants called before it goes on
/// @param promptTokens of the conversation up to here
/// @param newTokens    generated, the end id included
/// @param finish       why it ended
public record Reply(String text, List<ToolCall> toolCalls, int promptTokens, int newTokens, Finish finish) {
    static final String CALL_BEGIN = "<tool_call>";
    /// The last may lack its end, where the model's answer does.
    private static final Pattern CALL = Pattern.compile("\\s*" + CALL_BEGIN + "(.*?)(?:</tool_call>\\s*|\\z)",
            Pattern.DOTALL);

    public Reply {
        toolCalls = List.copyOf(toolCalls);
    }

    /// @param withTools whether tools were there to be called
    static Reply of(Completion completion, boolean withTools) {
        var calls = new ArrayList<ToolCall>();
        String text = !withTools
                ? completion.text()
                : CALL.matcher(completion.text()).replaceAll(found -> {
                    ToolCall call = call(found.group(1));
                    if (call != null) {
                        calls.add(call);
                    }
                    return call == null ? Matcher.quoteReplacement(found.group()) : "";
                });
        return new Reply(text, calls, completion.promptTokens(), completion.newTokens(), completion.finish());
    }

    /// `{"name": …, "arguments": {…}}`; what is not of this form is text, and null here.
    private static @Nullable ToolCall call(String json) {
        try {
            return Conversation.tree(json.strip(), "a tool call") instanceof ObjectNode call
                    && call.path("name").isString() && call.path("arguments") instanceof ObjectNode arguments
                            ? new ToolCall(call.get("name").stringValue(), arguments)
                            : null;
        } catch (IllegalArgumentException noJson) {
            return null;
        }
    }

    /// As the next message of the conversation: `conversation.then(reply.message())`.
    public Map<String, Object> message() {
        Map<String, Object> message = Conversation.message("assistant", text);
        if (!toolCalls.isEmpty()) {
            message.put("tool_calls", toolCalls.stream().map(ToolCall::toMessage).toList());
        }
        return message;
    }
}
