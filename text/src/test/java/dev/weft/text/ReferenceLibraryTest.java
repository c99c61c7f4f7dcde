package dev.weft.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/// Hugging Face's own library, reading the files written here, gives the same ids, tokens and texts.
class ReferenceLibraryTest {
    private static final Map<String, Pair> PAIRS = new HashMap<>();

    private record Pair(Tokenizer ours, HuggingFaceTokenizer theirs) {}

    /// The Llama 3 pattern, and others that the Hub's files use.
    private static final List<String> PATTERNS = List.of(
            "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
            "\\p{N}", "[\\p{Han}\\p{Hiragana}]+", "[A-Za-z]+|\\s", "^\\s+|.$");

    private static final List<String> PUBLISHED = List.of("gpt2", "roberta-base", "bert-base-uncased",
            "bert-base-uncased/vocab.txt", "t5-small", "clip", "phi-3-mini", "sentencepiece/bpe_en.model",
            "sentencepiece/unigram_bytefallback_en.model");

    @BeforeAll
    static void loadTheLibrary() {
        try {
            var corpus = IntStream.range(0, 400).mapToObj(seed -> Texts.wellFormed(new Random(seed))).toList();
            Tokenizer bytes = BytePairTrainer.ofVocabSize(700).withSpecialTokens("<|endoftext|>", "<mask>")
                    .train(corpus);
            pair("trained bytes", bytes);
            pair("trained characters",
                    new CharacterTrainer().withUnkToken("<unk>").train(List.of("the héllo 你好 👋\n '12")));
            pair("trained word pieces", WordPieceTrainer.ofVocabSize(900).withLimitAlphabet(200).train(corpus));
            pair("trained pieces", UnigramTrainer.ofVocabSize(900).withByteFallback(true).withLimitAlphabet(400)
                    .train(corpus));
            pair("trained pairs with bytes", BytePairTrainer.llama(900).withLimitAlphabet(400).train(corpus));
            pair("trained ends of words", BytePairTrainer.ofVocabSize(900, TrainingPipeline.bert(false))
                    .withSpecialTokens("<unk>").withEndOfWordSuffix("</w>").withLimitAlphabet(300).train(corpus));
            pair("all options", read(changed(bytes, ReferenceLibraryTest::withAllOptions)));
            for (String pattern : PATTERNS) {
                for (String behavior : List.of("Isolated", "Removed", "MergedWithPrevious", "MergedWithNext",
                        "Contiguous")) {
                    for (boolean invert : List.of(false, true)) {
                        pair(pattern + behavior + invert,
                                read(changed(bytes, json -> withSplit(json, pattern, behavior, invert))));
                    }
                }
            }
            for (String form : List.of("NFC", "NFD", "NFKC", "NFKD", "Lowercase")) {
                pair(form, read(changed(bytes, json -> json.putObject("normalizer").put("type", form))));
            }
            Path tokenizers = Path.of(System.getProperty("weft.shared", "../../shared"), "data", "tokenizers");
            for (String name : PUBLISHED) {
                if (Files.exists(tokenizers.resolve(name))) {
                    pair(name, Tokenizer.load(tokenizers.resolve(name)));
                }
            }
        } catch (LinkageError | IllegalStateException e) {
            Assumptions.abort("the native library of ai.djl.huggingface:tokenizers does not load here: " + e);
        } catch (IOException e) {
            fail(e);
        }
    }

    @AfterAll
    static void close() {
        PAIRS.values().forEach(pair -> pair.theirs.close());
    }

    @Test
    void a_trained_byte_tokenizer_gives_the_same_ids() {
        forTexts(400, text -> {
            compare("trained bytes", text);
        });
    }

    @Test
    void a_character_tokenizer_gives_the_same_ids() {
        forTexts(400, text -> {
            compare("trained characters", text);
        });
    }

