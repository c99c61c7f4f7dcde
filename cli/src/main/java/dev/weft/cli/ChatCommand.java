package dev.weft.cli;

import dev.weft.checkpoint.Json;
import dev.weft.run.Generation;
import dev.weft.run.pipeline.Chat;
import dev.weft.run.pipeline.Pipelines;
import dev.weft.run.pipeline.Reply;
import dev.weft.run.pipeline.ReplyStream;
import dev.weft.text.chat.Conversation;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/// `weft chat`: a conversation, a line from the user and an answer in turn.
@Command(name = "chat", mixinStandardHelpOptions = true, sortOptions = false, description = {
        "Converse with a model that has a chat template. What is not given comes from the folder's generation_config.json.",
        "Each line is a message, or begins with / and is a command: /help lists them. Ctrl-C stops an answer.",
        "Where standard input is no terminal, its lines are read and answered."}, footer = {"", "Examples:",
                "  weft chat models/qwen2-instruct --system \"You are short.\" --temperature 0.7",
                "  echo \"What is a weft?\" | weft chat models/qwen2-instruct --json"})
final class ChatCommand implements Callable<Integer> {
    private static final String HELP = """
            /reset         begin anew; what /system said stays
            /system TEXT   tell the model who it is; without TEXT, show it
            /save FILE     write the conversation, for --load FILE
            /help          this list
            /exit          end, as does the end of input
            //TEXT         a message that begins with /""";

    @Parameters(paramLabel = "FOLDER", description = "A model's, an adapter's or a run's folder with a chat template, or a .gguf file that holds one.")
    Path folder;

    @Option(names = "--system", paramLabel = "TEXT", description = "Who the model is to be.")
    @Nullable
    String system;

    @Option(names = "--load", paramLabel = "FILE", description = "Go on with a conversation: what /save wrote, or a JSON list of messages.")
    @Nullable
    Path load;

    @Option(names = "--max-new-tokens", description = "Tokens of an answer at most. Default: what the folder says, else 1024.")
    @Nullable
    Integer maxNewTokens;

    @Mixin
    GenerationOptions generation;

    @Mixin
    LoadingOptions opening;

    @Option(names = "--variable", paramLabel = "KEY=VALUE", description = "A variable for the chat template, such as enable_thinking=false; JSON, or else text. Can be repeated.")
    Map<String, String> variables = new LinkedHashMap<>();

    @Option(names = "--json", description = "Print an object for each answer instead of text.")
    boolean json;

    /// As [Conversation#parse] reads it: `messages`, perhaps `tools` and `documents`.
    private final ObjectNode talk = Json.object();
    private boolean refused;

    @Override
    public Integer call() throws IOException {
        if (maxNewTokens != null && maxNewTokens < 1) {
            throw new IllegalArgumentException("--max-new-tokens must be at least 1, found " + maxNewTokens);
        }
        begin();
        try (Chat opened = Pipelines.chat(ScoredModel.modelFolder(folder), opening.loading());
                Chat chat = opened.remembering()) {
            Generation defaults = chat.defaults();
            Generation options = generation
                    .over(maxNewTokens == null ? defaults : defaults.withMaxNewTokens(maxNewTokens));
            boolean terminal = Boolean.getBoolean("weft.terminal.input");
            if (terminal) {
                note("%s: /help lists commands, Ctrl-C stops an answer, Ctrl-D ends".formatted(folder));
            }
            var lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
            boolean on = true;
            // Where nobody reads answers, no more questions are taken.
            while (on && !System.out.checkError()) {
                if (terminal) {
                    System.out.print("> ");
                    System.out.flush();
                }
                String line = lines.readLine();
                on = line != null && heed(line.strip(), chat, options);
            }
            return refused && !terminal ? 2 : 0;
        }
    }

    private void begin() throws IOException {
        talk.putArray("messages");
        if (load != null) {
            String text = ChatTemplateCommand.text(load);
            try {
                talk.setAll(Conversation.parse(text).toJson());
            } catch (IllegalArgumentException e) {
                throw new IllegalArgumentException(load + ": " + e.getMessage(), e);
            }
        }
        if (system != null) {
            tell(system);
        }
    }

    private ArrayNode messages() {
        return (ArrayNode) talk.get("messages");
    }

    private @Nullable JsonNode told() {
        JsonNode first = messages().path(0);
        return first.path("role").stringValue("").equals("system") ? first.path("content") : null;
    }

    private void tell(String text) {
        if (told() != null) {
            messages().remove(0);
        }
        messages().insert(0, message("system", text));
    }

