package dev.weft.text.chat;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/// What a chat template is asked to render: messages, and what goes with them. Values are as JSON has them and reach the
/// template as they are; what a message may hold beside `role` and `content` is the template's affair.
public final class Conversation {
    static final JsonMapper JSON = new JsonMapper();

    private final ArrayNode messages;
    private final @Nullable ArrayNode tools;
    private final @Nullable ArrayNode documents;
    private final boolean generationPrompt;
    private final boolean continued;
    private final Map<String, Object> variables;

    private Conversation(ArrayNode messages, @Nullable ArrayNode tools, @Nullable ArrayNode documents,
            boolean generationPrompt, boolean continued, Map<String, Object> variables) {
        this.messages = messages;
        this.tools = tools;
        this.documents = documents;
        this.generationPrompt = generationPrompt;
        this.continued = continued;
        this.variables = variables;
        if (generationPrompt && continued) {
            throw new IllegalArgumentException("a conversation ends either with a prompt for a new answer or with an "
                    + "answer to continue, not with both");
        }
    }

    /// @param messages maps, records or JSON objects, each with a `role` and mostly a `content`
    /// @throws IllegalArgumentException if there is no message, or one is no object
    public static Conversation of(List<?> messages) {
        return new Conversation(objects(messages, "the conversation", "a message"), null, null, false, false, Map.of())
                .notEmpty();
    }

    /// A message for [#of]: a map with role and content.
    public static Map<String, Object> message(String role, Object content) {
        var message = new LinkedHashMap<String, Object>();
        message.put("role", role);
        message.put("content", content);
        return message;
    }

    /// A list of messages as JSON, or an object with `messages` and perhaps `tools` and `documents`.
    ///
    /// @throws IllegalArgumentException if it is neither
    public static Conversation parse(String json) {
        JsonNode tree = tree(json, "the conversation");
        JsonNode list = tree.isObject() ? tree.get("messages") : tree;
        if (list == null || !list.isArray()) {
            throw new IllegalArgumentException("the conversation must be a JSON list of messages, or an object with "
                    + "\"messages\", found " + described(tree));
        }
        Conversation conversation = new Conversation(objects(list, "the conversation", "a message"), null, null, false,
                false, Map.of()).notEmpty();
        if (tree.hasNonNull("tools")) {
            conversation = conversation.withTools(tree.get("tools"));
        }
        return tree.hasNonNull("documents") ? conversation.withDocuments(tree.get("documents")) : conversation;
    }

    /// JSON from a user.
    ///
    /// @param what what messages call it
    /// @throws IllegalArgumentException if it is not JSON
    public static JsonNode tree(String json, String what) {
        try {
            return JSON.readTree(json);
        } catch (JacksonException e) {
            throw new IllegalArgumentException("%s is not JSON: %s".formatted(what,
                    e.getOriginalMessage().replaceAll("\\s+", " ")), e);
        }
    }

    private static String described(JsonNode node) {
        return node.isObject() ? "an object without a list of that name" : node.getNodeType().toString();
    }

    private static ArrayNode objects(Object values, String what, String each) {
        JsonNode tree;
        try {
            tree = values instanceof JsonNode node ? node : JSON.valueToTree(values);
        } catch (JacksonException e) {
            throw new IllegalArgumentException("%s cannot be written as JSON: %s".formatted(what,
                    e.getOriginalMessage()), e);
        }
        if (!(tree instanceof ArrayNode list)) {
            throw new IllegalArgumentException("%s must be a list, found %s".formatted(what, tree.getNodeType()));
        }
        for (int i = 0; i < list.size(); i++) {
            if (!list.get(i).isObject()) {
                throw new IllegalArgumentException("%s, entry %d: %s must be an object, found %s".formatted(what, i,
                        each, list.get(i).getNodeType()));
            }
        }
        return list;
    }

    private Conversation notEmpty() {
        if (messages.isEmpty()) {
            throw new IllegalArgumentException("the conversation is empty; give at least one message");
        }
        return this;
    }

