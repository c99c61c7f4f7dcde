package dev.weft.text;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/// The fields of a message of Protocol Buffers, one after the other: <https://protobuf.dev/programming-guides/encoding/>.
/// What a message nests is again such a reader. A length that reaches beyond the message is refused.
final class WireReader {
    private static final int VARINT = 0;
    private static final int FIXED64 = 1;
    private static final int BYTES = 2;
    private static final int FIXED32 = 5;

    private final Path file;
    private final String what;
    private final byte[] bytes;
    private final int end;
    private int at;
    private int field;
    private int type;

    private WireReader(Path file, String what, byte[] bytes, int from, int end) {
        this.file = file;
        this.what = what;
        this.bytes = bytes;
        at = from;
        this.end = end;
    }

    /// `what` names the kind of file in complaints.
    static WireReader of(Path file, String what, byte[] bytes) {
        return new WireReader(file, what, bytes, 0, bytes.length);
    }

    IllegalArgumentException error(String problem) {
        return new IllegalArgumentException(OneLine.of(
                "%s: not %s: byte %d: %s; is the download complete?".formatted(file, what, at, problem)));
    }

    /// Goes to the next field; false at the end of the message.
    boolean next() {
        if (at == end) {
            return false;
        }
        long tag = rawVarint();
        field = (int) (tag >>> 3);
        type = (int) tag & 7;
        if (tag >>> 3 == 0 || tag >>> 32 != 0 || type > FIXED32 || type == 3 || type == 4) {
            throw error("there is no field %d of wire type %d".formatted(tag >>> 3, type));
        }
        return true;
    }

    int field() {
        return field;
    }

    void skip() {
        switch (type) {
            case VARINT -> rawVarint();
            case FIXED64 -> move(8);
            case BYTES -> move(length());
            default -> move(4);
        }
    }

    long varint() {
        expect(VARINT);
        return rawVarint();
    }

    boolean flag() {
        return varint() != 0;
    }

    float float32() {
        expect(FIXED32);
        int from = at;
        move(4);
        return ByteBuffer.wrap(bytes, from, 4).order(ByteOrder.LITTLE_ENDIAN).getFloat();
    }

    WireReader message() {
        expect(BYTES);
        int length = length();
        move(length);
        return new WireReader(file, what, bytes, at - length, at);
    }

    byte[] bytes() {
        WireReader message = message();
        byte[] copy = new byte[message.end - message.at];
        System.arraycopy(bytes, message.at, copy, 0, copy.length);
        return copy;
    }

    String string() {
        byte[] utf8 = bytes();
        try {
            return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(utf8)).toString();
        } catch (CharacterCodingException e) {
            throw error("a text before here is not UTF-8");
        }
    }

    private void expect(int expected) {
        if (type != expected) {
            throw error("field %d has wire type %d instead of %d".formatted(field, type, expected));
        }
    }

    private int length() {
        long length = rawVarint();
        if (length < 0 || length > end - at) {
            throw error("field %d wants %s bytes where %d are left".formatted(field, Long.toUnsignedString(length),
                    end - at));
        }
        return (int) length;
    }

    private void move(int length) {
        if (length > end - at) {
            throw error("field %d wants %d bytes where %d are left".formatted(field, length, end - at));
        }
        at += length;
    }

    private long rawVarint() {
        long value = 0;
        for (int shift = 0; shift < 64; shift += 7) {
            if (at == end) {
                throw error("it ends in the middle of a number");
            }
            byte b = bytes[at++];
            value |= (long) (b & 0x7F) << shift;
            if (b >= 0) {
                return value;
            }
        }
        throw error("a number has more than ten bytes");
    }
}
