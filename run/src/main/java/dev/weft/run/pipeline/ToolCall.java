package dev.weft.run.pipeline;

import dev.weft.checkpoint.Json;
import tools.jackson.databind.node.ObjectNode;

/// A tool that a model wants called.
///
/// @param arguments by the tool's schema, as far as the model keeps to it
public record ToolCall(String name, ObjectNode arguments) {
    /// As messages have it that templates render.
    ObjectNode toMessage() {
        ObjectNode call = Json.object().put("type", "function");
        call.putObject("function").put("name", name).set("arguments", arguments);
        return call;
    }
}
