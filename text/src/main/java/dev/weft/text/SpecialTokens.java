package dev.weft.text;

import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/// Which special token plays which part: `eos_token` and its like in `tokenizer_config.json`.
final class SpecialTokens {
    private static final List<String> ROLES = List.of("bos_token", "eos_token", "unk_token", "sep_token", "pad_token",
            "cls_token", "mask_token");
    private static final List<String> OTHERS = List.of("additional_special_tokens", "extra_special_tokens");

    /// Customary spellings, for tokenizers whose files do not say who plays which part.
    private static final Map<String, List<String>> CUSTOM = Map.ofEntries(
            Map.entry("<|endoftext|>", List.of("bos_token", "eos_token")), Map.entry("<s>", List.of("bos_token")),
            Map.entry("</s>", List.of("eos_token")), Map.entry("<unk>", List.of("unk_token")),
            Map.entry("<pad>", List.of("pad_token")), Map.entry("<mask>", List.of("mask_token")),
            Map.entry("[UNK]", List.of("unk_token")), Map.entry("[PAD]", List.of("pad_token")),
            Map.entry("[MASK]", List.of("mask_token")), Map.entry("[CLS]", List.of("cls_token")),
            Map.entry("[SEP]", List.of("sep_token")));

    private SpecialTokens() {}

    static Map<String, String> roles(ObjectNode config, List<AddedToken> added) {
        var roles = new LinkedHashMap<String, String>();
        for (String role : ROLES) {
            String token = content(config.path(role));
            if (token != null) {
                roles.put(role, token);
            }
        }
        if (roles.isEmpty()) {
            for (AddedToken token : added) {
                CUSTOM.getOrDefault(token.content(), List.of()).forEach(role -> roles.put(role, token.content()));
            }
        }
        return roles;
    }

    /// The tokenizer of these parts, and of the tokens that its configuration adds to them or describes otherwise, as the
    /// Python library settles them.
    static Tokenizer settled(TokenizerParts parts, Vocabulary vocabulary, FolderSettings settings) {
        var config = new JsonPart(settings.folder().resolve("tokenizer_config.json"), "", parts.config());
        Vocabulary all = vocabulary.copy();
        Map<String, AddedToken> known = new HashMap<>();
        parts.addedTokens().forEach(token -> known.put(token.content(), token));
        var more = new ArrayList<AddedToken>();
        Collection<String> roles = parts.specialTokens().values();
        for (AddedToken token : config.has(FolderSettings.LISTED) ? settings.listed() : List.<AddedToken>of()) {
            boolean special = token.special() || roles.contains(token.content());
            AddedToken settled = token.with(all.add(token.content()), special);
            if (!settled.equals(known.put(token.content(), settled))) {
                more.add(settled);
            }
        }
        // Then tokens with a part to play, and others said to be special, that nobody listed.
        var named = new ArrayList<JsonPart>();
        ROLES.stream().filter(config::has).forEach(role -> named.add(config.at(role)));
        OTHERS.stream().filter(config::has).forEach(others -> named.addAll(config.at(others).elements()));
        for (JsonPart token : named) {
            String content = content(token.node());
            if (content != null && !content.isEmpty() && !known.containsKey(content)) {
                AddedToken settled = token.node().isObject()
                        ? AddedToken.described(token, all.add(content)).with(all.add(content), true)
                        : AddedToken.special(all.add(content), content);
                known.put(content, settled);
                more.add(settled);
            }
        }
        return new Tokenizer(parts.withAddedTokens(more), all);
    }

    /// A token is written as itself or as an object with its content.
    private static @Nullable String content(JsonNode token) {
        JsonNode content = token.isObject() ? token.path("content") : token;
        return content.isString() ? content.stringValue() : null;
    }

    /// Refuses lists of tokens to be trained with that are not different, visible words.
    static void check(List<String> tokens) {
        Set<String> seen = new HashSet<>();
        for (String token : tokens) {
            if (token.isEmpty() || !seen.add(token)) {
                throw new IllegalArgumentException(
                        token.isEmpty()
                                ? "a special token is empty"
                                : "special token \"%s\" is given twice".formatted(token));
            }
        }
    }
}
