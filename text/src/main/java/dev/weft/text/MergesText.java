package dev.weft.text;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import tools.jackson.databind.node.JsonNodeFactory;

/// `vocab.json` with `merges.txt`, as GPT-2 and those after it were first published.
final class MergesText {
    private static final String CLIP_WORDS = "'s|'t|'re|'ve|'m|'ll|'d|[\\p{L}]+|[\\p{N}]|[^\\s\\p{L}\\p{N}]+";

    private MergesText() {}

    static Tokenizer read(Path vocabularyFile, Path mergesFile, FolderSettings settings) {
        Vocabulary vocabulary = Vocabulary.fromJson(JsonPart.read(vocabularyFile));
        var reader = new Bpe.MergeReader(vocabulary, "");
        List<String> lines = VocabularyText.lines(mergesFile);
        for (int i = 0; i < lines.size(); i++) {
            String line = lines.get(i).stripTrailing();
            if (!line.isEmpty() && !line.startsWith("#version")) {
                reader.add(line, new JsonPart(mergesFile, "line " + (i + 1), JsonNodeFactory.instance.nullNode()));
            }
        }
        return tokenizer(vocabulary, reader.merges(), settings);
    }

    private static Tokenizer tokenizer(Vocabulary vocabulary, Bpe.Merges merges, FolderSettings settings) {
        return switch (family(vocabulary, settings)) {
            case "clip" -> clip(vocabulary, merges, settings);
            case "herbert" -> wordEnds(vocabulary, merges, settings, false);
            case "openaigpt" -> wordEnds(vocabulary, merges, settings, true);
            case "qwen2", "qwen3" -> {
                var named = named("eos <|endoftext|>", "pad <|endoftext|>");
                Vocabulary all = vocabulary.copy();
                List<AddedToken> added = settings.added(all, special(settings.roles(named, List.of())));
                yield BytePairFamily.QWEN2.tokenizer(new Bpe(vocabulary, merges, Bpe.Options.PLAIN), true,
                        new PostProcessor.ByteLevel(true, false, true), added, all, named, settings);
            }
            case "roberta", "bart", "longformer", "led", "mvp", "layoutlmv3", "camembertbytes", "xmod",
                    "data2vectext" ->
                framed(vocabulary, merges, settings, named("bos <s>", "eos </s>", "sep </s>", "cls <s>", "unk <unk>",
                        "pad <pad>", "mask <mask>"), "", "");
            case "deberta" -> framed(vocabulary, merges, settings, named("bos [CLS]", "eos [SEP]", "sep [SEP]",
                    "cls [CLS]", "unk [UNK]", "pad [PAD]", "mask [MASK]"), "[CLS]:0 $A:0 [SEP]:0",
                    "[CLS]:0 $A:0 [SEP]:0 $B:1 [SEP]:1");
            case "blenderbot" -> framed(vocabulary, merges, settings, named("bos <s>", "eos </s>", "sep </s>",
                    "cls <s>", "unk <unk>", "pad <pad>", "mask <mask>"), "$A:0 </s>:0", "$A:0 </s>:0");
            default -> gpt2(vocabulary, merges, settings);
        };
    }

    /// What the files say, else what the vocabulary tells.
    private static String family(Vocabulary vocabulary, FolderSettings settings) {
        String family = settings.family();
        if (!family.isEmpty()) {
            return family;
        }
        if (vocabulary.idOrNone("<|startoftext|>") >= 0 && vocabulary.idOrNone("a</w>") >= 0) {
            return "clip";
        }
        return Stream.of("<s>", "</s>", "<mask>").allMatch(token -> vocabulary.idOrNone(token) >= 0) ? "roberta" : "";
    }

    private static Tokenizer gpt2(Vocabulary vocabulary, Bpe.Merges merges, FolderSettings settings) {
        boolean known = vocabulary.idOrNone("<|endoftext|>") >= 0;
        Map<String, String> roles = settings.roles(
                known ? named("bos <|endoftext|>", "eos <|endoftext|>", "unk <|endoftext|>") : Map.of(), List.of());
        Vocabulary all = vocabulary.copy();
        List<AddedToken> added = settings.added(all, special(roles));
        String bos = roles.get("bos_token");
        PostProcessor postProcessor = settings.flag("add_bos_token", false) && bos != null
                ? Templates.of(bos + ":0 $A:0", bos + ":0 $A:0 $B:1", all)
                : new PostProcessor.ByteLevel(true, false, true);
        return byteLevel(new Bpe(vocabulary, merges, Bpe.Options.PLAIN), settings, roles, added, all, postProcessor);
    }

