package dev.weft.text.chat;

import dev.weft.jinja.Template;
import dev.weft.jinja.TemplateException;
import dev.weft.jinja.TemplateLimits;
import java.nio.file.Path;
import java.time.Clock;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/// The chat templates of a model: conversations in, the text the model knows out.
///
/// Immutable, and safe to share between threads. What a template can do is in `docs/chat-templates.md`.
public final class ChatTemplate {
    private static final String DEFAULT = "default";
    private static final String FOR_TOOLS = "tool_use";
    private static final String MARK = "CONTINUE_FINAL_MESSAGE_TAG ";

    private final Map<String, Template> templates;
    private final Map<String, String> specialTokens;
    private final TemplateLimits limits;
    private final Clock clock;
    private final @Nullable String chosen;

    ChatTemplate(Map<String, Template> templates, Map<String, String> specialTokens, TemplateLimits limits,
            Clock clock, @Nullable String chosen) {
        this.templates = templates;
        this.specialTokens = specialTokens;
        this.limits = limits;
        this.clock = clock;
        this.chosen = chosen;
    }

    /// The templates of a model's folder: `chat_template.jinja` and `additional_chat_templates`, or else `chat_template`
    /// in `tokenizer_config.json`, or else `chat_template.json`. Special tokens come from `tokenizer_config.json` and
    /// `special_tokens_map.json`; templates see them under names such as `bos_token`.
    ///
    /// @throws IllegalArgumentException if there is no template or a file is not what it should be, naming it
    /// @throws TemplateException if a template cannot be read, naming line and construct
    /// @throws java.io.UncheckedIOException if a file cannot be read
    public static ChatTemplate load(Path folder) {
        return ChatTemplateFiles.load(folder);
    }

    /// As [#load]; empty if the folder has no template.
    public static Optional<ChatTemplate> find(Path folder) {
        return ChatTemplateFiles.find(folder);
    }

    /// One template from its source.
    ///
    /// @param name what error messages call it
    /// @throws TemplateException if it cannot be read, naming line and construct
    public static ChatTemplate of(String name, String source) {
        return new ChatTemplate(Map.of(DEFAULT, Template.of(name, source)), Map.of(), TemplateLimits.USUAL,
                Clock.systemDefaultZone(), null);
    }

    /// OpenAI's ChatML, with the assistant's turns marked: for a model that comes without a template.
    public static ChatTemplate chatMl() {
        return of("ChatML", """
                {%- for message in messages -%}
                {{- '<|im_start|>' + message['role'] + '\\n' -}}
                {%- if message['role'] == 'assistant' -%}
                {% generation %}{{ message['content'] + '<|im_end|>' }}{% endgeneration %}{{ '\\n' }}
                {%- else -%}
                {{- message['content'] + '<|im_end|>\\n' -}}
                {%- endif -%}
                {%- endfor -%}
                {%- if add_generation_prompt -%}{{- '<|im_start|>assistant\\n' -}}{%- endif -%}
                """.strip());
    }

    /// All that the text of a conversation depends on: sources, special tokens, and for templates that write the date, the
    /// day. The same of it gives the same texts.
    public String settings() {
        String sources = new TreeMap<>(templates).entrySet().stream()
                .map(each -> each.getKey() + ": " + each.getValue().source()).collect(Collectors.joining("\n"));
        return "%s\n%s %s %s".formatted(sources, chosen, new TreeMap<>(specialTokens),
                sources.contains("strftime_now") ? LocalDate.now(clock) : "");
    }

    /// Writes `chat_template.jinja`, and other templates into `additional_chat_templates`, as [#load] and the Python library
    /// read them.
    ///
    /// @throws java.io.UncheckedIOException if a file cannot be written
    public void save(Path folder) {
        ChatTemplateFiles.save(folder, templates);
    }

    /// The names of the templates; a model with one has `default`.
    public Set<String> names() {
        return new TreeSet<>(templates.keySet());
    }

    /// The special tokens that templates see, by name.
    public Map<String, String> specialTokens() {
        return Map.copyOf(specialTokens);
    }

    /// The same with one template for every conversation. Otherwise `tool_use` is taken for those with tools, where
    /// there is one, and else `default`.
    ///
    /// @throws IllegalArgumentException if there is none of this name
    public ChatTemplate named(String name) {
        if (!templates.containsKey(name)) {
            throw new IllegalArgumentException(
                    "there is no chat template \"%s\"; there are: %s".formatted(name, String.join(", ", names())));
        }
        return new ChatTemplate(templates, specialTokens, limits, clock, name);
    }

    /// With a special token under a name such as `bos_token`.
    public ChatTemplate withSpecialToken(String name, String token) {
        var more = new LinkedHashMap<>(specialTokens);
        more.put(name, token);
        return new ChatTemplate(templates, more, limits, clock, chosen);
    }

    /// With other bounds on what rendering may cost.
    public ChatTemplate withLimits(TemplateLimits other) {
        return new ChatTemplate(templates, specialTokens, other, clock, chosen);
    }

    /// With another clock for templates that write the date.
    public ChatTemplate withClock(Clock other) {
        return new ChatTemplate(templates, specialTokens, limits, other, chosen);
    }

