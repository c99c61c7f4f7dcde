package dev.weft.text;

import java.io.IOException;
import java.io.Reader;
import java.io.UncheckedIOException;
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
public record CharacterTrainer(List<String> specialTokens, @Nullable String unkToken) implements TokenizerTrainer {
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

    @Override
    public Tokenizer train(Corpus corpus, TrainingProgress listener) {
        var seen = new BitSet();
        TrainingProgress progress = listener.interruptible();
        corpus.forEach(text -> {
            try {
                collect(text, seen, progress);
            } catch (IOException e) {
                throw new UncheckedIOException("the text cannot be read on: " + e.getMessage(), e);
            }
        });
        if (seen.isEmpty()) {
            throw new IllegalArgumentException(
                    "there is no character in the text: it is empty, and nothing can be learned from it");
        }
        return tokenizer(seen);
    }

    private static void collect(Reader text, BitSet seen, TrainingProgress progress) throws IOException {
        char[] chunk = new char[1 << 14];
        char high = 0;
        long done = 0;
        for (int read = text.read(chunk); read >= 0; read = text.read(chunk)) {
            done += read;
            progress.at("collecting characters", done, 0);
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