    /// With one message more, at the end.
    ///
    /// @param message a map, a record or a JSON object
    public Conversation then(Object message) {
        ArrayNode more = messages.deepCopy();
        more.addAll(objects(List.of(message), "the conversation", "a message"));
        return new Conversation(more, tools, documents, false, false, variables);
    }

    /// As [#parse] reads it.
    public ObjectNode toJson() {
        ObjectNode json = JsonNodeFactory.instance.objectNode();
        json.set("messages", messages.deepCopy());
        if (tools != null) {
            json.set("tools", tools.deepCopy());
        }
        if (documents != null) {
            json.set("documents", documents.deepCopy());
        }
        return json;
    }

    /// With tools the model may call: JSON schemas of functions.
    public Conversation withTools(Iterable<?> schemas) {
        return new Conversation(messages, objects(schemas, "the tools", "a tool"), documents, generationPrompt,
                continued, variables);
    }

    /// With documents for a model that answers from them: objects, mostly with `title` and `text`.
    public Conversation withDocuments(Iterable<?> objects) {
        return new Conversation(messages, tools, objects(objects, "the documents", "a document"), generationPrompt,
                continued, variables);
    }

    /// Followed by the beginning of the assistant's next turn, so that a model answers.
    public Conversation withGenerationPrompt() {
        return new Conversation(messages, tools, documents, true, continued, variables);
    }

    /// Cut off after the content of the last message, so that a model goes on with it.
    public Conversation continuingFinalMessage() {
        return new Conversation(messages, tools, documents, generationPrompt, true, variables);
    }

    /// With another variable for the template, such as `enable_thinking`.
    ///
    /// @param value as JSON has them: string, number, boolean, null, list or map
    public Conversation with(String name, @Nullable Object value) {
        if (List.of("messages", "tools", "documents", "add_generation_prompt").contains(name)) {
            throw new IllegalArgumentException("'%s' is set by a method of its own".formatted(name));
        }
        var more = new LinkedHashMap<>(variables);
        more.put(name, value == null ? JsonNodeFactory.instance.nullNode() : value);
        return new Conversation(messages, tools, documents, generationPrompt, continued, more);
    }

    ArrayNode messages() {
        return messages;
    }

    /// Whether there are tools the model may call.
    public boolean hasTools() {
        return tools != null;
    }

    /// Whether the last message is to be continued.
    public boolean isContinued() {
        return continued;
    }

    /// The first messages alone.
    Conversation first(int count, boolean withGenerationPrompt) {
        ArrayNode some = JsonNodeFactory.instance.arrayNode();
        for (int i = 0; i < count; i++) {
            some.add(messages.get(i));
        }
        return new Conversation(some, tools, documents, withGenerationPrompt, false, variables);
    }

    /// With a mark after the text of the last message.
    Conversation marked(String mark) {
        ArrayNode copy = messages.deepCopy();
        ObjectNode last = (ObjectNode) copy.get(copy.size() - 1);
        JsonNode content = last.path("content");
        if (content.isString()) {
            last.put("content", content.stringValue() + mark);
            return new Conversation(copy, tools, documents, false, false, variables);
        }
        for (int i = content.size() - 1; content.isArray() && i >= 0; i--) {
            if (content.get(i) instanceof ObjectNode part && part.path("text").isString()) {
                part.put("text", part.get("text").stringValue() + mark);
                return new Conversation(copy, tools, documents, false, false, variables);
            }
        }
        throw new IllegalArgumentException("the last message has no text to continue");
    }

    /// The text that is to be continued.
    String finalText() {
        JsonNode content = messages.get(messages.size() - 1).path("content");
        for (int i = content.size() - 1; content.isArray() && i >= 0; i--) {
            if (content.get(i).path("text").isString()) {
                return content.get(i).get("text").stringValue();
            }
        }
        return content.stringValue("");
    }

    Map<String, Object> variables(Map<String, String> specialTokens) {
        var all = new LinkedHashMap<String, Object>(specialTokens);
        all.putAll(variables);
        all.put("messages", messages);
        all.put("tools", tools == null ? JsonNodeFactory.instance.nullNode() : tools);
        all.put("documents", documents == null ? JsonNodeFactory.instance.nullNode() : documents);
        all.put("add_generation_prompt", generationPrompt);
        return all;
    }
}