    private Template template(Conversation conversation) {
        String name = chosen != null
                ? chosen
                : conversation.hasTools() && templates.containsKey(FOR_TOOLS) ? FOR_TOOLS : DEFAULT;
        Template template = templates.get(name);
        if (template == null) {
            throw new IllegalArgumentException("the model has several chat templates and none is the default; choose "
                    + "one of: " + String.join(", ", names()));
        }
        return template;
    }

    /// The text of a conversation.
    ///
    /// @throws TemplateException if the template refuses the conversation, with the template's own message, or fails on it
    public String render(Conversation conversation) {
        return conversation.isContinued() ? continued(conversation) : render(conversation, false).text();
    }

    private Template.Rendered render(Conversation conversation, boolean wantSpans) {
        return template(conversation).render(conversation.variables(specialTokens), limits, clock, wantSpans);
    }

    /// Up to the end of the last message's text: a mark behind it shows where that is.
    private String continued(Conversation conversation) {
        String text = render(conversation.marked(MARK), false).text();
        int end = text.lastIndexOf(MARK.strip());
        if (end < 0 || !text.contains(conversation.finalText().strip())) {
            throw new IllegalArgumentException(
                    "the last message cannot be continued: chat template \"%s\" does not show "
                            .formatted(template(conversation).name()) + "its content as it is");
        }
        if (!text.startsWith(MARK, end)) {
            // The template took the white space at the end of the message, so what stands before the mark goes too.
            while (end > 0 && (Character.isWhitespace(text.charAt(end - 1))
                    || Character.isSpaceChar(text.charAt(end - 1)))) {
                end--;
            }
        }
        return text.substring(0, end);
    }

    /// The text of a conversation, and which parts of it the assistant wrote: by the template's `generation` blocks, or
    /// where it has none, by rendering the conversation turn by turn. Then a turn is what follows the prompt for an
    /// answer, up to where the text of the next turns begins.
    ///
    /// @throws TemplateException if the template refuses the conversation, or the beginning of it up to some turn
    /// @throws IllegalArgumentException if the text of the first turns changes with those after them, so that turns have
    ///         no place of their own
    public RenderedChat renderWithTurns(Conversation conversation) {
        return renderWithTurns(conversation, 0);
    }

    /// The same with those turns alone that stand behind the first `prompt` messages: where what the assistant said before
    /// is not learned, or, by a template that writes earlier turns otherwise once others follow, has no place of its own.
    ///
    /// @throws TemplateException if the template refuses the conversation, or the beginning of it up to some turn
    /// @throws IllegalArgumentException if the text up to a turn changes with what follows, or it is not known which turns
    ///         stand behind the prompt
    public RenderedChat renderWithTurns(Conversation conversation, int prompt) {
        if (conversation.isContinued()) {
            throw new IllegalArgumentException("a conversation that is cut off for continuing has no whole last turn");
        }
        if (template(conversation).hasGeneration()) {
            Template.Rendered rendered = render(conversation, true);
            return new RenderedChat(rendered.text(), behind(conversation, prompt, rendered));
        }
        String whole = render(conversation, false).text();
        List<Template.Span> turns = new ArrayList<>();
        for (int i = prompt; i < conversation.messages().size(); i++) {
            if (!isAnswer(conversation, i)) {
                continue;
            }
            String before = render(conversation.first(i, true), false).text();
            String through = render(conversation.first(i + 1, false), false).text();
            if (!through.startsWith(before) || !whole.startsWith(through)) {
                throw new IllegalArgumentException(
                        ("chat template \"%s\" has no generation blocks, and message %d has no place of its own: the text up to "
                                + "it changes with what follows. Learn the last answer alone, with all messages before it as the "
                                + "prompt (a row with \"prompt\" and \"completion\" for each answer); or put {%% generation %%} and "
                                + "{%% endgeneration %%} around what is learned in a copy of the template")
                                .formatted(template(conversation).name(), i));
            }
            turns.add(new Template.Span(before.length(), through.length()));
        }
        return new RenderedChat(whole, turns);
    }

    private List<Template.Span> behind(Conversation conversation, int prompt, Template.Rendered rendered) {
        List<Template.Span> turns = rendered.spans();
        if (prompt == 0) {
            return turns;
        }
        String before = render(conversation.first(prompt, false), false).text();
        if (rendered.text().startsWith(before)) {
            return turns.stream().filter(turn -> turn.start() >= before.length()).toList();
        }
        if (turns.size() != answers(conversation, conversation.messages().size())) {
            throw new IllegalArgumentException(
                    "chat template \"%s\" writes the first %d messages otherwise than alone, so that it is not known which turns follow them"
                            .formatted(template(conversation).name(), prompt));
        }
        return turns.subList(answers(conversation, prompt), turns.size());
    }

    private static int answers(Conversation conversation, int messages) {
        return (int) IntStream.range(0, messages).filter(i -> isAnswer(conversation, i)).count();
    }

    private static boolean isAnswer(Conversation conversation, int message) {
        return conversation.messages().get(message).path("role").stringValue("").equals("assistant");
    }
}
