package dev.weft.cli;

import dev.weft.checkpoint.Json;
import dev.weft.data.TextSource;
import dev.weft.run.Tokenizers;
import dev.weft.text.BytePairTrainer;
import dev.weft.text.CharacterTrainer;
import dev.weft.text.Encoding;
import dev.weft.text.Tokenizer;
import java.io.IOException;
import java.io.Reader;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
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
    @Command(name = "train", mixinStandardHelpOptions = true, sortOptions = false, description = "Learn a tokenizer from text and write tokenizer.json.", footer = {
            "", "Example:  weft tokenizer train corpus.txt --vocab-size 4096 --out tok/"})
    static final class Train implements Callable<Integer> {
        @Parameters(paramLabel = "PATH", arity = "1..*", description = "Files, folders (their .txt files) or globs; UTF-8.")
        List<String> text;

        @Option(names = "--model", defaultValue = "bpe", description = "bpe (byte-level) or char. Default: ${DEFAULT-VALUE}.")
        String model;

        @Option(names = "--vocab-size", defaultValue = "4096", description = "Entries that bpe learns. Default: ${DEFAULT-VALUE}.")
        int vocabSize;

        @Option(names = "--special", paramLabel = "TOKEN", description = "A special token, such as <|endoftext|>; can be repeated.")
        List<String> special = List.of();

        @Option(names = "--out", required = true, paramLabel = "DIR", description = "Folder for tokenizer.json.")
        Path out;

        @Mixin
        Output output;

        @Override
        public Integer call() throws IOException {
            TextSource source = TextSource.of(text);
            String[] specials = special.toArray(String[]::new);
            long start = System.nanoTime();
            Tokenizer tokenizer;
            try (Reader reader = source.read()) {
                tokenizer = switch (model) {
                    case "bpe" -> BytePairTrainer.ofVocabSize(vocabSize).withSpecialTokens(specials).train(reader);
                    case "char" -> new CharacterTrainer().withSpecialTokens(specials).train(reader);
                    default -> throw new IllegalArgumentException(
                            "Unknown tokenizer model '" + model + "'; choose bpe or char");
                };
            }
            tokenizer.save(out);
            var facts = new LinkedHashMap<String, Object>();
            facts.put("entries", tokenizer.vocabSize());
            facts.put("bytes read", source.bytes());
            facts.put("seconds", Math.round((System.nanoTime() - start) / 1e7) / 100.0);
            facts.put("written", out.resolve("tokenizer.json").toString());
            output.facts(facts);
            return 0;
        }
    }

    /// `weft tokenizer encode`.
    @Command(name = "encode", mixinStandardHelpOptions = true, sortOptions = false, description = "Show the ids of a text.")
    static final class Encode implements Callable<Integer> {
        @Parameters(index = "0", paramLabel = "FOLDER", description = "A folder with a tokenizer, or its file: tokenizer.json, .model, .gguf, …")
        Path folder;

        @Parameters(index = "1", description = "The text.")
        String text;

        @Option(names = "--no-special-tokens", description = "Leave out what the tokenizer adds around a text.")
        boolean plain;

        @Option(names = "--offsets", description = "One token a line, with its place in the text (UTF-16 units).")
        boolean offsets;

        @Mixin
        Output output;

        @Override
        public Integer call() {
            Encoding encoding = Tokenizers.load(folder).encode(text, !plain);
            if (output.json) {
                ObjectNode node = Json.object();
                ArrayNode ids = node.putArray("ids");
                ArrayNode tokens = node.putArray("tokens");
                ArrayNode places = node.putArray("offsets");
                for (int i = 0; i < encoding.size(); i++) {
                    ids.add(encoding.ids()[i]);
                    tokens.add(encoding.tokens()[i]);
                    places.addArray().add(encoding.starts()[i]).add(encoding.ends()[i]);
                }
                output.object(node);
            } else if (offsets) {
                for (int i = 0; i < encoding.size(); i++) {
                    System.out.printf("%d\t%s\t%d-%d%n", encoding.ids()[i], encoding.tokens()[i], encoding.starts()[i],
                            encoding.ends()[i]);
                }
            } else {
                System.out.println(
                        Arrays.stream(encoding.ids()).mapToObj(Integer::toString).collect(Collectors.joining(" ")));
            }
            return 0;
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