    private static ObjectNode message(String role, String content) {
        return Json.object().put("role", role).put("content", content);
    }

    /// @return whether to go on
    private boolean heed(String line, Chat chat, Generation options) {
        String[] words = line.split("\\s+", 2);
        String rest = words.length > 1 ? words[1] : "";
        if (!line.startsWith("/") || line.startsWith("//")) {
            if (!line.isEmpty()) {
                answer(line.startsWith("//") ? line.substring(1) : line, chat, options);
            }
            return true;
        }
        switch (words[0]) {
            case "/reset" -> {
                JsonNode told = told();
                messages().removeAll();
                if (told != null) {
                    tell(told.stringValue(""));
                }
                note("begun anew");
            }
            case "/system" -> {
                if (!rest.isEmpty()) {
                    tell(rest);
                }
                JsonNode told = told();
                note(told == null ? "nothing is said; /system TEXT says it" : "system: " + told.stringValue(""));
            }
            case "/save" -> save(rest);
            case "/help" -> note(HELP);
            case "/exit", "/quit" -> {
                return false;
            }
            default -> refuse("there is no command %s; /help lists them, //TEXT is a message that begins with /"
                    .formatted(words[0]));
        }
        return true;
    }

    private void save(String file) {
        try {
            if (file.isEmpty()) {
                throw new IllegalArgumentException("/save needs a file to write");
            }
            Json.write(Path.of(file), talk);
            note("%d messages written to %s".formatted(messages().size(), file));
        } catch (InvalidPathException e) {
            refuse("%s is no name of a file".formatted(file));
        } catch (IllegalArgumentException | UncheckedIOException e) {
            refuse(e.getMessage());
        }
    }

    private void answer(String text, Chat chat, Generation options) {
        messages().add(message("user", text));
        Reply reply;
        try {
            Conversation conversation = Conversation.parse(talk.toString());
            for (Map.Entry<String, String> variable : variables.entrySet()) {
                conversation = conversation.with(variable.getKey(), GenerationOptions.value(variable.getValue()));
            }
            // Each answer its own chance, and the same for the same conversation.
            reply = reply(chat, conversation, options.withSeed(options.sampling().seed() + messages().size()));
        } catch (IllegalArgumentException e) {
            messages().remove(messages().size() - 1);
            refuse("%s (your last message is not taken in; /save FILE keeps the others, /reset begins anew)"
                    .formatted(e.getMessage()));
            return;
        }
        talk.setAll(Conversation.parse(talk.toString()).then(reply.message()).toJson());
        if (json) {
            ObjectNode shown = Json.object().put("text", reply.text());
            if (!reply.toolCalls().isEmpty()) {
                shown.set("tool_calls", messages().get(messages().size() - 1).get("tool_calls"));
            }
            System.out.println(shown.put("prompt_tokens", reply.promptTokens()).put("new_tokens", reply.newTokens())
                    .put("finish", reply.finish().toString().toLowerCase(Locale.ROOT)));
        } else {
            reply.toolCalls().forEach(call -> System.out.print("[calls %s %s]".formatted(call.name(),
                    call.arguments())));
            System.out.println();
        }
        switch (reply.finish()) {
            case END_ID, STOP_STRING -> {
            }
            case STOPPED -> note("(stopped)");
            case LENGTH -> note("(cut after %d tokens; --max-new-tokens allows more)".formatted(reply.newTokens()));
            case CONTEXT_FULL ->
                note("(cut: the model has no room for more; /save FILE keeps this, /reset begins anew)");
        }
    }

    /// The reply, shown while it is made where people read.
    private Reply reply(Chat chat, Conversation conversation, Generation options) {
        if (options.beams().numBeams() > 1) {
            Reply reply = chat.reply(conversation, options);
            System.out.print(json ? "" : reply.text());
            return reply;
        }
        var stopped = new AtomicBoolean();
        try (ReplyStream pieces = chat.stream(conversation, options);
                var heeded = Interrupts.caught(() -> {
                    if (stopped.getAndSet(true)) {
                        Runtime.getRuntime().halt(130);
                    }
                })) {
            // Where nobody reads what is written, nothing more is made.
            while (!stopped.get() && pieces.hasNext() && !System.out.checkError()) {
                String piece = pieces.next();
                System.out.print(json ? "" : piece);
            }
            System.out.flush();
            return pieces.reply();
        }
    }

    private void refuse(String why) {
        refused = true;
        System.err.println("weft: " + why);
    }

    private static void note(String what) {
        System.err.println(what);
    }
}