    /// A family that puts tokens around each text: RoBERTa's way, or by a template.
    private static Tokenizer framed(Vocabulary vocabulary, Bpe.Merges merges, FolderSettings settings,
            Map<String, String> named, String single, String pair) {
        Map<String, String> roles = settings.roles(named, List.of());
        Vocabulary all = vocabulary.copy();
        List<AddedToken> added = settings.added(all, special(roles));
        PostProcessor postProcessor = single.isEmpty()
                ? new PostProcessor.Roberta(role("sep_token", roles, all), role("cls_token", roles, all), true,
                        settings.flag("add_prefix_space", false))
                : Templates.of(single, pair, all);
        return byteLevel(new Bpe(vocabulary, merges, Bpe.Options.PLAIN), settings, roles, added, all, postProcessor);
    }

    private static Tokenizer byteLevel(Bpe model, FolderSettings settings, Map<String, String> roles,
            List<AddedToken> added, Vocabulary all, PostProcessor postProcessor) {
        return new Tokenizer(new TokenizerParts(added, null,
                new PreTokenizer.ByteLevel(settings.flag("add_prefix_space", false), true, true), model, postProcessor,
                new Decoder.ByteLevel(true, true, true), roles, settings.config(), null, null), all);
    }

    private static Tokenizer clip(Vocabulary vocabulary, Bpe.Merges merges, FolderSettings settings) {
        Map<String, String> roles = settings.roles(named("bos <|startoftext|>", "eos <|endoftext|>",
                "unk <|endoftext|>", "pad <|endoftext|>"), List.of());
        Vocabulary all = vocabulary.copy();
        List<AddedToken> added = settings.added(all, special(roles));
        var model = new Bpe(vocabulary, merges,
                new Bpe.Options(roles.get("unk_token"), null, "</w>", false, false, false));
        var normalizer = new Normalizer.Sequence(List.of(new Normalizer.Unicode(java.text.Normalizer.Form.NFC),
                new Normalizer.Replace(SplitPattern.regex("\\s+"), " "), new Normalizer.Lowercase()));
        var words = new PreTokenizer.Sequence(List.of(
                new PreTokenizer.Split(SplitPattern.regex(CLIP_WORDS), PreTokenizer.Behavior.REMOVED, true),
                new PreTokenizer.ByteLevel(false, true, true)));
        return new Tokenizer(new TokenizerParts(added, normalizer, words, model,
                new PostProcessor.Roberta(role("eos_token", roles, all), role("bos_token", roles, all), false, false),
                new Decoder.ByteLevel(true, true, true), roles, settings.config(), null, null), all);
    }

    /// HerBERT, and the first GPT: BERT's words, whose last token has `</w>` at its end.
    private static Tokenizer wordEnds(Vocabulary vocabulary, Bpe.Merges merges, FolderSettings settings,
            boolean gpt) {
        Map<String, String> roles = settings.roles(gpt
                ? named("unk <unk>")
                : named("bos <s>", "cls <s>", "unk <unk>", "pad <pad>", "mask <mask>", "sep </s>"), List.of());
        Vocabulary all = vocabulary.copy();
        List<AddedToken> added = settings.added(all, special(roles));
        var model = new Bpe(vocabulary, merges,
                new Bpe.Options(roles.get("unk_token"), null, "</w>", false, false, false));
        PostProcessor postProcessor = gpt
                ? null
                : new PostProcessor.Bert(role("sep_token", roles, all), role("cls_token", roles, all));
        return new Tokenizer(new TokenizerParts(added, new Normalizer.Bert(true, true, gpt ? null : false, gpt),
                new PreTokenizer.Bert(), model, postProcessor, new Decoder.Bpe("</w>"), roles, settings.config(), null,
                null), all);
    }

    private static PostProcessor.Special role(String role, Map<String, String> roles, Vocabulary all) {
        String token = roles.get(role);
        if (all.idOrNone(token) < 0) {
            throw new IllegalArgumentException("the %s \"%s\" is not in the vocabulary of %d tokens".formatted(role,
                    token, all.size()));
        }
        return new PostProcessor.Special(token, all.idOrNone(token));
    }

    private static Map<String, String> named(String... roles) {
        var named = new java.util.LinkedHashMap<String, String>();
        for (String role : roles) {
            named.put(role.substring(0, role.indexOf(' ')) + "_token", role.substring(role.indexOf(' ') + 1));
        }
        return named;
    }

    /// Special tokens of a family; a mask takes the space before it along.
    private static List<AddedToken> special(Map<String, String> roles) {
        return roles.entrySet().stream().map(role -> new AddedToken(0, role.getValue(), false,
                role.getKey().equals("mask_token"), false, role.getKey().equals("mask_token"), true)).toList();
    }
}
