package dev.weft.text;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/// BERT's `vocab.txt`: a token a line, its number the id.
final class VocabularyText {
    private VocabularyText() {}

    static Tokenizer read(Path file, FolderSettings settings) {
        return tokenizer(vocabulary(file, lines(file)), Map.of("unk_token", "[UNK]", "sep_token", "[SEP]", "pad_token",
                "[PAD]", "cls_token", "[CLS]", "mask_token", "[MASK]"), settings);
    }

    /// BERT's pipeline around a vocabulary; what `tokenizer_config.json` does not say is as in `bert-base-uncased`.
    static Tokenizer tokenizer(Vocabulary vocabulary, Map<String, String> named, FolderSettings settings) {
        Map<String, String> roles = settings.roles(named, List.of());
        Vocabulary all = vocabulary.copy();
        List<AddedToken> special = roles.values().stream().distinct().filter(token -> all.idOrNone(token) >= 0)
                .map(token -> AddedToken.special(all.idOrNone(token), token)).toList();
        List<AddedToken> added = settings.added(all, special);
        String cls = roles.get("cls_token");
        String sep = roles.get("sep_token");
        String first = settings.family().equals("funnel") ? ":2" : ":0";
        String between = settings.family().equals("mpnet") ? " " + sep + ":0" : "";
        var normalizer = new Normalizer.Bert(true, settings.flag("tokenize_chinese_chars", true),
                settings.config().path("strip_accents").isBoolean() ? settings.flag("strip_accents", false) : null,
                settings.flag("do_lower_case", true));
        var model = new WordPiece(vocabulary, roles.get("unk_token"), "##", 100);
        PostProcessor template = Templates.of("%s%s $A:0 %s:0".formatted(cls, first, sep),
                "%s%s $A:0 %s:0%s $B:1 %s:1".formatted(cls, first, sep, between, sep), all);
        return new Tokenizer(new TokenizerParts(added, normalizer, new PreTokenizer.Bert(), model, template,
                new Decoder.WordPiece("##", true), roles, settings.config(), null, null), all);
    }

    private static Vocabulary vocabulary(Path file, List<String> lines) {
        var vocabulary = new Vocabulary(lines.size());
        if (lines.size() >= Vocabulary.MAX_SIZE) {
            throw new IllegalArgumentException("%s: %d lines are too many tokens".formatted(file, lines.size()));
        }
        for (int id = 0; id < lines.size(); id++) {
            String token = lines.get(id).stripTrailing();
            int known = vocabulary.idOrNone(token);
            if (known >= 0) {
                throw new IllegalArgumentException(
                        OneLine.of("%s: line %d: \"%s\" stands in line %d too; a token has one id".formatted(file,
                                id + 1, token, known + 1)));
            }
            vocabulary.put(token, id);
        }
        if (vocabulary.size() == 0) {
            throw new IllegalArgumentException("%s: it is empty; is the download complete?".formatted(file));
        }
        return vocabulary;
    }

    static List<String> lines(Path file) {
        try {
            return Files.readAllLines(file);
        } catch (IOException e) {
            throw new UncheckedIOException("%s: cannot be read as UTF-8: %s".formatted(file, e.getMessage()), e);
        }
    }
}
