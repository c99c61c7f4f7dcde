package dev.weft.cli;

import dev.weft.checkpoint.Json;
import dev.weft.data.TextSource;
import dev.weft.run.Tokenizers;
import dev.weft.text.BytePairTrainer;
import dev.weft.text.CharacterTrainer;
import dev.weft.text.Encoding;
import dev.weft.text.Tokenizer;
import dev.weft.text.TokenizerTrainer;
import dev.weft.text.TrainingPipeline;
import dev.weft.text.Truncation;
import dev.weft.text.UnigramTrainer;
import dev.weft.text.WindowTokenizer;
import dev.weft.text.WordPieceTrainer;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/// `weft tokenizer`: learn one, and look at what it does.
@Command(name = "tokenizer", mixinStandardHelpOptions = true, description = "Train a tokenizer; encode and decode with one.", subcommands = {
        TokenizerCommand.Train.class, TokenizerCommand.Encode.class,
        TokenizerCommand.Decode.class}, synopsisSubcommandLabel = "COMMAND")
final class TokenizerCommand {
    /// `weft tokenizer train`.
    @Command(name = "train", mixinStandardHelpOptions = true, sortOptions = false, description = "Learn a tokenizer from text and write it.", footer = {
            "", "Which model?", "  bpe        merges frequent pairs of bytes, as GPT-2; any text comes back exactly.",
            "             With --byte-fallback pairs of characters, as Llama, and bytes",
            "             for rare ones; \u2581 marks the beginning of a word.",
            "  wordpiece  merges pairs of characters in cleaned text, as BERT: play ##ing.",
            "  unigram    the most probable pieces, as T5; \u2581 marks words.",
            "  char       every character is a token: few entries, long sequences.", "", "Examples:",
            "  weft tokenizer train corpus/*.txt --vocab-size 16000 --out tok/",
            "  weft tokenizer train a.txt b.txt --special \"<|endoftext|>\" --out tok/",
            "  weft tokenizer train corpus/ --model wordpiece --lowercase --out tok/",
            "  weft tokenizer train corpus/ --model unigram --byte-fallback --out tok/",
            "  weft tokenizer train train.en train.de --model unigram --format marian --languages en,de --out tok/",
            "  weft tokenizer encode tok/ \"a text to look at\" --offsets"})
    static final class Train implements Callable<Integer> {
        @Parameters(paramLabel = "PATH", arity = "1..*", description = "Files, folders (their .txt files) or globs; UTF-8, also packed as .gz.")
        List<String> text;

        @Option(names = "--model", defaultValue = "bpe", description = "bpe, wordpiece, unigram or char; see below. Default: ${DEFAULT-VALUE}.")
        String model;

        @Option(names = "--vocab-size", defaultValue = "4096", description = "Entries to end with, special tokens and single characters included; char has as many as there are characters. Default: ${DEFAULT-VALUE}.")
        int vocabSize;

        @Option(names = "--special", paramLabel = "TOKEN", description = "A special token, such as <|endoftext|>; can be repeated. Default: those of BERT for wordpiece, of T5 for unigram, of Llama for bpe with --byte-fallback, else none.")
        List<String> special = List.of();

        @Option(names = "--min-frequency", defaultValue = "2", description = "bpe, wordpiece: rarer pairs are not merged. Default: ${DEFAULT-VALUE}.")
        long minFrequency;

        @Option(names = "--limit-alphabet", paramLabel = "N", description = "Only the N most frequent characters become tokens; of no use to bytes. Default: all.")
        int limitAlphabet = Integer.MAX_VALUE;

        @Option(names = "--lowercase", description = "Write all text in small letters first; wordpiece also takes accents off, as BERT's uncased models.")
        boolean lowercase;

        @Option(names = "--byte-fallback", description = "bpe, unigram: write characters without a token as bytes, with 256 tokens <0x00> to <0xFF>.")
        boolean byteFallback;

        @Option(names = "--format", defaultValue = "json", description = "json (tokenizer.json); for unigram and bpe also sentencepiece (a .model file beside it) or marian (source.spm, target.spm and vocab.json, for texts of two languages). Default: ${DEFAULT-VALUE}.")
        Format format;

        @Option(names = "--languages", split = ",", paramLabel = "CODE", description = "The two languages of --format marian, as en,de: from which, into which.")
        List<String> languages = List.of();

        @Option(names = "--threads", description = "Threads that work; the result is the same. Default: one for each processor.")
        int threads = Runtime.getRuntime().availableProcessors();

        @Option(names = "--out", required = true, paramLabel = "DIR", description = "Folder for the files.")
        Path out;

        @Mixin
        Output output;

        /// Which files are written.
        enum Format {
            JSON, SENTENCEPIECE, MARIAN
        }

