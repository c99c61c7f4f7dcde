package dev.weft.run.pipeline;

import dev.weft.run.ChatTemplates;
import dev.weft.models.Loading;
import dev.weft.run.Generation;
import dev.weft.run.PromptCache;
import dev.weft.run.TextGenerator;
import dev.weft.text.Tokenizer;
import dev.weft.text.chat.ChatTemplate;
import dev.weft.text.chat.Conversation;
import dev.weft.jinja.TemplateException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/// A model that was trained to converse: it reads a conversation as its chat template writes it, and says what comes next.
/// The Python library's `text-generation` with messages. Safe to share between threads.
public final class Chat implements AutoCloseable {
    /// Where nobody says how long an answer may be: it ends by itself, and this is for one that does not.
    private static final int LONGEST_ANSWER = 1024;

    private final TextGenerator generator;
    private final ChatTemplate template;
    private final Generation defaults;
    private final @Nullable PromptCache talk;

    private Chat(TextGenerator generator, ChatTemplate template, @Nullable PromptCache talk) {
        this.generator = generator;
        this.template = template;
        this.talk = talk;
        Generation folder = generator.defaults();
        boolean unsaid = folder.limits().longest().equals(Generation.greedy().limits().longest());
        defaults = withEndOfTurn(unsaid ? folder.withMaxNewTokens(LONGEST_ANSWER) : folder, template,
                generator.tokenizer(), generator.model().vocabSize());
    }

    /// A generator that is there already; it is closed with this.
    public static Chat of(TextGenerator generator, ChatTemplate template) {
        return new Chat(generator, template, null);
    }

    /// @throws IllegalArgumentException if the folder has no chat template, or its model is no language model
    static Chat open(Path folder, Loading loading) {
        ChatTemplate template = ChatTemplates.load(folder);
        return new Chat(TextGenerator.open(folder, loading), template, null);
    }

    /// What the template writes behind an answer ends one, whatever the settings say.
    private static Generation withEndOfTurn(Generation options, ChatTemplate template, Tokenizer tokenizer,
            int vocab) {
        OptionalInt end = endOfTurn(template, tokenizer);
        if (end.isEmpty() || end.getAsInt() >= vocab || options.limits().endIds().contains(end.getAsInt())) {
            return options;
        }
        var ends = new ArrayList<>(options.limits().endIds());
        ends.add(end.getAsInt());
        return options.withEndIds(ends);
    }

    /// The special token that a template writes behind an answer, which ends it; empty if it writes none.
    public static OptionalInt endOfTurn(ChatTemplate template, Tokenizer tokenizer) {
        String mark = "weft";
        try {
            String text = template.render(Conversation.of(
                    List.of(Conversation.message("user", "?"), Conversation.message("assistant", mark))));
            int at = text.lastIndexOf(mark);
            int[] after = at < 0
                    ? new int[0]
                    : tokenizer.encode(text.substring(at + mark.length()).stripLeading(), false).ids();
            return after.length > 0 && tokenizer.isSpecial(after[0])
                    ? OptionalInt.of(after[0])
                    : OptionalInt.empty();
        } catch (TemplateException otherConversationsOnly) {
            return OptionalInt.empty();
        }
    }

    /// With another way to write: `chat.with(writer -> writer.withStep(step))`. The model stays with this one, to be closed
    /// here.
    public Chat with(UnaryOperator<TextGenerator> change) {
        return new Chat(change.apply(generator), template, null);
    }

    /// With what was computed of the last conversation kept, so that its next turn costs only what is new in it. Closing
    /// this frees that; the model stays with the other one.
    public Chat remembering() {
        PromptCache cache = PromptCache.following();
        return new Chat(generator.withPromptCache(cache), template, cache);
    }

    /// What the folder says of generation, with the end of a turn; the settings to start from.
    public Generation defaults() {
        return defaults;
    }

    /// How conversations are written.
    public ChatTemplate template() {
        return template;
    }

    /// An answer to one message.
    public String reply(String message) {
        return reply(Conversation.of(List.of(Conversation.message("user", message))), defaults).text();
    }

    /// What the model says next. A conversation whose last message is to be continued is continued. Settings that say
    /// nothing of end ids have those of [#defaults].
    ///
    /// @throws IllegalArgumentException if the conversation fills the model's context, or the template refuses it
    public Reply reply(Conversation conversation, Generation options) {
        return Reply.of(generator.complete(ids(conversation), options.endingAs(defaults)).getFirst(),
                conversation.hasTools());
    }

    /// The same in pieces, as they are made.
    public ReplyStream stream(Conversation conversation, Generation options) {
        return new ReplyStream(generator.pieces(ids(conversation), options.endingAs(defaults)),
                conversation.hasTools());
    }

    private int[] ids(Conversation conversation) {
        Conversation asked = conversation.isContinued() ? conversation : conversation.withGenerationPrompt();
        String text = template.render(asked);
        if (!asked.toJson().path("tools").isEmpty() && text.equals(withoutTools(asked))) {
            throw new IllegalArgumentException(
                    "The chat template of this model does not show tools to it; leave them out, or take a model that was trained to call them");
        }
        // The template wrote the special tokens.
        int[] ids = generator.tokenizer().encode(text, false).ids();
        int positions = generator.model().maxPositions();
        if (ids.length >= positions) {
            throw new IllegalArgumentException(
                    "The conversation has %d tokens and this model has room for %d, the answer included; begin anew, or leave out what was said first"
                            .formatted(ids.length, positions));
        }
        if (ids.length == 0) {
            throw new IllegalArgumentException("The chat template makes nothing of this conversation; say something");
        }
        return ids;
    }

    private String withoutTools(Conversation conversation) {
        try {
            return template.render(conversation.withTools(List.of()));
        } catch (TemplateException toolsOnly) {
            return "";
        }
    }

    @Override
    public void close() {
        if (talk != null) {
            talk.close();
        }
        generator.close();
    }
}
