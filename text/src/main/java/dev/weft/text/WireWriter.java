package dev.weft.text;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;

/// A message of Protocol Buffers, field by field: what [WireReader] reads.
final class WireWriter {
    private final ByteArrayOutputStream out = new ByteArrayOutputStream();

    WireWriter varint(int field, long value) {
        raw((long) field << 3);
        raw(value);
        return this;
    }

    WireWriter flag(int field, boolean value) {
        return varint(field, value ? 1 : 0);
    }

    WireWriter float32(int field, float value) {
        raw((long) field << 3 | 5);
        int bits = Float.floatToIntBits(value);
        for (int shift = 0; shift < 32; shift += 8) {
            out.write(bits >>> shift);
        }
        return this;
    }

    WireWriter bytes(int field, byte[] bytes) {
        raw((long) field << 3 | 2);
        raw(bytes.length);
        out.writeBytes(bytes);
        return this;
    }

    WireWriter string(int field, String text) {
        return bytes(field, text.getBytes(StandardCharsets.UTF_8));
    }

    WireWriter message(int field, WireWriter message) {
        return bytes(field, message.toBytes());
    }

    byte[] toBytes() {
        return out.toByteArray();
    }

    /// Seven bits a byte, the lowest first; a negative number has ten bytes.
    private void raw(long value) {
        long rest = value;
        while ((rest & ~0x7FL) != 0) {
            out.write((int) rest & 0x7F | 0x80);
            rest >>>= 7;
        }
        out.write((int) rest);
    }
}
