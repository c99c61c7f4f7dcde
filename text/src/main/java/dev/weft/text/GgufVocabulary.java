package dev.weft.text;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;
import tools.jackson.databind.node.JsonNodeFactory;

/// What a GGUF file says of a vocabulary, for [Tokenizer#of(GgufVocabulary)]; whoever reads the file fills it in.
///
/// @param architecture of the model (`general.architecture`): `llama`, `phi3`, …; may be empty
/// @param model    `llama` is byte pairs with scores as SentencePiece has them, `gpt2` byte pairs with merges, `bert`
///                 WordPiece, `t5` unigrams
/// @param split    how llama.cpp calls the rule that cuts a text into words: `llama-bpe`, `qwen2`, …; may be empty
/// @param tokens   by id
/// @param scores   one for each token, or none
/// @param kinds    one for each token, or none
/// @param merges   pairs with a space between, the first to be merged first, or none
/// @param special  ids by role: `bos`, `eos`, `unknown`, `padding`, …
/// @param adds     whether these are done to a text: `bos`, `eos`, `space_prefix`, `remove_extra_whitespaces`
/// @param charsMap SentencePiece's map of characters, or empty
public record GgufVocabulary(String architecture, String model, String split, List<String> tokens, List<Double> scores,
        List<Kind> kinds, List<String> merges, Map<String, Integer> special, Map<String, Boolean> adds,
        byte[] charsMap) {

    /// What a token is, in the order of the numbers that say it in the file, from 1 on.
    public enum Kind {
        NORMAL, UNKNOWN, CONTROL, USER_DEFINED, UNUSED, BYTE
    }

    private static final Map<String, String> ROLES = Map.of("bos", "bos_token", "eos", "eos_token", "unknown",
            "unk_token", "padding", "pad_token", "cls", "cls_token", "seperator", "sep_token", "mask", "mask_token");

    private static final Set<String> PLAIN_IN_PHI3 = Set.of("<unk>", "<s>", "<|endoftext|>");
    /// How models with a mask cut text into words.
    private static final Set<String> MASKED = Set.of("roberta-bpe", "jina-v2-es", "jina-v2-de", "jina-v2-code",
            "modern-bert");

    Tokenizer tokenizer() {
        if (tokens.size() >= Vocabulary.MAX_SIZE) {
            throw new IllegalArgumentException("a vocabulary of %d tokens is too large".formatted(tokens.size()));
        }
        return switch (model) {
            case "llama" -> pieces(SentencePieceModel.Type.BPE, true, false);
            case "t5" -> pieces(SentencePieceModel.Type.UNIGRAM, false, true);
            case "gpt2" -> bytePairs();
            case "bert" -> words();
            default -> throw new IllegalArgumentException(
                    "a vocabulary of the kind \"%s\" is not known here; known are llama, gpt2, bert, t5"
                            .formatted(model));
        };
    }

    private Tokenizer pieces(SentencePieceModel.Type type, boolean bos, boolean eos) {
        if (scores.size() != tokens.size()) {
            throw new IllegalArgumentException(
                    "a vocabulary of the kind \"%s\" has a score for each of its %d tokens, found %d"
                            .formatted(model, tokens.size(), scores.size()));
        }
        int unknown = special.getOrDefault("unknown",
                IntStream.range(0, kinds.size()).filter(id -> kinds.get(id) == Kind.UNKNOWN).findFirst().orElse(-1));
        if (unknown < 0) {
            throw new IllegalArgumentException("no token of the vocabulary stands for the unknown");
        }
        List<ScoredPiece> pieces = IntStream.range(0, tokens.size()).mapToObj(id -> new ScoredPiece(tokens.get(id),
                scores.get(id).floatValue(), kind(id, unknown))).toList();
        var rules = new SentencePieceRules(charsMap.length == 0 ? null : CharsMap.of(charsMap),
                adds.getOrDefault("space_prefix", true), adds.getOrDefault("remove_extra_whitespaces", false), true,
                false, new Trie());
        boolean bytes = kinds.contains(Kind.BYTE);
        var file = new SentencePieceModel(pieces, type, bytes, "", rules);
        return SentencePieces.assemble(file, SentencePieces.model(file), List.of(), added(), roles(),
                around(bos, eos, 0),
                around(bos, eos, 0) + " " + around(bos, eos, 1), settings());
    }

    private ScoredPiece.Kind kind(int id, int unknown) {
        if (id == unknown) {
            return ScoredPiece.Kind.UNKNOWN;
        }
        return switch (kinds.isEmpty() ? Kind.NORMAL : kinds.get(id)) {
            case NORMAL -> ScoredPiece.Kind.NORMAL;
            case UNUSED -> ScoredPiece.Kind.UNUSED;
            case BYTE -> ScoredPiece.Kind.BYTE;
            // Found in the text before it is cut, and also, as runs of spaces, after its spaces were marked.
            case USER_DEFINED -> ScoredPiece.Kind.USER_DEFINED;
            // These are found in the text before it is cut, or never.
            case UNKNOWN, CONTROL -> ScoredPiece.Kind.RESERVED;
        };
    }

    private Tokenizer bytePairs() {
        BytePairFamily family = BytePairFamily.ofGguf(split);
        Vocabulary vocabulary = vocabulary(tokens);
        var reader = new Bpe.MergeReader(vocabulary, "");
        for (int i = 0; i < merges.size(); i++) {
            reader.add(merges.get(i),
                    new JsonPart(Path.of("merges"), "[" + i + "]", JsonNodeFactory.instance.nullNode()));
        }
        boolean whole = family == BytePairFamily.CL100K || family == BytePairFamily.O200K;
        var bpe = new Bpe(vocabulary, reader.merges(), new Bpe.Options(null, null, null, false, false, whole));
        Vocabulary all = vocabulary.copy();
        boolean around = adds.getOrDefault("bos", false) || adds.getOrDefault("eos", false);
        PostProcessor postProcessor = around
                ? Templates.of(around(false, false, 0), around(false, false, 0) + " " + around(false, false, 1), all)
                : new PostProcessor.ByteLevel(true, false, true);
        return family.tokenizer(bpe, family == BytePairFamily.QWEN2, postProcessor, added(), all, roles(), settings());
    }

    /// Tokens that begin a word are marked with `▁`, those inside one are not: the other way round than in `vocab.txt`.
    private Tokenizer words() {
        var spelled = new ArrayList<String>(tokens.size());
        for (int id = 0; id < tokens.size(); id++) {
            String token = tokens.get(id);
            boolean whole = token.startsWith("[") && token.endsWith("]") || isSpecial(id);
            spelled.add(whole ? token : token.startsWith("\u2581") ? token.substring(1) : "##" + token);
        }
        return VocabularyText.tokenizer(vocabulary(spelled), roles(), settings());
    }

    private static Vocabulary vocabulary(List<String> tokens) {
        var vocabulary = new Vocabulary(tokens.size());
        for (int id = 0; id < tokens.size(); id++) {
            int known = vocabulary.idOrNone(tokens.get(id));
            if (known >= 0) {
                throw new IllegalArgumentException(
                        "the token \"%s\" has two ids, %d and %d".formatted(tokens.get(id), known, id));
            }
            vocabulary.put(tokens.get(id), id);
        }
        return vocabulary;
    }

    private boolean isSpecial(int id) {
        return !kinds.isEmpty() && (kinds.get(id) == Kind.CONTROL || kinds.get(id) == Kind.USER_DEFINED);
    }

    private List<AddedToken> added() {
        return IntStream.range(0, tokens.size()).filter(this::isSpecial)
                .mapToObj(id -> ofFamily(new AddedToken(id, tokens.get(id),
                        false, false, false, false, kinds.get(id) == Kind.CONTROL)))
                .toList();
    }

    /// The token with what the container has no place for and the model's `tokenizer.json` says.
    private AddedToken ofFamily(AddedToken token) {
        boolean phi3 = architecture.equals("phi3") && model.equals("llama");
        boolean masked = model.equals("t5") || model.equals("gpt2") && MASKED.contains(split);
        String content = token.content();
        // RoBERTa's line and XLM-RoBERTa: the space before a mask belongs to it. Phi-3: the line feed behind a mark of a
        // turn belongs to the mark, and what ends a text in Llama's files is no special token.
        return token.withStrips(masked && (content.equals("<mask>") || content.equals("[MASK]")),
                phi3 && !PLAIN_IN_PHI3.contains(content))
                .with(token.id(), token.special() && !(phi3 && content.equals("</s>")));
    }

    private Map<String, String> roles() {
        var roles = new LinkedHashMap<String, String>();
        special.forEach((role, id) -> {
            if (ROLES.containsKey(role) && id >= 0 && id < tokens.size()) {
                roles.put(ROLES.get(role), tokens.get(id));
            }
        });
        return roles;
    }

    /// The template of one text, `bos` and `eos` where the file does not say whether they are added.
    private String around(boolean bos, boolean eos, int text) {
        Map<String, String> roles = roles();
        boolean begins = adds.getOrDefault("bos", bos) && roles.containsKey("bos_token");
        boolean ends = adds.getOrDefault("eos", eos) && roles.containsKey("eos_token");
        return (begins ? roles.get("bos_token") + ":%d " : "").concat(text == 0 ? "$A:%d" : "$B:%d")
                .concat(ends ? " " + roles.get("eos_token") + ":%d" : "").replace("%d", String.valueOf(text));
    }

    private static FolderSettings settings() {
        return new FolderSettings(Path.of(""), JsonNodeFactory.instance.objectNode(), List.of());
    }
}
