package dev.weft.recipe;

import dev.weft.checkpoint.Json;
import dev.weft.models.heads.PretrainedModel;
import dev.weft.run.pipeline.Chat;
import dev.weft.text.Tokenizer;
import dev.weft.text.chat.ChatTemplate;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import java.util.stream.Stream;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/// What marks the turns of conversations: ChatML's marks become tokens of a model that comes without a template, and what
/// ends an answer ends generation.
final class ChatMarks {
    static final List<String> CHAT_ML = List.of("<|im_start|>", "<|im_end|>");
    private static final String ENDS = "eos_token_id";

    private ChatMarks() {}

    /// The recipe with ChatML's marks among its added tokens, where its conversations are written so, the tokenizer lacks
    /// them, and the rows that they need are trained: all weights, or those that an adapter saves for other new tokens.
    static Recipe added(Recipe recipe, ChatTemplate template, Tokenizer tokenizer) {
        boolean rows = recipe.adapter().any()
                ? !recipe.model().addedTokens().isEmpty()
                : recipe.train().freeze().isEmpty() && recipe.train().freezeLayers() < 0;
        return lacks(template, tokenizer) && rows
                ? recipe.with("model.added_tokens",
                        Stream.concat(recipe.model().addedTokens().stream(), CHAT_ML.stream()).distinct().toList())
                : recipe;
    }

    private static boolean lacks(ChatTemplate template, Tokenizer tokenizer) {
        return template.settings().contains(CHAT_ML.getLast()) && !CHAT_ML.stream().allMatch(
                mark -> tokenizer.id(mark).isPresent() && tokenizer.isSpecial(tokenizer.id(mark).getAsInt()));
    }

    /// What the user should know of how answers end, and of special tokens that the template names and nobody has.
    static List<String> notes(ChatTemplate template, Tokenizer tokenizer) {
        var notes = new ArrayList<String>();
        if (lacks(template, tokenizer)) {
            notes.add(
                    "ChatML's marks %s are no tokens of this model, whose embeddings are not trained: it may not learn to end an answer; add them with --add-token %s, or choose a --chat-template that ends answers with {{ eos_token }}"
                            .formatted(String.join(" and ", CHAT_ML), String.join(" ", CHAT_ML)));
        } else if (Chat.endOfTurn(template, tokenizer).isEmpty()) {
            notes.add(
                    "the chat template writes no special token behind an answer: what is trained has no end; end answers with {{ eos_token }}");
        }
        Stream.of("bos_token", "eos_token", "pad_token", "unk_token")
                .filter(name -> template.settings().contains(name) && !template.specialTokens().containsKey(name))
                .forEach(name -> notes
                        .add("the chat template writes %s, and the tokenizer names none: nothing stands there"
                                .formatted(name)));
        return notes;
    }

    /// Says in a model's `config.json`, and in its settings of generation where it has some, that the token behind an answer
    /// ends generation, before all that ended it already.
    static void end(PretrainedModel head, ChatTemplate template, Tokenizer tokenizer) {
        OptionalInt end = Chat.endOfTurn(template, tokenizer);
        ObjectNode config = head.context().config().node();
        Json generation = head.context().generation();
        if (end.isPresent()) {
            if (generation != null) {
                put(generation.node(), end.getAsInt(), generation.has(ENDS) ? generation.node() : config);
            }
            put(config, end.getAsInt(), config);
        }
    }

    private static void put(ObjectNode settings, int end, ObjectNode before) {
        List<Integer> known = ids(before.path(ENDS));
        if (known.isEmpty()) {
            settings.put(ENDS, end);
        } else if (!known.contains(end)) {
            ArrayNode all = settings.putArray(ENDS).add(end);
            known.forEach(all::add);
        }
    }

    private static List<Integer> ids(JsonNode value) {
        return value.isArray()
                ? value.valueStream().map(JsonNode::asInt).toList()
                : value.isInt() ? List.of(value.intValue()) : List.of();
    }
}