    @Test
    void every_other_trained_tokenizer_gives_the_same_ids() {
        forTexts(300, any -> {
            String text = firstPlane(any);
            List.of("trained word pieces", "trained pieces", "trained pairs with bytes", "trained ends of words")
                    .forEach(name -> compare(name, text));
        });
    }

    @Test
    void every_option_of_added_tokens_and_templates_gives_the_same_ids() {
        forTexts(400, any -> {
            compare("all options", firstPlane(any));
        });
    }

    @Test
    void splitting_at_patterns_gives_the_same_ids() {
        forTexts(60, text -> {
            for (String pattern : PATTERNS) {
                PAIRS.keySet().stream().filter(name -> name.startsWith(pattern)).sorted()
                        .forEach(name -> compare(name, text));
            }
        });
    }

    @Test
    void normalizing_gives_the_same_ids() {
        forTexts(200, any -> {
            String text = firstPlane(any);
            List.of("NFC", "NFD", "NFKC", "NFKD", "Lowercase").forEach(form -> compare(form, text));
        });
    }

    @ParameterizedTest
    @ValueSource(strings = {"sentencepiece/bpe_en.model", "sentencepiece/unigram_bytefallback_en.model"})
    void a_saved_sentencepiece_model_gives_the_ids_of_the_model(String name) {
        Pair pair = PAIRS.get(name);
        Assumptions.assumeTrue(pair != null, () -> name + " is not in the data folder");
        Tokenizer model = SharedData.tokenizer(name);
        forTexts(400, any -> {
            // What a tokenizer.json cannot say: that the spelling of a special piece is no token, and that several
            // characters are replaced by one.
            String text = any.replace('<', '(').codePoints().filter(c -> c < 0x300 || c >= 0x4E00 && c <= 0x9FFF)
                    .collect(StringBuilder::new, StringBuilder::appendCodePoint, StringBuilder::append).toString();
            assertThat(longs(model.ids(text))).as(text).isEqualTo(pair.theirs.encode(text, false, false).getIds());
            assertThat(model.ids(text)).as(text).isEqualTo(pair.ours.ids(text));
        });
    }

    @ParameterizedTest
    @ValueSource(strings = {"gpt2", "roberta-base", "bert-base-uncased", "bert-base-uncased/vocab.txt", "t5-small",
            "clip", "phi-3-mini"})
    void a_published_tokenizer_gives_the_same_ids(String name) {
        forTexts(400, text -> {
            compare(name, text);
        });
        var random = new Random(7);
        for (int tries = 0; tries < 20; tries++) {
            String part = Texts.wellFormed(random);
            compare(name, part.replace(" ", "").repeat(1 + random.nextInt(60)));
            compare(name, part.repeat(20));
        }
    }

    /// The library's tables of compositions and cases are older than the JDK's: no characters beyond the first plane, where
    /// nearly all new ones are.
    private static String firstPlane(String text) {
        return text.codePoints().filter(Character::isBmpCodePoint).collect(StringBuilder::new,
                StringBuilder::appendCodePoint, StringBuilder::append).toString();
    }

    /// The same texts in each run, others with -Dweft.test.seed=N; the text itself stands in the message of a failure.
    private static void forTexts(int tries, Consumer<String> check) {
        var random = new Random(Long.getLong("weft.test.seed", 2019));
        for (int i = 0; i < tries; i++) {
            check.accept(Texts.wellFormed(random));
        }
    }

    private static void compare(String name, String text) {
        Pair pair = PAIRS.get(name);
        Assumptions.assumeTrue(pair != null, () -> name + " is not in the data folder");
        for (boolean special : new boolean[]{false, true}) {
            Encoding ours = pair.ours.encode(text, special);
            var theirs = pair.theirs.encode(text, special, false);
            String about = "%s, '%s'".formatted(name, text);
            assertThat(String.join(" ", ours.tokens())).as(about).isEqualTo(String.join(" ", theirs.getTokens()));
            assertThat(longs(ours.ids())).as(about).isEqualTo(theirs.getIds());
            assertThat(longs(ours.wordIds())).as(about).isEqualTo(theirs.getWordIds());
            assertThat(longs(ours.typeIds())).as(about).isEqualTo(theirs.getTypeIds());
            assertThat(pair.ours.decode(ours.ids(), special)).as(about)
                    .isEqualTo(pair.theirs.decode(theirs.getIds(), special));
        }
        assertThat(pair.ours.ids(text)).isEqualTo(pair.ours.encode(text, false).ids());
    }

