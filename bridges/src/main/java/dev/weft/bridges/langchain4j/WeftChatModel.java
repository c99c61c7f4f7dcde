package dev.weft.bridges.langchain4j;

import dev.langchain4j.model.chat.Capability;
import dev.langchain4j.model.chat.ChatModel;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.weft.run.Generation;
import dev.weft.run.pipeline.Chat;
import dev.weft.text.chat.Conversation;
import java.util.Set;

/// A chat as LangChain4j's `ChatModel`. Temperature, top-k, top-p, penalties, stop sequences, longest answer, tools and
/// the response format come from the request; what it does not say, from the settings. The name of a model is not looked at:
/// there is one.
public final class WeftChatModel implements ChatModel {
    private final Conversations conversations;

    private WeftChatModel(Conversations conversations) {
        this.conversations = conversations;
    }

    /// With the settings of the folder. Where there is sampling, each request has its own chance.
    public static WeftChatModel of(Chat chat) {
        return new WeftChatModel(new Conversations(chat, chat.defaults(), true));
    }

    /// With settings of one's own, their seed included: the same request gets the same answer.
    public static WeftChatModel of(Chat chat, Generation settings) {
        return new WeftChatModel(new Conversations(chat, settings, false));
    }

    @Override
    public Set<Capability> supportedCapabilities() {
        return Set.of(Capability.RESPONSE_FORMAT_JSON_SCHEMA);
    }

    /// @throws dev.langchain4j.exception.UnsupportedFeatureException for what a text model cannot do, naming it
    /// @throws IllegalArgumentException if the conversation fills the model's context, a setting is out of bounds, or
    ///         the response format is a schema that cannot be kept to
    @Override
    public ChatResponse doChat(ChatRequest request) {
        Conversation conversation = conversations.conversation(request);
        return Conversations.response(conversations.chat(request, conversation).reply(conversation,
                conversations.options(request)));
    }
}
