package dev.weft.text;

import java.nio.charset.StandardCharsets;
import java.util.stream.IntStream;

/// The bytes that each id adds to a text, for those who follow a text byte by byte: half a character has its own.
final class IdBytes {
    private final Tokenizer tokenizer;
    private final Decoder decoder;
    /// An id that writes text, to stand before others; −1 for none.
    private final int before;

    private IdBytes(Tokenizer tokenizer, Decoder decoder, boolean first) {
        this.tokenizer = tokenizer;
        this.decoder = decoder;
        before = first
                ? -1
                : IntStream.range(0, tokenizer.vocabSize())
                        .filter(id -> tokenizer.token(id) != null && !tokenizer.isSpecial(id)
                                && tokenizer.decode(new int[]{id}).chars().anyMatch(Character::isLetter))
                        .findFirst().orElse(-1);
    }

    /// @param first whether the id stands at the beginning of the text
    /// @throws IllegalArgumentException if the text of an id depends on the one after it
    static byte[][] of(Tokenizer tokenizer, Decoder decoder, boolean first) {
        if (has(decoder, Decoder.Bpe.class) || has(decoder, Decoder.Ctc.class)) {
            throw new IllegalArgumentException(
                    "With this tokenizer the text of a token depends on the next one (its decoder is %s): no bytes can be said of one token"
                            .formatted(decoder.getClass().getSimpleName()));
        }
        var bytes = new IdBytes(tokenizer, decoder, first);
        return IntStream.range(0, tokenizer.vocabSize()).mapToObj(bytes::of).toArray(byte[][]::new);
    }

    private static boolean has(Decoder decoder, Class<? extends Decoder> kind) {
        return kind.isInstance(decoder)
                || decoder instanceof Decoder.Sequence(var parts)
                        && parts.stream().anyMatch(part -> has(part, kind));
    }

    private byte[] of(int id) {
        String token = tokenizer.token(id);
        if (token == null) {
            return new byte[0];
        }
        if (has(decoder, Decoder.ByteLevel.class)) {
            return inAlphabet(token);
        }
        int value = has(decoder, Decoder.ByteFallback.class) || decoder instanceof Decoder.SentencePiece
                ? ByteTokens.valueOf(token)
                : -1;
        // The decoder may take a space off, which is a byte like others; what is part of a character stays.
        if (value >= 0x80) {
            return new byte[]{(byte) value};
        }
        String behind = before < 0 ? "" : tokenizer.decode(new int[]{before});
        String text = tokenizer.decode(before < 0 ? new int[]{id} : new int[]{before, id});
        return text.startsWith(behind) ? text.substring(behind.length()).getBytes(StandardCharsets.UTF_8) : new byte[0];
    }

    /// A token outside the alphabet stands for its own text, as in decoding.
    private static byte[] inAlphabet(String token) {
        byte[] bytes = new byte[token.length()];
        for (int i = 0; i < bytes.length; i++) {
            int value = ByteAlphabet.byteOf(token.charAt(i));
            if (value < 0) {
                return token.getBytes(StandardCharsets.UTF_8);
            }
            bytes[i] = (byte) value;
        }
        return bytes;
    }
}
