package dev.weft.text;

import java.io.IOException;
import java.io.Reader;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.JsonNodeFactory;

/// Makes a character-level tokenizer: special tokens first, then every character (code point) of the text, in the order
/// of Unicode. Written down it is a byte-pair model without merges, which Hugging Face's library reads.
///
/// @param specialTokens  tokens with the ids from 0 up
/// @param unkToken       the one among them that stands for characters not seen in training; null if these are an error
public record CharacterTrainer(List<String> specialTokens, @Nullable String unkToken) {
    public CharacterTrainer {
        specialTokens = List.copyOf(specialTokens);
        SpecialTokens.check(specialTokens);
        if (unkToken != null && !specialTokens.contains(unkToken)) {
            throw new IllegalArgumentException(
                    "unk token \"%s\" is not among the special tokens %s".formatted(unkToken, specialTokens));
        }
    }

    /// A trainer without special tokens: an unknown character will be an error.
    public CharacterTrainer() {
        this(List.of(), null);
    }

    public CharacterTrainer withSpecialTokens(String... tokens) {
        return new CharacterTrainer(List.of(tokens), unkToken);
    }

    /// With a token for unknown characters, made the first special token unless it is one already.
    public CharacterTrainer withUnkToken(String token) {
        var tokens = new ArrayList<>(specialTokens);
        if (!tokens.contains(token)) {
            tokens.addFirst(token);
        }
        return new CharacterTrainer(tokens, token);
    }

    /// Takes the characters of whole files of UTF-8 text.
    ///
    /// @throws UncheckedIOException if a file cannot be read or is not UTF-8, naming it
    public Tokenizer train(List<Path> files) {
        var seen = new BitSet();
        for (Path file : files) {
            try (Reader text = Files.newBufferedReader(file)) {
                collect(text, seen);
            } catch (IOException e) {
                throw new UncheckedIOException("%s: cannot be read as UTF-8 text: %s".formatted(file, e.getMessage()),
                        e);
            }
        }
        return tokenizer(seen);
    }

    /// Takes the characters of one text of any size, read once.
    ///
    /// @throws UncheckedIOException if the text cannot be read
    public Tokenizer train(Reader text) {
        var seen = new BitSet();
        try {
            collect(text, seen);
        } catch (IOException e) {
            throw new UncheckedIOException("the text cannot be read on: " + e.getMessage(), e);
        }
        return tokenizer(seen);
    }

    /// Takes the characters of texts.
    public Tokenizer train(Iterable<String> texts) {
        var seen = new BitSet();
        texts.forEach(text -> Utf8.wellFormed(text).codePoints().forEach(seen::set));
        return tokenizer(seen);
    }

    private static void collect(Reader text, BitSet seen) throws IOException {
        char[] chunk = new char[1 << 14];
        char high = 0;
        for (int read = text.read(chunk); read >= 0; read = text.read(chunk)) {
            for (int i = 0; i < read; i++) {
                char c = chunk[i];
                if (high != 0) {
                    seen.set(Character.isLowSurrogate(c) ? Character.toCodePoint(high, c) : 0xFFFD);
                }
                if (Character.isLowSurrogate(c) && high == 0) {
                    seen.set(0xFFFD);
                } else if (!Character.isSurrogate(c)) {
                    seen.set(c);
                }
                high = Character.isHighSurrogate(c) ? c : 0;
            }
        }
        if (high != 0) {
            seen.set(0xFFFD);
        }
    }

    private Tokenizer tokenizer(BitSet characters) {
        var vocabulary = new Vocabulary(specialTokens.size() + characters.cardinality());
        specialTokens.forEach(vocabulary::add);
        characters.stream().forEach(c -> vocabulary.add(Character.toString(c)));
        var added = new ArrayList<AddedToken>();
        specialTokens.forEach(token -> added.add(AddedToken.special(vocabulary.idOrNone(token), token)));
        var config = JsonNodeFactory.instance.objectNode();
        var model = new Bpe(vocabulary, Bpe.Merges.NONE, Bpe.Options.PLAIN.withUnkToken(unkToken));
        return new Tokenizer(new TokenizerParts(added, null, null, model, null, new Decoder.Fuse(),
                SpecialTokens.roles(config, added), config, null, null), vocabulary);
    }
}
