package dev.weft.text;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.JsonNodeFactory;

/// SentencePiece's models as tokenizers.
final class SentencePieces {
    private SentencePieces() {}

    /// A model file and what lies beside it.
    static Tokenizer tokenizer(SentencePieceModel model, FolderSettings settings) {
        String family = settings.family();
        return PieceFamily.knows(family)
                ? ofFamily(model, family, settings)
                : plain(model, settings);
    }

    /// As the sentencepiece library has it: special pieces stand for no text and are not found in one.
    private static Tokenizer plain(SentencePieceModel model, FolderSettings settings) {
        Model pieces = model(model);
        Set<String> controls = model.pieces().stream().filter(piece -> piece.kind() == ScoredPiece.Kind.CONTROL)
                .map(ScoredPiece::text).collect(Collectors.toSet());
        var decoder = new Decoder.SentencePiece(controls, model.pieces().get(model.unkId()).text(), model.unkSurface(),
                model.rules().addDummyPrefix(), model.rules().removeExtraWhitespaces());
        return new Tokenizer(new TokenizerParts(List.of(), normalizer(model, List.of()), null, pieces, null,
                decoder, settings.roles(Map.of(), List.of()), settings.config(), null, null),
                pieces.vocabulary().copy());
    }

    /// A tokenizer that does what a model just learned says. Special tokens are found in texts.
    static Tokenizer learned(SentencePieceModel model, List<AddedToken> special,
            Function<Vocabulary, @Nullable PostProcessor> frame) {
        Model pieces = model(model);
        var config = JsonNodeFactory.instance.objectNode();
        return new Tokenizer(new TokenizerParts(special, normalizer(model, List.of()), null, pieces,
                frame.apply(pieces.vocabulary()), decoder(model), SpecialTokens.roles(config, special), config, null,
                null), pieces.vocabulary());
    }

    private static Tokenizer ofFamily(SentencePieceModel model, String name, FolderSettings settings) {
        PieceFamily family = PieceFamily.of(name, model, settings);
        SentencePieceModel laidOut = model.withPieces(family.pieces());
        // The younger Llama class puts a space before the text only, not behind each added token.
        boolean first = name.equals("llama") && !settings.flag("legacy", true);
        return assemble(laidOut, model(laidOut), first ? null : family.before(), family.added(), family.namedRoles(),
                family.filled(family.single()), family.filled(family.pair()), settings);
    }

    /// A tokenizer of a family. `before` is what is done to a text before SentencePiece rewrites it, or null for a space
    /// before the text and nothing else.
    static Tokenizer assemble(SentencePieceModel model, Model pieces, @Nullable List<Normalizer> before,
            List<AddedToken> special, Map<String, String> familyRoles, String single, String pair,
            FolderSettings settings) {
        Vocabulary all = pieces.vocabulary().copy();
        List<AddedToken> added = settings.added(all, special);
        var metaspace = new PreTokenizer.Metaspace("\u2581", PreTokenizer.PrependScheme.FIRST, false);
        return new Tokenizer(new TokenizerParts(added, before == null ? null : normalizer(model, before),
                before == null ? metaspace : null, pieces, Templates.of(single, pair, all), decoder(model),
                settings.roles(familyRoles, added), settings.config(), null, null), all);
    }

    private static Normalizer normalizer(SentencePieceModel model, List<Normalizer> before) {
        var own = new Normalizer.SentencePiece(model.rules().withUserDefined(userDefined(model.pieces())));
        if (before.isEmpty()) {
            return own;
        }
        var steps = new ArrayList<>(before);
        steps.add(own);
        return new Normalizer.Sequence(steps);
    }

    private static Decoder.Sequence decoder(SentencePieceModel model) {
        var steps = new ArrayList<Decoder>();
        steps.add(new Decoder.Replace(SplitPattern.literal("\u2581"), " "));
        if (model.byteFallback()) {
            steps.add(new Decoder.ByteFallback());
        }
        steps.add(new Decoder.Fuse());
        if (model.rules().addDummyPrefix() && !model.rules().spaceAsSuffix()) {
            steps.add(new Decoder.Strip(" ", 1, 0));
        }
        return new Decoder.Sequence(steps);
    }

    /// The model of a list of pieces, each with its place in the list as id.
    static Model model(SentencePieceModel file) {
        List<ScoredPiece> pieces = file.pieces();
        var vocabulary = new Vocabulary(pieces.size());
        for (int id = 0; id < pieces.size(); id++) {
            vocabulary.put(pieces.get(id).text(), id);
        }
        int unkId = file.unkId();
        return switch (file.type()) {
            case UNIGRAM -> Unigram.of(vocabulary, pieces, unkId, file.byteFallback());
            case BPE -> Bpe.of(vocabulary, pieces, pieces.get(unkId).text(), file.byteFallback());
            // Characters alone are byte pairs without a pair: no piece has two of them.
            case CHAR, WORD -> Bpe.of(vocabulary, pieces, pieces.get(unkId).text(), file.byteFallback());
        };
    }

    static Trie userDefined(List<ScoredPiece> pieces) {
        var trie = new Trie();
        for (int id = 0; id < pieces.size(); id++) {
            if (pieces.get(id).kind() == ScoredPiece.Kind.USER_DEFINED) {
                trie.put(pieces.get(id).text(), id);
            }
        }
        return trie;
    }

    /// What Hugging Face's library only finds when it is told to: pieces that a user asked for, and those that stand for
    /// no text.
    static List<AddedToken> writtenAsAdded(List<ScoredPiece> pieces) {
        var added = new ArrayList<AddedToken>();
        for (int id = 0; id < pieces.size(); id++) {
            boolean control = pieces.get(id).kind() == ScoredPiece.Kind.CONTROL;
            if (control || pieces.get(id).kind() == ScoredPiece.Kind.USER_DEFINED) {
                added.add(new AddedToken(id, pieces.get(id).text(), false, false, false, false, control));
            }
        }
        return added;
    }
}
