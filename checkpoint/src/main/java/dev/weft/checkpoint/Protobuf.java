package dev.weft.checkpoint;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/// The wire format of Protocol Buffers, of which a reader needs no more than this: fields by number, one after the other.
/// <https://protobuf.dev/programming-guides/encoding/>. What is not asked for is passed over without being read.
final class Protobuf {
    private static final int WINDOW = 1 << 16;
    private static final int MAX_TEXT = 1 << 16;
    /// Bytes of numbers that are spelt one by one.
    private static final int MAX_PACKED = 1 << 24;

    /// A field of a message.
    ///
    /// @param number what the schema calls it by
    /// @param value  of a number; of four or eight bytes their bits
    /// @param start  where its bytes begin, of a text, a message or packed numbers
    /// @param length how many these are; −1 for a number
    record Field(int number, long value, long start, long length) {}

    /// What is done with each field of a message.
    @FunctionalInterface
    interface Reader {
        void read(Field field);
    }

    private final MappedFile file;
    private ByteBuffer window = ByteBuffer.allocate(0);
    private long windowStart;
    private long at;

    Protobuf(MappedFile file) {
        this.file = file;
    }

    /// The fields of the message in these bytes, in their order; the reader may go down into one.
    ///
    /// @throws IllegalArgumentException if they are no message
    void fields(long start, long length, Reader reader) {
        long end = start + length;
        for (long next = start; next < end;) {
            at = next;
            Field field = field(end);
            next = at;
            reader.read(field);
        }
    }

    private Field field(long end) {
        long tag = varint(end);
        int number = (int) (tag >>> 3);
        int wire = (int) (tag & 7);
        switch (wire) {
            case 0 -> {
                return new Field(number, varint(end), at, -1);
            }
            case 1, 5 -> {
                int bytes = wire == 1 ? 8 : 4;
                long value = 0;
                for (int i = 0; i < bytes; i++) {
                    value |= (long) next(end) << 8 * i;
                }
                return new Field(number, value, at, -1);
            }
            case 2 -> {
                long length = varint(end);
                if (length < 0 || length > end - at) {
                    throw file.error(
                            "field %d at byte %d is said to have %s bytes, %d are left; was its download interrupted?"
                                    .formatted(number, at, Long.toUnsignedString(length), end - at));
                }
                long start = at;
                at += length;
                return new Field(number, 0, start, length);
            }
            default -> throw file.error("byte %d begins no field; this is no ONNX file".formatted(at - 1));
        }
    }

    private int next(long end) {
        if (at >= end) {
            throw file.error("a field ends too early at byte %d; was its download interrupted?".formatted(at));
        }
        if (at < windowStart || at >= windowStart + window.limit()) {
            windowStart = at;
            window = file.read(at, (int) Math.min(WINDOW, file.size() - at));
        }
        return Byte.toUnsignedInt(window.get((int) (at++ - windowStart)));
    }

    private long varint(long end) {
        long value = 0;
        for (int shift = 0; shift < 64; shift += 7) {
            int part = next(end);
            value |= (long) (part & 0x7F) << shift;
            if (part < 0x80) {
                return value;
            }
        }
        throw file.error("byte %d ends no number; this is no ONNX file".formatted(at - 1));
    }

    String text(Field field) {
        if (field.length() < 0 || field.length() > MAX_TEXT) {
            throw file.error("field %d at byte %d is no name".formatted(field.number(), field.start()));
        }
        return StandardCharsets.UTF_8.decode(file.read(field.start(), (int) field.length())).toString();
    }

    /// The whole numbers of a field: one, or several packed.
    ///
    /// @param most how many there may be
    long[] numbers(Field field, long most) {
        if (field.length() < 0) {
            return new long[]{field.value()};
        }
        if (field.length() > MAX_PACKED || field.length() / 10 > most) {
            throw file.error(
                    "field %d at byte %d has %d bytes of numbers, too many".formatted(field.number(), field.start(),
                            field.length()));
        }
        var numbers = new long[(int) field.length()];
        int count = 0;
        long end = field.start() + field.length();
        for (at = field.start(); at < end;) {
            numbers[count++] = varint(end);
        }
        return Arrays.copyOf(numbers, count);
    }
}
