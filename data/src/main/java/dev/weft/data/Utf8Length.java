package dev.weft.data;

/// Bytes that a text has in UTF-8, without making them. A pair of surrogates, 4 bytes, counts 2 and 2: so a pair may be
/// divided between two texts.
final class Utf8Length {
    private Utf8Length() {}

    static long of(CharSequence text) {
        long bytes = 0;
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            bytes += c < 0x80 ? 1 : c < 0x800 || Character.isSurrogate(c) ? 2 : 3;
        }
        return bytes;
    }
}