        @Override
        public Integer call() {
            if ((format == Format.MARIAN) != (languages.size() == 2) || languages.size() > 2) {
                throw new IllegalArgumentException(
                        "--format marian and two --languages belong together, as --languages en,de; found %d"
                                .formatted(languages.size()));
            }
            TokenizerTrainer trainer = trainer();
            TextSource source = TextSource.of(text);
            long start = System.nanoTime();
            Tokenizer tokenizer;
            try (var progress = new ProgressLine()) {
                tokenizer = trainer.train(source.corpus(), progress::tokenizer);
            }
            Path written = out.resolve(save(tokenizer));
            var facts = new LinkedHashMap<String, Object>();
            facts.put("entries", tokenizer.vocabSize());
            facts.put("bytes read", source.bytes());
            facts.put("seconds", Math.round((System.nanoTime() - start) / 1e7) / 100.0);
            facts.put("written", written.toString());
            output.facts(facts);
            return 0;
        }

        /// The name of the file that says most.
        private String save(Tokenizer tokenizer) {
            switch (format) {
                case JSON -> tokenizer.save(out);
                case SENTENCEPIECE -> {
                    tokenizer.save(out);
                    // As the classes of T5 and of Llama look for it.
                    String name = model.equals("unigram") ? "spiece.model" : "tokenizer.model";
                    tokenizer.saveSentencePiece(out.resolve(name));
                    return name;
                }
                case MARIAN -> {
                    tokenizer.asMarian(languages.getFirst(), languages.getLast()).save(out);
                    return "source.spm";
                }
            }
            return "tokenizer.json";
        }

        private TokenizerTrainer trainer() {
            if (format != Format.JSON) {
                refuse(lowercase, "--lowercase", "--format " + format.toString().toLowerCase(Locale.ROOT));
            }
            String[] specials = special.isEmpty() && format == Format.MARIAN
                    ? new String[]{"</s>", "<unk>", "<pad>"}
                    : special.toArray(String[]::new);
            return switch (model) {
                case "bpe" -> {
                    var trainer = byteFallback
                            ? BytePairTrainer.llama(vocabSize)
                            : BytePairTrainer.ofVocabSize(vocabSize);
                    trainer = trainer.withMinFrequency(minFrequency).withLimitAlphabet(limitAlphabet)
                            .withThreads(threads);
                    trainer = lowercase ? trainer.withPipeline(trainer.pipeline().withLowercase()) : trainer;
                    if (format != Format.JSON) {
                        trainer = trainer.withPipeline(TrainingPipeline.sentencePiece())
                                .withSpecialTokens("<unk>", "<s>", "</s>");
                    }
                    yield specials.length == 0 ? trainer : trainer.withSpecialTokens(specials);
                }
                case "wordpiece" -> {
                    refuse(format != Format.JSON, "--format");
                    refuse(byteFallback, "--byte-fallback");
                    var trainer = WordPieceTrainer.ofVocabSize(vocabSize).withMinFrequency(minFrequency)
                            .withLimitAlphabet(limitAlphabet).withPipeline(TrainingPipeline.bert(lowercase))
                            .withThreads(threads);
                    yield special.isEmpty() ? trainer : trainer.withSpecialTokens(specials);
                }
                case "unigram" -> {
                    var trainer = UnigramTrainer.ofVocabSize(vocabSize).withLimitAlphabet(limitAlphabet)
                            .withByteFallback(byteFallback).withThreads(threads);
                    trainer = lowercase ? trainer.withPipeline(trainer.pipeline().withLowercase()) : trainer;
                    if (format != Format.JSON) {
                        trainer = trainer.withPipeline(TrainingPipeline.sentencePiece());
                    }
                    yield specials.length == 0 ? trainer : trainer.withSpecialTokens(specials);
                }
                case "char" -> {
                    refuse(format != Format.JSON, "--format");
                    refuse(byteFallback, "--byte-fallback");
                    refuse(lowercase, "--lowercase");
                    var trainer = new CharacterTrainer().withSpecialTokens(specials);
                    yield special.contains("<unk>") ? trainer.withUnkToken("<unk>") : trainer;
                }
                default -> throw new IllegalArgumentException(
                        "Unknown tokenizer model '" + model + "'; choose bpe, wordpiece, unigram or char");
            };
        }

        private void refuse(boolean given, String option) {
            refuse(given, option, "--model " + model);
        }

        private static void refuse(boolean given, String option, String with) {
            if (given) {
                throw new IllegalArgumentException("%s does nothing for %s; leave it out".formatted(option, with));
            }
        }
    }

