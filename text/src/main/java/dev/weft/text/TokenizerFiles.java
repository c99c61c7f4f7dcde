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
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/// Tokenizers from and to files: `tokenizer.json`, GPT-2's `vocab.json` with `merges.txt`, `tokenizer_config.json`.
final class TokenizerFiles {
    private TokenizerFiles() {}

    static Tokenizer load(Path folderOrFile) {
        if (!Files.isDirectory(folderOrFile)) {
            if (!Files.exists(folderOrFile)) {
                throw new IllegalArgumentException(
                        "%s: there is no such file or folder; a tokenizer is a tokenizer.json or the folder it lies in"
                                .formatted(folderOrFile));
            }
            return readJson(folderOrFile);
        }
        Path json = folderOrFile.resolve("tokenizer.json");
        if (Files.exists(json)) {
            return readJson(json);
        }
        Path vocabulary = folderOrFile.resolve("vocab.json");
        Path merges = folderOrFile.resolve("merges.txt");
        if (Files.exists(vocabulary) && Files.exists(merges)) {
            return readGpt2(vocabulary, merges);
        }
        throw new IllegalArgumentException(
                "%s: no tokenizer here; expected tokenizer.json, or vocab.json together with merges.txt"
                        .formatted(folderOrFile));
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
        ObjectNode config = SpecialTokens.config(file);
        return SpecialTokens
                .settled(new TokenizerParts(added, normalizer == null ? null : Normalizer.fromJson(normalizer),
                        preTokenizer == null ? null : PreTokenizer.fromJson(preTokenizer), model,
                        postProcessor == null ? null : PostProcessor.fromJson(postProcessor, all),
                        Decoder.fromJson(json.optional("decoder")), SpecialTokens.roles(config, added), config,
                        kept(json, "truncation"),
                        kept(json, "padding")), all, file.toAbsolutePath().getParent());
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

    /// A folder as GPT-2 and RoBERTa were first published; which of the two, the vocabulary tells.
    private static Tokenizer readGpt2(Path vocabularyFile, Path mergesFile) {
        Vocabulary vocabulary = Vocabulary.fromJson(JsonPart.read(vocabularyFile));
        var reader = new Bpe.MergeReader(vocabulary, "");
        try {
            List<String> lines = Files.readAllLines(mergesFile);
            for (int i = 0; i < lines.size(); i++) {
                String line = lines.get(i);
                if (!line.isEmpty() && !line.startsWith("#version")) {
                    reader.add(line, new JsonPart(mergesFile, "line " + (i + 1), JsonNodeFactory.instance.nullNode()));
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException("%s: cannot be read as UTF-8: %s".formatted(mergesFile, e.getMessage()), e);
        }
        var model = new Bpe(vocabulary, reader.merges(), Bpe.Options.PLAIN);
        boolean roberta = List.of("<s>", "</s>", "<mask>").stream().allMatch(t -> vocabulary.idOrNone(t) >= 0);
        var added = new ArrayList<AddedToken>();
        for (String token : List.of("<s>", "<pad>", "</s>", "<unk>", "<mask>", "<|endoftext|>")) {
            int id = vocabulary.idOrNone(token);
            if (id >= 0 && (roberta || token.equals("<|endoftext|>"))) {
                added.add(new AddedToken(id, token, false, token.equals("<mask>"), false, true, true));
            }
        }
        PostProcessor postProcessor = roberta
                ? new PostProcessor.Roberta(new PostProcessor.Special("</s>", vocabulary.idOrNone("</s>")),
                        new PostProcessor.Special("<s>", vocabulary.idOrNone("<s>")), true, false)
                : new PostProcessor.ByteLevel(true, false, true);
        return new Tokenizer(
                TokenizerParts.byteLevel(model, added, postProcessor, SpecialTokens.config(vocabularyFile)),
                vocabulary);
    }

    static String json(TokenizerParts parts) {
        ObjectNode json = JsonNodeFactory.instance.objectNode().put("version", "1.0");
        json.set("truncation", orNull(parts.truncation()));
        json.set("padding", orNull(parts.padding()));
        ArrayNode added = json.putArray("added_tokens");
        parts.addedTokens().stream().sorted(Comparator.comparingInt(AddedToken::id))
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
        config.remove("added_tokens_decoder");
        config.put("tokenizer_class", "PreTrainedTokenizerFast");
        if (!config.has("clean_up_tokenization_spaces")) {
            config.put("clean_up_tokenization_spaces", false);
        }
        try {
            Files.createDirectories(folder);
            write(folder.resolve("tokenizer.json"), json(parts));
            write(folder.resolve("tokenizer_config.json"), pretty(config));
        } catch (IOException e) {
            throw new UncheckedIOException("%s: the tokenizer cannot be written: %s".formatted(folder, e.getMessage()),
                    e);
        }
    }

    /// Temporary file, flushed to the disk, then renamed: readers see the old file or the new one.
    private static void write(Path file, String content) throws IOException {
        Path temporary = file.resolveSibling(".%s.%s.tmp".formatted(file.getFileName(), UUID.randomUUID()));
        try {
            try (FileChannel channel = FileChannel.open(temporary, StandardOpenOption.CREATE_NEW,
                    StandardOpenOption.WRITE)) {
                ByteBuffer bytes = StandardCharsets.UTF_8.encode(content);
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
