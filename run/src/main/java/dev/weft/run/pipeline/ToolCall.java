package dev.weft.run.pipeline;

import java.util.Map;
import tools.jackson.databind.node.ObjectNode;

/// A tool that a model wants called.
///
/// @param arguments by the tool's schema, as far as the model keeps to it
public record ToolCall(String name, ObjectNode arguments) {
    /// As messages have it that templates render.
    Map<String, Object> toMessage() {
        return Map.of("type", "function", "function", Map.of("name", name, "arguments", arguments));
    }
}
