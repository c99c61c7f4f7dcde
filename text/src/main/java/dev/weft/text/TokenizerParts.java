package dev.weft.text;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ObjectNode;

/// The parts of a tokenizer as a file lists them.
///
/// @param specialTokens  parts and their tokens, as `eos_token` in `tokenizer_config.json`
/// @param config         the rest of a `tokenizer_config.json`, kept for writing it again
/// @param truncation     kept as found, null if none
/// @param padding        kept as found, null if none
record TokenizerParts(List<AddedToken> addedTokens, @Nullable Normalizer normalizer,
        @Nullable PreTokenizer preTokenizer,
        Model model, @Nullable PostProcessor postProcessor, Decoder decoder, Map<String, String> specialTokens,
        ObjectNode config, @Nullable ObjectNode truncation, @Nullable ObjectNode padding) {

    TokenizerParts {
        addedTokens = List.copyOf(addedTokens);
    }

    /// The pipeline of GPT-2 around a model whose vocabulary holds the added tokens.
    static TokenizerParts byteLevel(Bpe model, List<AddedToken> added, PostProcessor postProcessor, ObjectNode config) {
        return new TokenizerParts(added, null, new PreTokenizer.ByteLevel(false, true, true), model, postProcessor,
                new Decoder.ByteLevel(true, true, true), SpecialTokens.roles(config, added), config, null, null);
    }

    TokenizerParts withModel(Model changed) {
        return new TokenizerParts(addedTokens, normalizer, preTokenizer, changed, postProcessor, decoder, specialTokens,
                config, truncation, padding);
    }

    /// With these added tokens, in place of those with the same content.
    TokenizerParts withAddedTokens(List<AddedToken> more) {
        var added = new ArrayList<>(addedTokens);
        for (AddedToken token : more) {
            added.removeIf(known -> known.content().equals(token.content()));
            added.add(token);
        }
        return new TokenizerParts(added, normalizer, preTokenizer, model, postProcessor, decoder, specialTokens, config,
                truncation, padding);
    }

    TokenizerParts withPostProcessor(PostProcessor other) {
        return new TokenizerParts(addedTokens, normalizer, preTokenizer, model, other, decoder, specialTokens, config,
                truncation, padding);
    }

    /// With a special token in a role; added to the others unless it is one of them.
    TokenizerParts withRole(String role, AddedToken token) {
        var roles = new LinkedHashMap<>(specialTokens);
        roles.put(role, token.content());
        boolean known = addedTokens.stream().anyMatch(added -> added.content().equals(token.content())
                && added.special());
        return new TokenizerParts(known ? addedTokens : withAddedTokens(List.of(token)).addedTokens, normalizer,
                preTokenizer, model, postProcessor, decoder, roles, config, truncation, padding);
    }

    /// Whether text goes straight into GPT-2's words and these into bytes, all of which the model knows.
    boolean cutsGpt2Bytes() {
        return normalizer == null && model instanceof Bpe bpe && bpe.knowsAllBytes() && switch (preTokenizer) {
            case PreTokenizer.ByteLevel bytes -> bytes.useRegex() && !bytes.addPrefixSpace();
            case PreTokenizer.Sequence(List<PreTokenizer> steps) ->
                steps.size() == 2 && steps.get(0) instanceof PreTokenizer.Split split && split.isGpt2()
                        && steps.get(1) instanceof PreTokenizer.ByteLevel bytes && !bytes.useRegex()
                        && !bytes.addPrefixSpace();
            case null, default -> false;
        };
    }
}
