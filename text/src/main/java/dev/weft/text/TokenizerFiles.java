package dev.weft.text;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/// Tokenizers from and to files: `tokenizer.json`, SentencePiece's models, GPT-2's `vocab.json` with `merges.txt`, `tokenizer_config.json`.
final class TokenizerFiles {
    private TokenizerFiles() {}

    /// Names under which SentencePiece's models lie in folders.
    private static final List<String> MODELS = List.of("spiece.model", "tokenizer.model", "sentencepiece.bpe.model",
            "sentencepiece.model", "spm.model", "spm_char.model", "source.spm");

    private static final Set<String> MULTILINGUAL = Set.of("mbart", "mbart50", "nllb");

    static Tokenizer load(Path folderOrFile) {
        if (!Files.exists(folderOrFile)) {
            throw new IllegalArgumentException(
                    "%s: there is no such file or folder; a tokenizer is a tokenizer.json or the folder it lies in"
                            .formatted(folderOrFile));
        }
        return Files.isDirectory(folderOrFile) ? readFolder(folderOrFile) : readFile(folderOrFile);
    }

    private static Tokenizer readFolder(Path folder) {
        Path json = folder.resolve("tokenizer.json");
        if (Files.exists(json)) {
            return readJson(json);
        }
        FolderSettings settings = FolderSettings.beside(json);
        for (String name : MODELS) {
            Path model = folder.resolve(name);
            if (Files.exists(model)) {
                return readModel(model, settings);
            }
        }
        Path vocabulary = folder.resolve("vocab.json");
        Path merges = folder.resolve("merges.txt");
        if (Files.exists(vocabulary) && Files.exists(merges)) {
            return MergesText.read(vocabulary, merges, settings);
        }
        Path words = folder.resolve("vocab.txt");
        if (Files.exists(words)) {
            return VocabularyText.read(words, settings);
        }
        List<Path> ranks;
        try (Stream<Path> files = Files.list(folder)) {
            ranks = files.filter(file -> file.toString().endsWith(".tiktoken")).sorted().toList();
        } catch (IOException e) {
            throw new UncheckedIOException("%s: cannot be listed: %s".formatted(folder, e.getMessage()), e);
        }
        if (ranks.size() == 1) {
            return readModel(ranks.getFirst(), settings);
        }
        throw new IllegalArgumentException(
                ranks.isEmpty()
                        ? ("%s: no tokenizer here; expected tokenizer.json, a SentencePiece model (%s), vocab.json "
                                + "together with merges.txt, vocab.txt, or a .tiktoken file").formatted(folder,
                                        String.join(", ", MODELS))
                        : "%s: several .tiktoken files; name the one to load".formatted(folder));
    }

    private static Tokenizer readFile(Path file) {
        String name = file.getFileName().toString();
        if (name.endsWith(".txt")) {
            return VocabularyText.read(file, FolderSettings.beside(file));
        }
        if (name.endsWith(".model") || name.endsWith(".spm") || name.endsWith(".tiktoken")) {
            return readModel(file, FolderSettings.beside(file));
        }
        if (name.endsWith(".gguf")) {
            throw new IllegalArgumentException(
                    "%s: the vocabulary of a GGUF file is read by dev.weft.run.Tokenizers.load".formatted(file));
        }
        return readJson(file);
    }

    /// A model of SentencePiece, or what has its name but is a list of ranks.
    private static Tokenizer readModel(Path file, FolderSettings settings) {
        byte[] bytes;
        try {
            bytes = Files.readAllBytes(file);
        } catch (IOException e) {
            throw new UncheckedIOException("%s: cannot be read: %s".formatted(file, e.getMessage()), e);
        }
        if (file.toString().endsWith(".tiktoken") || !SentencePieceModel.isOne(bytes) && TiktokenFile.isOne(bytes)) {
            return TiktokenFile.read(file, bytes, settings);
        }
        SentencePieceModel model = SentencePieceModel.read(file, bytes);
        Path vocabulary = file.resolveSibling("vocab.json");
        try {
            if (MarianFiles.share(file, settings) && Files.exists(vocabulary)) {
                return MarianFiles.tokenizer(model, vocabulary, settings);
            }
            return SentencePieces.tokenizer(model, settings);
        } catch (IOException e) {
            throw new UncheckedIOException("%s: cannot be read: %s".formatted(file, e.getMessage()), e);
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException(
                    "%s: as a tokenizer of the family \"%s\": %s; do the files of the folder belong together?"
                            .formatted(file, settings.family(), e.getMessage()),
                    e);
        }
    }

    private static Tokenizer readJson(Path file) {
        JsonPart json = JsonPart.read(file);
        Model model = Model.fromJson(json.at("model"));
        var added = new ArrayList<AddedToken>();
        Vocabulary all = model.vocabulary().copy();
        if (json.has("added_tokens")) {
            for (JsonPart part : json.at("added_tokens").items()) {
                AddedToken token = AddedToken.fromJson(part);
                join(all, token, part);
                added.add(token);
            }
        }
        JsonPart normalizer = json.optional("normalizer");
        JsonPart preTokenizer = json.optional("pre_tokenizer");
        JsonPart postProcessor = json.optional("post_processor");
        FolderSettings settings = FolderSettings.beside(file);
        ObjectNode config = settings.config();
        Tokenizer settled = SpecialTokens
                .settled(new TokenizerParts(added, normalizer == null ? null : Normalizer.fromJson(normalizer),
                        preTokenizer == null ? null : PreTokenizer.fromJson(preTokenizer), model,
                        postProcessor == null ? null : PostProcessor.fromJson(postProcessor, all),
                        Decoder.fromJson(json.optional("decoder")), SpecialTokens.roles(config, added), config,
                        kept(json, "truncation"),
                        kept(json, "padding")), all, settings);
        return MULTILINGUAL.contains(settings.family()) ? withLanguage(settled, settings) : settled;
    }