    private static long[] longs(int[] ints) {
        return Arrays.stream(ints).asLongStream().toArray();
    }

    private static void pair(String name, Tokenizer ours) throws IOException {
        Path folder = Files.createTempDirectory("weft-text");
        ours.save(folder);
        PAIRS.put(name,
                new Pair(Tokenizer.load(folder), HuggingFaceTokenizer.builder()
                        .optTokenizerPath(folder.resolve("tokenizer.json")).optTruncation(false).optPadding(false)
                        .build()));
        try (var files = Files.list(folder)) {
            for (Path file : files.collect(Collectors.toList())) {
                Files.delete(file);
            }
        }
        Files.delete(folder);
    }

    private static String changed(Tokenizer tokenizer, Consumer<ObjectNode> change) {
        ObjectNode json = (ObjectNode) new JsonMapper().readTree(tokenizer.json());
        change.accept(json);
        return json.toString();
    }

    private static Tokenizer read(String json) throws IOException {
        Path file = Files.createTempFile("weft-text", ".json");
        try {
            return Tokenizer.load(Files.writeString(file, json));
        } finally {
            Files.delete(file);
        }
    }

    private static void withSplit(ObjectNode json, String pattern, String behavior, boolean invert) {
        ArrayNode steps = json.putObject("pre_tokenizer").put("type", "Sequence").putArray("pretokenizers");
        ObjectNode split = steps.addObject().put("type", "Split").put("behavior", behavior).put("invert", invert);
        split.putObject("pattern").put("Regex", pattern);
        steps.addObject().put("type", "ByteLevel").put("add_prefix_space", false).put("trim_offsets", true)
                .put("use_regex", false);
    }

    private static void withAllOptions(ObjectNode json) {
        ((ObjectNode) json.get("pre_tokenizer")).put("add_prefix_space", true);
        ArrayNode added = (ArrayNode) json.get("added_tokens");
        ((ObjectNode) added.get(1)).put("lstrip", true).put("rstrip", true).put("normalized", true);
        JsonNode vocabulary = json.get("model").get("vocab");
        int next = vocabulary.size();
        for (String content : List.of("the", "<s>", " ", "a_b", "</s>", "<pad>")) {
            int id = vocabulary.has(content) ? vocabulary.get(content).intValue() : next++;
            added.addObject().put("id", id).put("content", content).put("single_word", !content.startsWith("<"))
                    .put("lstrip", content.equals("<s>")).put("rstrip", content.equals("</s>"))
                    .put("normalized", content.length() > 2).put("special", content.startsWith("<"));
        }
        json.putObject("normalizer").put("type", "Sequence").putArray("normalizers")
                .add(new JsonMapper().createObjectNode().put("type", "NFKC"))
                .add(new JsonMapper().createObjectNode().put("type", "Lowercase"));
        json.set("post_processor", new JsonMapper().readTree("""
                {"type": "TemplateProcessing",
                 "single": [{"SpecialToken": {"id": "<mask>", "type_id": 1}}, {"Sequence": {"id": "A", "type_id": 2}},
                            {"SpecialToken": {"id": "end", "type_id": 0}}],
                 "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
                 "special_tokens": {"<mask>": {"id": "<mask>", "ids": [1], "tokens": ["<mask>"]},
                                    "end": {"id": "end", "ids": [0, 1], "tokens": ["<|endoftext|>", "<mask>"]}}}"""));
    }

}