    /// `weft tokenizer encode`.
    @Command(name = "encode", mixinStandardHelpOptions = true, sortOptions = false, description = "Show the ids of a text.", footer = {
            "", "Examples:", "  weft tokenizer encode models/bert \"Paris is the [MASK] of France.\" --offsets",
            "  weft tokenizer encode models/bert \"Who?\" --pair - --max-length 384 --stride 128 --json < page.txt"})
    static final class Encode implements Callable<Integer> {
        @Parameters(index = "0", paramLabel = "FOLDER", description = "A folder with a tokenizer, or its file: tokenizer.json, .model, .gguf, …")
        Path folder;

        @Parameters(index = "1", description = "The text; - reads standard input.")
        String text;

        @Option(names = "--pair", paramLabel = "TEXT", description = "A second text, such as the page to a question; - reads standard input.")
        @Nullable
        String pair;

        @Option(names = "--max-length", paramLabel = "N", description = "Cut what is longer, special tokens included.")
        @Nullable
        Integer maxLength;

        @Option(names = "--stride", paramLabel = "N", description = "Instead of cutting, spread over windows that share N tokens.")
        @Nullable
        Integer stride;

        @Option(names = "--no-special-tokens", description = "Leave out what the tokenizer adds around a text.")
        boolean plain;

        @Option(names = "--offsets", description = "One token a line, with its place in the text (UTF-16 units).")
        boolean offsets;

        @Mixin
        Output output;

        @Override
        public Integer call() throws IOException {
            if (stride != null && (maxLength == null || plain)) {
                throw new IllegalArgumentException("--stride needs --max-length, and special tokens");
            }
            List<Encoding> encodings = encodings(Tokenizers.load(folder), given(text),
                    pair == null ? null : given(pair));
            if (output.json) {
                List<ObjectNode> nodes = encodings.stream().map(Encode::node).toList();
                if (stride == null) {
                    output.object(nodes.getFirst());
                } else {
                    ObjectNode node = Json.object();
                    node.putArray("windows").addAll(nodes);
                    output.object(node);
                }
                return 0;
            }
            for (Encoding encoding : encodings) {
                if (offsets) {
                    for (int i = 0; i < encoding.size(); i++) {
                        System.out.printf("%d\t%s\t%d-%d%n", encoding.ids()[i], encoding.tokens()[i],
                                encoding.starts()[i], encoding.ends()[i]);
                    }
                } else {
                    System.out.println(
                            Arrays.stream(encoding.ids()).mapToObj(Integer::toString).collect(Collectors.joining(" ")));
                }
            }
            return 0;
        }

        private List<Encoding> encodings(Tokenizer tokenizer, String first, @Nullable String second) {
            if (stride != null) {
                WindowTokenizer windows = tokenizer.with(Truncation.windows(maxLength, stride));
                return second == null ? windows.encode(first) : windows.encodePair(first, second);
            }
            Tokenizer cutting = maxLength == null ? tokenizer : tokenizer.with(Truncation.to(maxLength));
            return List.of(second == null ? cutting.encode(first, !plain) : cutting.encodePair(first, second, !plain));
        }

        private static String given(String text) throws IOException {
            return text.equals("-") ? new String(System.in.readAllBytes(), StandardCharsets.UTF_8) : text;
        }

        private static ObjectNode node(Encoding encoding) {
            ObjectNode node = Json.object();
            ArrayNode ids = node.putArray("ids");
            ArrayNode tokens = node.putArray("tokens");
            ArrayNode places = node.putArray("offsets");
            ArrayNode words = node.putArray("word_ids");
            ArrayNode types = node.putArray("type_ids");
            ArrayNode special = node.putArray("special_tokens_mask");
            for (int i = 0; i < encoding.size(); i++) {
                ids.add(encoding.ids()[i]);
                tokens.add(encoding.tokens()[i]);
                places.addArray().add(encoding.starts()[i]).add(encoding.ends()[i]);
                words.add(encoding.wordIds()[i]);
                types.add(encoding.typeIds()[i]);
                special.add(encoding.specialTokensMask()[i]);
            }
            return node;
        }
    }

    /// `weft tokenizer decode`.
    @Command(name = "decode", mixinStandardHelpOptions = true, sortOptions = false, description = "Show the text of ids.")
    static final class Decode implements Callable<Integer> {
        @Parameters(index = "0", paramLabel = "FOLDER", description = "A folder with a tokenizer, or its file: tokenizer.json, .model, .gguf, …")
        Path folder;

        @Parameters(index = "1..*", arity = "1..*", paramLabel = "ID", description = "The ids.")
        int[] ids;

        @Option(names = "--keep-special-tokens", description = "Show special tokens too.")
        boolean special;

        @Override
        public Integer call() {
            System.out.println(Tokenizers.load(folder).decode(ids, !special));
            return 0;
        }
    }
}