    /// The Python classes of these families put a language around a text whatever the file says.
    private static Tokenizer withLanguage(Tokenizer tokenizer, FolderSettings settings) {
        String end = tokenizer.specialTokens().getOrDefault("eos_token", "</s>");
        String single = PieceFamily.withLanguage("$A", settings.family(), settings).replace("{eos}", end);
        String pair = PieceFamily.withLanguage("$A $B", settings.family(), settings).replace("{eos}", end);
        return tokenizer.with(Templates.of(single, pair, tokenizer.vocabulary()));
    }

    private static @Nullable ObjectNode kept(JsonPart json, String name) {
        return json.node().get(name) instanceof ObjectNode object ? object : null;
    }

    private static void join(Vocabulary all, AddedToken token, JsonPart part) {
        String owner = all.token(token.id());
        int id = all.idOrNone(token.content());
        if (owner != null && !owner.equals(token.content())) {
            throw part.error("id %d is given twice, to \"%s\" and to \"%s\"".formatted(token.id(), owner,
                    token.content()));
        }
        if (id >= 0 && id != token.id()) {
            throw part.error("\"%s\" has id %d here but id %d in the vocabulary".formatted(token.content(), token.id(),
                    id));
        }
        all.put(token.content(), token.id());
    }

    static String json(TokenizerParts parts) {
        ObjectNode json = JsonNodeFactory.instance.objectNode().put("version", "1.0");
        json.set("truncation", orNull(parts.truncation()));
        json.set("padding", orNull(parts.padding()));
        ArrayNode added = json.putArray("added_tokens");
        Set<String> contents = parts.addedTokens().stream().map(AddedToken::content).collect(Collectors.toSet());
        Stream.concat(parts.addedTokens().stream(),
                parts.model().writtenAsAdded().stream().filter(token -> !contents.contains(token.content())))
                .sorted(Comparator.comparingInt(AddedToken::id))
                .forEach(token -> added.add(token.toJson()));
        json.set("normalizer", orNull(parts.normalizer() == null ? null : parts.normalizer().toJson()));
        json.set("pre_tokenizer", orNull(parts.preTokenizer() == null ? null : parts.preTokenizer().toJson()));
        json.set("post_processor", orNull(parts.postProcessor() == null ? null : parts.postProcessor().toJson()));
        json.set("decoder", orNull(parts.decoder().toJson()));
        json.set("model", parts.model().toJson());
        return pretty(json);
    }

    private static JsonNode orNull(@Nullable ObjectNode node) {
        return node == null ? JsonNodeFactory.instance.nullNode() : node;
    }

    private static String pretty(ObjectNode json) {
        return JsonPart.MAPPER.writerWithDefaultPrettyPrinter().writeValueAsString(json);
    }

    static void save(TokenizerParts parts, Path folder) {
        if (MarianFiles.isOne(parts)) {
            written(folder, () -> MarianFiles.save(parts, folder));
            return;
        }
        ObjectNode config = parts.config().deepCopy();
        Set<String> named = new HashSet<>(parts.specialTokens().values());
        parts.specialTokens().forEach((role, token) -> {
            if (!config.path(role).isObject() || !config.path(role).path("content").stringValue("").equals(token)) {
                config.put(role, token);
            }
        });
        List<String> others = parts.addedTokens().stream().filter(AddedToken::special).map(AddedToken::content)
                .filter(token -> !named.contains(token)).toList();
        if (!others.isEmpty() && !config.has("additional_special_tokens")) {
            ArrayNode list = config.putArray("additional_special_tokens");
            others.forEach(list::add);
        }
        // They stand, as they are now, in tokenizer.json.
        config.remove(FolderSettings.LISTED);
        config.put("tokenizer_class", "PreTrainedTokenizerFast");
        if (!config.has("clean_up_tokenization_spaces")) {
            config.put("clean_up_tokenization_spaces", false);
        }
        written(folder, () -> {
            write(folder.resolve("tokenizer.json"), json(parts).getBytes(StandardCharsets.UTF_8));
            write(folder.resolve("tokenizer_config.json"), config);
        });
    }

    static void saveModel(SentencePieceModel model, Path file) {
        written(file.toAbsolutePath().getParent(), () -> write(file, model.bytes()));
    }

    @FunctionalInterface
    private interface Writing {
        void run() throws IOException;
    }

    private static void written(Path folder, Writing writing) {
        try {
            Files.createDirectories(folder);
            writing.run();
        } catch (IOException e) {
            throw new UncheckedIOException("%s: the tokenizer cannot be written: %s".formatted(folder, e.getMessage()),
                    e);
        }
    }

    static void write(Path file, ObjectNode json) throws IOException {
        write(file, pretty(json).getBytes(StandardCharsets.UTF_8));
    }

    /// Temporary file, flushed to the disk, then renamed: readers see the old file or the new one.
    static void write(Path file, byte[] content) throws IOException {
        Path temporary = file.resolveSibling(".%s.%s.tmp".formatted(file.getFileName(), UUID.randomUUID()));
        try {
            try (FileChannel channel = FileChannel.open(temporary, StandardOpenOption.CREATE_NEW,
                    StandardOpenOption.WRITE)) {
                ByteBuffer bytes = ByteBuffer.wrap(content);
                while (bytes.hasRemaining()) {
                    channel.write(bytes);
                }
                channel.force(true);
            }
            Files.move(temporary, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } finally {
            Files.deleteIfExists(temporary);
        }
    }
}
