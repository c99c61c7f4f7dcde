package dev.weft.text;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/// How families with byte-pair encoding cut text into words, by the names that their files go by.
enum BytePairFamily {
    GPT2(Gpt2Words.PATTERN),
    /// GPT-4's way, which Llama 3 took over: numbers of up to three digits.
    CL100K(contractions("(?i:%s)|") + words("{1,3}")),
    /// GPT-4's way with single digits.
    QWEN2(contractions("(?i:%s)|") + words("")),
    /// GPT-4o's way, which looks at capitals.
    O200K(capitalized("*", "+") + "|" + capitalized("+", "*")
            + "|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"),
    /// GPT-2's words with each digit alone.
    DIGITS(Gpt2Words.PATTERN);

    private final String pattern;

    BytePairFamily(String pattern) {
        this.pattern = pattern;
    }

    private static String contractions(String form) {
        return form.formatted("'s|'t|'re|'ve|'m|'ll|'d");
    }

    private static String words(String digits) {
        return "[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}" + digits
                + "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
    }

    private static String capitalized(String upper, String lower) {
        return "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]" + upper + "[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]"
                + lower + contractions("(?i:%s)?");
    }

    /// Whether this is one of the patterns that end a word behind a letter, if a space follows.
    static boolean cutsBehindLetters(PreTokenizer.Split split) {
        return split.behavior() == PreTokenizer.Behavior.ISOLATED && !split.invert() && split.pattern().regex()
                && Stream.of(CL100K, QWEN2, O200K).anyMatch(family -> family.pattern.equals(split.pattern().text()));
    }

    PreTokenizer words() {
        return switch (this) {
            case GPT2 -> new PreTokenizer.ByteLevel(false, true, true);
            case DIGITS -> new PreTokenizer.Sequence(
                    List.of(new PreTokenizer.Digits(true), new PreTokenizer.ByteLevel(false, true, true)));
            case CL100K, QWEN2, O200K -> new PreTokenizer.Sequence(List.of(
                    new PreTokenizer.Split(SplitPattern.regex(pattern), PreTokenizer.Behavior.ISOLATED, false),
                    new PreTokenizer.ByteLevel(false, true, false)));
        };
    }

    /// A tokenizer of bytes with this family's words.
    Tokenizer tokenizer(Bpe model, boolean composed, PostProcessor postProcessor, List<AddedToken> added,
            Vocabulary all, Map<String, String> roles, FolderSettings settings) {
        return new Tokenizer(new TokenizerParts(added,
                composed ? new Normalizer.Unicode(java.text.Normalizer.Form.NFC) : null, words(), model, postProcessor,
                new Decoder.ByteLevel(true, true, true), settings.roles(roles, added), settings.config(), null, null),
                all);
    }

    /// What llama.cpp calls a way of cutting (`tokenizer.ggml.pre`).
    ///
    /// @throws IllegalArgumentException if it is not known
    static BytePairFamily ofGguf(String name) {
        return switch (name) {
            case "", "default", "gpt-2", "phi-2", "mpt", "olmo", "jina-es", "jina-de", "jina-v2-code", "jina-v2-es",
                    "jina-v2-de", "roberta-bpe", "gigachat", "modern-bert" ->
                GPT2;
            case "llama3", "llama-v3", "llama-bpe", "falcon3", "pixtral", "dbrx", "smaug-bpe", "lfm2" -> CL100K;
            case "qwen2", "stablelm2", "deepseek-r1-qwen", "megrez", "hunyuan" -> QWEN2;
            case "gpt-4o", "llama4", "o200k" -> O200K;
            case "starcoder", "refact", "command-r", "smollm", "codeshell", "exaone", "minerva-7b" -> DIGITS;
            default -> throw new IllegalArgumentException(
                    ("the vocabulary is cut into words in the way \"%s\", which is not known here; use the "
                            + "tokenizer.json of the model").formatted(name));
        };
    }

    /// A file of tiktoken: which family it is of, and the tokens that its users add behind the ranks.
    record Published(BytePairFamily family, Map<String, Integer> special, Map<String, String> roles, boolean addsBos,
            boolean composed) {

        /// @param name  the family or the file's name without its ending
        /// @param ranks how many tokens the file has
        static Published of(String name, int ranks) {
            String known = name.toLowerCase(Locale.ROOT);
            if (known.contains("qwen") || ranks == 151_643) {
                return new Published(QWEN2,
                        numbered(ranks, Stream.concat(Stream.of("<|endoftext|>", "<|im_start|>", "<|im_end|>"),
                                IntStream.range(0, 205).mapToObj("<|extra_%d|>"::formatted))),
                        Map.of("eos_token", "<|endoftext|>", "pad_token", "<|endoftext|>"), false, true);
            }
            if (known.contains("llama") || ranks == 128_000) {
                return new Published(CL100K, numbered(ranks, llama3()),
                        Map.of("bos_token", "<|begin_of_text|>", "eos_token", "<|end_of_text|>"), true, false);
            }
            if (known.contains("o200k") || ranks == 199_998) {
                return openAi(O200K, Map.of("<|endoftext|>", 199_999, "<|endofprompt|>", 200_018));
            }
            if (known.contains("cl100k") || ranks == 100_256) {
                return openAi(CL100K, Map.of("<|endoftext|>", 100_257, "<|fim_prefix|>", 100_258, "<|fim_middle|>",
                        100_259, "<|fim_suffix|>", 100_260, "<|endofprompt|>", 100_276));
            }
            if (known.contains("gpt2") || known.contains("50k") || ranks == 50_256 || ranks == 50_280) {
                return openAi(GPT2, Map.of("<|endoftext|>", 50_256));
            }
            return new Published(CL100K, Map.of(), Map.of(), false, false);
        }

        private static Published openAi(BytePairFamily family, Map<String, Integer> special) {
            return new Published(family, special, Map.of("bos_token", "<|endoftext|>", "eos_token", "<|endoftext|>"),
                    false, false);
        }

        private static Map<String, Integer> numbered(int from, Stream<String> tokens) {
            var ids = new LinkedHashMap<String, Integer>();
            tokens.forEach(token -> ids.put(token, from + ids.size()));
            return ids;
        }

        /// The 256 special tokens of Llama 3, most of them in reserve.
        private static Stream<String> llama3() {
            var tokens = new ArrayList<>(List.of("<|begin_of_text|>", "<|end_of_text|>"));
            IntStream.range(0, 4).mapToObj("<|reserved_special_token_%d|>"::formatted).forEach(tokens::add);
            tokens.addAll(List.of("<|start_header_id|>", "<|end_header_id|>", "<|reserved_special_token_4|>",
                    "<|eot_id|>"));
            IntStream.range(5, 251).mapToObj("<|reserved_special_token_%d|>"::formatted).forEach(tokens::add);
            return tokens.stream();
        }
    }
}
