package dev.weft.text;

import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/// Which special token plays which part: `eos_token` and its like in `tokenizer_config.json`.
final class SpecialTokens {
    private static final List<String> ROLES = List.of("bos_token", "eos_token", "unk_token", "sep_token", "pad_token",
            "cls_token", "mask_token");

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
            JsonNode token = config.path(role);
            // Either the token itself or an object with its content.
            JsonNode content = token.isObject() ? token.path("content") : token;
            if (content.isString()) {
                roles.put(role, content.stringValue());
            }
        }
        if (roles.isEmpty()) {
            for (AddedToken token : added) {
                CUSTOM.getOrDefault(token.content(), List.of()).forEach(role -> roles.put(role, token.content()));
            }
        }
        return roles;
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
