package dev.weft.text;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/// Translators whose SentencePiece model cuts the text while `vocab.json` has the ids: Marian (`source.spm`; both languages
/// share the vocabulary), M2M100 and Speech2Text (`sentencepiece.bpe.model`). A piece that the vocabulary lacks is unknown;
/// a token that SentencePiece lacks is only decoded. A `tokenizer.json` cannot say the first,
/// so that such a piece comes apart in a tokenizer that was saved. Marks of Marian such as `>>fra<<` are tokens where the vocabulary has
/// them; M2M100's languages stand behind it.
final class MarianFiles {
    private static final String CLASS = "MarianTokenizer";
    private static final List<String> M2M100 = List
            .of(("af am ar ast az ba be bg bn br bs ca ceb cs cy da de el en es et "
                    + "fa ff fi fr fy ga gd gl gu ha he hi hr ht hu hy id ig ilo is it ja jv ka kk km kn ko lb lg ln lo lt lv mg "
                    + "mk ml mn mr ms my ne nl no ns oc or pa pl ps pt ro ru sd si sk sl so sq sr ss su sv sw ta th tl tn tr uk ur "
                    + "uz vi wo xh yi yo zh zu").split(" "));
    private static final List<String> WMT21 = List.of("en", "ha", "is", "ja", "cs", "ru", "zh", "de");
    private static final List<String> MUSTC = List.of("pt", "fr", "ru", "nl", "ro", "it", "es", "de");

    private MarianFiles() {}

    /// Whether a model of SentencePiece leaves the ids to a `vocab.json`.
    static boolean share(Path model, FolderSettings settings) {
        return model.getFileName().toString().equals("source.spm")
                || settings.family().equals("m2m100") || settings.family().equals("speech2text");
    }

    /// The tokens of languages that a family has whatever its files say.
    private static List<String> languages(FolderSettings settings) {
        return switch (settings.family()) {
            case "m2m100" -> (settings.text("language_codes", "m2m100").equals("wmt21") ? WMT21 : M2M100).stream()
                    .map("__%s__"::formatted).toList();
            case "speech2text" -> settings.text("lang_codes") == null
                    ? List.of()
                    : MUSTC.stream().map("<lang:%s>"::formatted).toList();
            default -> List.of();
        };
    }

    private static String template(String texts, String eos, List<String> languages, FolderSettings settings) {
        String before = switch (settings.family()) {
            case "m2m100" -> "__%s__ ".formatted(settings.text("src_lang", "en"));
            case "speech2text" -> languages.isEmpty()
                    ? ""
                    : "<lang:%s> ".formatted(settings.text("tgt_lang", MUSTC.getFirst()));
            default -> "";
        };
        return before + texts + " " + eos;
    }

    /// Whether a tokenizer is written as Marian's files.
    static boolean isOne(TokenizerParts parts) {
        return parts.config().path("tokenizer_class").stringValue("").equals(CLASS);
    }

    /// A tokenizer whose model serves both languages.
    static Tokenizer of(SentencePieceModel model, String from, String to) {
        var marks = new LinkedHashSet<>(List.of("</s>", "<unk>"));
        var found = new ArrayList<ScoredPiece>();
        for (ScoredPiece piece : model.pieces()) {
            if (piece.standsForText()) {
                found.add(piece);
            } else if (piece.text().matches(">>.+<<")) {
                marks.add(piece.text());
            }
        }
        var ids = new Vocabulary(model.pieces().size() + 1);
        marks.forEach(ids::add);
        found.forEach(piece -> ids.add(piece.text()));
        ids.add("<pad>");
        var config = JsonNodeFactory.instance.objectNode().put("tokenizer_class", CLASS).put("source_lang", from)
                .put("target_lang", to).put("separate_vocabs", false);
        return tokenizer(model.withPieces(found), ids, "the vocabulary",
                new FolderSettings(Path.of(""), config, List.of()));
    }

    /// Writes what [#tokenizer] reads. The ids in `source.spm`, which is `target.spm` too, are those of `vocab.json`.
    static void save(TokenizerParts parts, Path folder) throws IOException {
        byte[] model = SentencePieceModel.of(parts).bytes();
        ObjectNode roles = JsonNodeFactory.instance.objectNode();
        parts.specialTokens().forEach(roles::put);
        ObjectNode config = parts.config().deepCopy();
        config.setAll(roles);
        ObjectNode listed = config.putObject(FolderSettings.LISTED);
        for (AddedToken token : parts.addedTokens()) {
            ObjectNode described = token.toJson();
            listed.set(Integer.toString(described.remove("id").intValue()), described);
        }
        TokenizerFiles.write(folder.resolve("source.spm"), model);
        TokenizerFiles.write(folder.resolve("target.spm"), model);
        TokenizerFiles.write(folder.resolve("vocab.json"), parts.model().vocabulary().toJson());
        TokenizerFiles.write(folder.resolve("special_tokens_map.json"), roles);
        TokenizerFiles.write(folder.resolve("tokenizer_config.json"), config);
        // It would be read first.
        Files.deleteIfExists(folder.resolve("tokenizer.json"));
    }

    static Tokenizer tokenizer(SentencePieceModel source, Path vocabularyFile, FolderSettings settings)
            throws IOException {
        Path spm = settings.folder().resolve("source.spm");
        Path target = settings.folder().resolve("target.spm");
        boolean two = !Files.exists(target) || !Files.exists(spm) || Files.mismatch(spm, target) >= 0;
        if (two && settings.config().path("tokenizer_class").stringValue("").equals(CLASS)) {
            // The other model is not kept: such a tokenizer is saved as a tokenizer.json.
            settings.config().remove("tokenizer_class");
        }
        return tokenizer(source, Vocabulary.fromJson(JsonPart.read(vocabularyFile)), vocabularyFile.toString(),
                settings);
    }

    private static Tokenizer tokenizer(SentencePieceModel source, Vocabulary ids, String vocabularyFile,
            FolderSettings settings) {
        var own = new HashMap<String, ScoredPiece>();
        source.pieces().stream().filter(ScoredPiece::standsForText).forEach(piece -> own.put(piece.text(), piece));
        List<String> languages = languages(settings);
        languages.forEach(ids::add);
        var usual = new HashMap<>(Map.of("eos_token", "</s>", "unk_token", "<unk>", "pad_token", "<pad>"));
        if (!languages.isEmpty()) {
            usual.put("bos_token", "<s>");
            usual.put("sep_token", "</s>");
        }
        Map<String, String> roles = settings.roles(usual, List.of());
        if (settings.flag("do_upper_case", false)) {
            throw new IllegalArgumentException("do_upper_case, letters made capitals when decoding, is not supported");
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
            if (roles.containsValue(token) || languages.contains(token) || token.matches(">>.+<<")) {
                marks.add(AddedToken.special(id, token));
            }
        }
        if (ids.idOrNone(roles.get("unk_token")) < 0) {
            throw new IllegalArgumentException("%s: the unk_token \"%s\" is not there".formatted(vocabularyFile,
                    roles.get("unk_token")));
        }
        pieces.addAll(own.values());
        SentencePieceModel model = source.withPieces(pieces);
        Model cutting = model.type() == SentencePieceModel.Type.UNIGRAM
                ? Unigram.of(ids, pieces, model.unkId(), model.byteFallback())
                : Bpe.of(ids, pieces, pieces.get(model.unkId()).text(), model.byteFallback());
        String eos = roles.get("eos_token");
        return SentencePieces.assemble(model, cutting, List.of(), marks, roles,
                template("$A", eos, languages, settings),
                template("$A $B", eos, languages, settings), settings);
    }
}
