package dev.weft.text;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/// What the Python classes of `transformers` make of a SentencePiece model: which id a piece has, which tokens there are
/// beside the pieces, and which stand around a text.
///
/// @param pieces  in the order of their ids
/// @param roles   the special tokens by role; in a template a role stands in braces
/// @param others  further tokens that are special
/// @param single  what a text becomes, in the words of Hugging Face's template: `{cls}:0 $A:0`
/// @param pair    what two texts become
/// @param before  what is done to a text before SentencePiece sees it
record PieceFamily(List<ScoredPiece> pieces, Map<String, String> roles, List<String> others, String single,
        String pair, List<Normalizer> before) {

    private static final List<String> MBART_LANGUAGES = List.of("ar_AR", "cs_CZ", "de_DE", "en_XX", "es_XX", "et_EE",
            "fi_FI", "fr_XX", "gu_IN", "hi_IN", "it_IT", "ja_XX", "kk_KZ", "ko_KR", "lt_LT", "lv_LV", "my_MM", "ne_NP",
            "nl_XX", "ro_RO", "ru_RU", "si_LK", "tr_TR", "vi_VN", "zh_CN");
    private static final List<String> MBART50_LANGUAGES = List.of("af_ZA", "az_AZ", "bn_IN", "fa_IR", "he_IL", "hr_HR",
            "id_ID", "ka_GE", "km_KH", "mk_MK", "ml_IN", "mn_MN", "mr_IN", "pl_PL", "ps_AF", "pt_XX", "sv_SE", "sw_KE",
            "ta_IN", "te_IN", "th_TH", "tl_XX", "uk_UA", "ur_PK", "xh_ZA", "gl_ES", "sl_SI");

    /// Families whose ids are the model's own, with nothing around a text.
    private static final Set<String> BARE = Set.of("reformer", "bertgeneration", "gptsw3", "cpm", "bartpho");

    static boolean knows(String family) {
        return switch (family) {
            case "t5", "mt5", "umt5", "longt5", "switchtransformers", "pix2struct", "pop2piano", "udop", "xlmroberta",
                    "xlmrobertaxl", "layoutxlm", "camembert", "barthez", "mbart", "mbart50", "nllb", "nllbmoe", "xglm",
                    "pegasus", "bigbirdpegasus", "albert", "fnet", "rembert", "xlnet", "bigbird", "debertav2", "llama",
                    "codellama", "mistral", "mixtral", "phi3", "gemma", "gemma2", "speecht5" ->
                true;
            default -> BARE.contains(family);
        };
    }

    /// The family of that name, as [FolderSettings#family] spells it.
    static PieceFamily of(String family, SentencePieceModel model, FolderSettings settings) {
        List<ScoredPiece> own = model.pieces();
        return switch (family) {
            case "t5", "mt5", "umt5", "longt5", "switchtransformers", "pix2struct", "pop2piano", "udop" -> {
                List<String> extra = IntStream.range(0, settings.number("extra_ids", family.equals("udop") ? 0 : 100))
                        .map(i -> -i).sorted().mapToObj(i -> "<extra_id_%d>".formatted(-i)).toList();
                yield new PieceFamily(joined(own, controls(extra)),
                        roles(settings, "eos </s>", "unk <unk>", "pad <pad>"),
                        extra, "$A {eos}", "$A {eos} $B {eos}", List.of());
            }
            case "xlmroberta", "xlmrobertaxl", "layoutxlm" ->
                fairseq(own, settings, List.of("<mask>"), "{cls} $A {sep}",
                        "{cls} $A {sep} {sep} $B {sep}");
            case "camembert" -> {
                var pieces = joined(reserved("<s>NOTUSED"), controls(List.of("<pad>")), reserved("</s>NOTUSED"),
                        List.of(unknown("<unk>")), reserved("<unk>NOTUSED"), own.subList(1, own.size()),
                        controls(List.of("<mask>")));
                yield new PieceFamily(pieces, bertRoles(settings), List.of(), "{cls} $A {sep}",
                        "{cls} $A {sep} {sep} $B {sep}", List.of());
            }
            case "barthez" -> new PieceFamily(withMissing(own, "<mask>"), bertRoles(settings), List.of(),
                    "{cls} $A {sep}", "{cls} $A {sep} {sep} $B {sep}", List.of());
            case "mbart" -> fairseq(own, settings, with(MBART_LANGUAGES, List.of("<mask>")),
                    withLanguage("$A", family, settings), withLanguage("$A $B", family, settings));
            case "mbart50" -> fairseq(own, settings, with(MBART_LANGUAGES, MBART50_LANGUAGES, List.of("<mask>")),
                    withLanguage("$A", family, settings), withLanguage("$A $B", family, settings));
            case "nllb", "nllbmoe" -> fairseq(own, settings, with(settings.additional(), List.of("<mask>")),
                    withLanguage("$A", family, settings), withLanguage("$A $B", family, settings));
            case "xglm" -> fairseq(own, settings,
                    IntStream.range(0, 7).mapToObj(i -> "<madeupword%d>".formatted(i)).toList(), "</s> $A",
                    "</s> $A </s> </s> $B");
            case "pegasus", "bigbirdpegasus" -> pegasus(own, settings);
            case "albert" -> latin(own, settings, true, false, "{cls}:0 $A:0 {sep}:0",
                    "{cls}:0 $A:0 {sep}:0 $B:1 {sep}:1");
            case "fnet", "rembert" -> latin(own, settings, false, true, "{cls}:0 $A:0 {sep}:0",
                    "{cls}:0 $A:0 {sep}:0 $B:1 {sep}:1");
            case "xlnet" -> {
                PieceFamily latin = latin(own, settings, false, false, "$A:0 {sep}:0 {cls}:2",
                        "$A:0 {sep}:0 $B:1 {sep}:1 {cls}:2");
                var roles = roles(settings, "bos <s>", "eos </s>", "unk <unk>", "sep <sep>", "pad <pad>", "cls <cls>",
                        "mask <mask>");
                yield new PieceFamily(latin.pieces, roles, List.of("<eop>", "<eod>"), latin.single, latin.pair,
                        latin.before);
            }
            case "bigbird" -> new PieceFamily(own,
                    roles(settings, "bos <s>", "eos </s>", "unk <unk>", "pad <pad>", "cls [CLS]", "sep [SEP]",
                            "mask [MASK]"),
                    List.of(), "{cls}:0 $A:0 {sep}:0", "{cls}:0 $A:0 {sep}:0 $B:1 {sep}:1", List.of());
            case "debertav2" -> new PieceFamily(withMissing(own, "[MASK]"),
                    roles(settings, "bos [CLS]", "eos [SEP]", "unk [UNK]", "pad [PAD]", "cls [CLS]", "sep [SEP]",
                            "mask [MASK]"),
                    List.of(), "{cls}:0 $A:0 {sep}:0", "{cls}:0 $A:0 {sep}:0 $B:1 {sep}:1",
                    settings.flag("do_lower_case", false) ? List.of(new Normalizer.Lowercase()) : List.of());
            case "llama", "codellama", "mistral", "mixtral", "phi3" ->
                bounded(own, roles(settings, "bos <s>", "eos </s>", "unk <unk>"), settings);
            case "gemma", "gemma2" ->
                bounded(own, roles(settings, "bos <bos>", "eos <eos>", "unk <unk>", "pad <pad>"), settings);
            case "speecht5" -> new PieceFamily(own, roles(settings, "bos <s>", "eos </s>", "unk <unk>", "pad <pad>"),
                    List.of(), "$A {eos}", "$A $B {eos}", List.of());
            default -> new PieceFamily(own, roles(settings, "bos <s>", "eos </s>", "unk <unk>"), List.of(), "$A",
                    "$A $B:1", List.of());
        };
    }

    /// A template that says in which language a text is. Older files of NLLB say it behind the text.
    static String withLanguage(String texts, String family, FolderSettings settings) {
        String language = settings.text("src_lang", family.startsWith("nllb") ? "eng_Latn" : "en_XX");
        return family.equals("mbart") || settings.flag("legacy_behaviour", false)
                ? texts + " {eos} " + language
                : language + " " + texts + " {eos}";
    }

    /// fairseq's order: four special tokens, the pieces behind the model's own three, what comes after.
    private static PieceFamily fairseq(List<ScoredPiece> own, FolderSettings settings, List<String> after,
            String single,
            String pair) {
        var pieces = joined(controls(List.of("<s>", "<pad>", "</s>")), List.of(unknown("<unk>")),
                own.subList(Math.min(3, own.size()), own.size()), controls(after));
        Map<String, String> roles = bertRoles(settings);
        if (!after.contains("<mask>")) {
            roles.remove("mask");
        }
        return new PieceFamily(pieces, roles, after.stream().filter(token -> !token.startsWith("<m")).toList(), single,
                pair, List.of());
    }

    private static PieceFamily pegasus(List<ScoredPiece> own, FolderSettings settings) {
        int offset = settings.number("offset", 103);
        var roles = roles(settings, "pad <pad>", "eos </s>", "unk <unk>", "mask <mask_2>");
        String sentence = settings.text("mask_token_sent", "<mask_1>");
        var first = new ArrayList<>(List.of(roles.get("pad"), roles.get("eos")));
        if (offset > 0) {
            first.add(sentence);
            first.add(roles.get("mask"));
            IntStream.range(2, offset).mapToObj(i -> "<unk_%d>".formatted(i)).forEach(first::add);
        }
        return new PieceFamily(joined(controls(first), own.subList(2, own.size())), roles,
                first.subList(2, first.size()), "$A {eos}", "$A $B {eos}", List.of());
    }

    /// ALBERT's treatment of text. Pieces that end with a comma behind a digit are shunned, as in the Python class.
    private static PieceFamily latin(List<ScoredPiece> own, FolderSettings settings, boolean lower, boolean accents,
            String single, String pair) {
        List<ScoredPiece> pieces = own.stream().map(piece -> piece.text().matches("(?s).*\\p{Nd},")
                ? new ScoredPiece(piece.text(), piece.score() - 100, piece.kind())
                : piece).toList();
        var before = new ArrayList<Normalizer>();
        before.add(new Normalizer.Replace(SplitPattern.literal("``"), "\""));
        before.add(new Normalizer.Replace(SplitPattern.literal("''"), "\""));
        if (!settings.flag("keep_accents", accents)) {
            before.add(new Normalizer.Unicode(java.text.Normalizer.Form.NFKD));
            before.add(new Normalizer.StripAccents());
        }
        if (settings.flag("do_lower_case", lower)) {
            before.add(new Normalizer.Lowercase());
        }
        return new PieceFamily(pieces, roles(settings, "bos [CLS]", "eos [SEP]", "unk <unk>", "sep [SEP]", "pad <pad>",
                "cls [CLS]", "mask [MASK]"), List.of(), single, pair, before);
    }

    private static PieceFamily bounded(List<ScoredPiece> own, Map<String, String> roles, FolderSettings settings) {
        String bos = settings.flag("add_bos_token", true) ? "{bos}:%d " : "";
        String eos = settings.flag("add_eos_token", false) ? " {eos}:%d" : "";
        String single = (bos + "$A:0" + eos).replace("%d", "0");
        return new PieceFamily(own, roles, List.of(), single, single + (" " + bos + "$B:1" + eos).replace("%d", "1"),
                List.of());
    }

    private static Map<String, String> bertRoles(FolderSettings settings) {
        return roles(settings, "bos <s>", "eos </s>", "sep </s>", "cls <s>", "unk <unk>", "pad <pad>", "mask <mask>");
    }

    private static Map<String, String> roles(FolderSettings settings, String... roles) {
        var named = new LinkedHashMap<String, String>();
        for (String role : roles) {
            String name = role.substring(0, role.indexOf(' '));
            named.put(name, settings.text(name + "_token", role.substring(role.indexOf(' ') + 1)));
        }
        return named;
    }

    /// The special tokens, each with what the class says of it: only a mask takes the space before it along.
    List<AddedToken> added() {
        return Stream.concat(roles.values().stream().distinct(), others.stream())
                .map(content -> new AddedToken(0, content,
                        false, content.equals(roles.get("mask")) && content.toLowerCase(Locale.ROOT).matches(".mask."),
                        false,
                        false, true))
                .toList();
    }

    Map<String, String> namedRoles() {
        var named = new LinkedHashMap<String, String>();
        roles.forEach((role, token) -> named.put(role + "_token", token));
        return named;
    }

    /// `template` with tokens in the places of their roles.
    String filled(String template) {
        String filled = template;
        for (var role : roles.entrySet()) {
            filled = filled.replace("{" + role.getKey() + "}", role.getValue());
        }
        return filled;
    }

    private static List<ScoredPiece> controls(List<String> tokens) {
        return tokens.stream().map(ScoredPiece::control).toList();
    }

    private static List<ScoredPiece> reserved(String token) {
        return List.of(new ScoredPiece(token, -100, ScoredPiece.Kind.RESERVED));
    }

    private static ScoredPiece unknown(String token) {
        return new ScoredPiece(token, 0, ScoredPiece.Kind.UNKNOWN);
    }

    private static List<ScoredPiece> withMissing(List<ScoredPiece> own, String token) {
        return own.stream().anyMatch(piece -> piece.text().equals(token))
                ? own
                : joined(own, controls(List.of(token)));
    }

    @SafeVarargs
    private static List<String> with(List<String>... lists) {
        var all = new LinkedHashSet<String>();
        for (List<String> list : lists) {
            all.addAll(list);
        }
        return List.copyOf(all);
    }

    @SafeVarargs
    private static List<ScoredPiece> joined(List<ScoredPiece>... lists) {
        var all = new ArrayList<ScoredPiece>();
        for (List<ScoredPiece> list : lists) {
            all.addAll(list);
        }
        return all;
    }
}
