package dev.weft.bridges.langchain4j;

import dev.langchain4j.model.chat.Capability;
import dev.langchain4j.model.chat.StreamingChatModel;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.response.PartialResponse;
import dev.langchain4j.model.chat.response.PartialResponseContext;
import dev.langchain4j.model.chat.response.StreamingChatResponseHandler;
import dev.langchain4j.model.chat.response.StreamingHandle;
import dev.weft.run.Generation;
import dev.weft.run.pipeline.Chat;
import dev.weft.run.pipeline.ReplyStream;
import dev.weft.text.chat.Conversation;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;

/// The same as [WeftChatModel], in pieces as they are made, on a thread of its own. Once a handler cancels, nothing more is
/// computed and it hears no more.
public final class WeftStreamingChatModel implements StreamingChatModel {
    private final Conversations conversations;

    private WeftStreamingChatModel(Conversations conversations) {
        this.conversations = conversations;
    }

    /// With the settings of the folder. Where there is sampling, each request has its own chance.
    public static WeftStreamingChatModel of(Chat chat) {
        return new WeftStreamingChatModel(new Conversations(chat, chat.defaults(), true));
    }

    /// With settings of one's own, their seed included: the same request gets the same answer.
    public static WeftStreamingChatModel of(Chat chat, Generation settings) {
        return new WeftStreamingChatModel(new Conversations(chat, settings, false));
    }

    @Override
    public Set<Capability> supportedCapabilities() {
        return Set.of(Capability.RESPONSE_FORMAT_JSON_SCHEMA);
    }

    /// What is wrong with a request is thrown here; what goes wrong later the handler is told.
    @Override
    public void doChat(ChatRequest request, StreamingChatResponseHandler handler) {
        Conversation conversation = conversations.conversation(request);
        Chat chat = conversations.chat(request, conversation);
        Generation options = conversations.options(request);
        Thread.ofPlatform().daemon().name("weft-chat").start(() -> stream(chat, conversation, options, handler));
    }

    private void stream(Chat chat, Conversation conversation, Generation options,
            StreamingChatResponseHandler handler) {
        var cancelled = new AtomicBoolean();
        var context = new PartialResponseContext(new StreamingHandle() {
            @Override
            public void cancel() {
                cancelled.set(true);
            }

            @Override
            public boolean isCancelled() {
                return cancelled.get();
            }
        });
        try (ReplyStream pieces = chat.stream(conversation, options)) {
            while (!cancelled.get() && pieces.hasNext()) {
                handler.onPartialResponse(new PartialResponse(pieces.next()), context);
            }
            if (!cancelled.get()) {
                handler.onCompleteResponse(Conversations.response(pieces.reply()));
            }
        } catch (RuntimeException | Error e) {
            handler.onError(e);
        }
    }
}
