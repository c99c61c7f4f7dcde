package dev.weft.text;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/// Marian's translators: `source.spm` cuts the text, `vocab.json`, which both languages share, has the ids. A piece that
/// the vocabulary lacks is unknown; a token that the source language lacks is only decoded. Language marks such as
/// `>>fra<<` are tokens where the vocabulary has them.
final class MarianFiles {
    private MarianFiles() {}

    static Tokenizer tokenizer(SentencePieceModel source, Path vocabularyFile, FolderSettings settings) {
        Vocabulary ids = Vocabulary.fromJson(JsonPart.read(vocabularyFile));
        var own = new HashMap<String, ScoredPiece>();
        source.pieces().stream().filter(ScoredPiece::isFound).forEach(piece -> own.put(piece.text(), piece));
        Map<String, String> roles = settings.roles(
                Map.of("eos_token", "</s>", "unk_token", "<unk>", "pad_token", "<pad>"), List.of());
        if (source.type() != SentencePieceModel.Type.UNIGRAM) {
            throw new IllegalArgumentException("%s: source.spm is of type %s where a Marian model has unigrams"
                    .formatted(settings.folder(), source.type()));
        }
        var pieces = new ArrayList<ScoredPiece>();
        var marks = new ArrayList<AddedToken>();
        for (int id = 0; id < ids.size(); id++) {
            String token = ids.token(id);
            if (token == null) {
                throw new IllegalArgumentException("%s: no token has the id %d of %d".formatted(vocabularyFile, id,
                        ids.size()));
            }
            boolean unknown = token.equals(roles.get("unk_token"));
            ScoredPiece known = own.remove(token);
            pieces.add(unknown
                    ? new ScoredPiece(token, 0, ScoredPiece.Kind.UNKNOWN)
                    : known != null ? known : new ScoredPiece(token, -100, ScoredPiece.Kind.RESERVED));
            if (roles.containsValue(token) || token.matches(">>.+<<")) {
                marks.add(AddedToken.special(id, token));
            }
        }
        if (ids.idOrNone(roles.get("unk_token")) < 0) {
            throw new IllegalArgumentException("%s: the unk_token \"%s\" is not there".formatted(vocabularyFile,
                    roles.get("unk_token")));
        }
        pieces.addAll(own.values());
        SentencePieceModel model = source.withPieces(pieces);
        Unigram unigram = Unigram.of(ids, pieces, model.unkId(), model.byteFallback());
        String eos = roles.get("eos_token");
        return SentencePieces.assemble(model, unigram, List.of(), marks, roles, "$A " + eos, "$A $B " + eos, settings);
    }
}
