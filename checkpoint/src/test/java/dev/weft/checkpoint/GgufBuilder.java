package dev.weft.checkpoint;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/// Writes GGUF files, also such as no one should write.
final class GgufBuilder {
    static final int U32 = 4;
    static final int F32 = 6;
    static final int BOOL = 7;
    static final int TEXT = 8;
    static final int LIST = 9;
    static final int U64 = 10;

    private final ByteArrayOutputStream settings = new ByteArrayOutputStream();
    private final ByteArrayOutputStream tensors = new ByteArrayOutputStream();
    private final ByteArrayOutputStream data = new ByteArrayOutputStream();
    private long settingCount;
    private long tensorCount;
    private int version = 3;

    /// A llama of one layer with a hidden size of 4, its embedding and its queries.
    static GgufBuilder llama() {
        return new GgufBuilder().text("general.architecture", "llama").number("llama.block_count", 1)
                .number("llama.context_length", 8).number("llama.embedding_length", 4)
                .number("llama.attention.head_count", 1).real("llama.attention.layer_norm_rms_epsilon", 1e-5f)
                .floats("token_embd.weight", new long[]{2, 4}, 1, 2, 3, 4, 5, 6, 7, 8)
                .floats("blk.0.attn_q.weight", new long[]{4, 1}, 1, 2, 3, 4);
    }

    GgufBuilder version(int number) {
        version = number;
        return this;
    }

    GgufBuilder counts(long tensors, long settings) {
        tensorCount = tensors;
        settingCount = settings;
        return this;
    }

    GgufBuilder number(String name, int value) {
        return setting(name, U32, ints(value));
    }

    GgufBuilder real(String name, float value) {
        return setting(name, F32, ints(Float.floatToIntBits(value)));
    }

    GgufBuilder text(String name, String value) {
        return setting(name, TEXT, text(value));
    }

    GgufBuilder texts(String name, String... values) {
        var all = new ByteArrayOutputStream();
        for (String value : values) {
            all.writeBytes(text(value));
        }
        return list(name, TEXT, values.length, all.toByteArray());
    }

    GgufBuilder list(String name, int type, long count, byte[] values) {
        return setting(name, LIST, joined(ints(type), longs(count), values));
    }

    GgufBuilder setting(String name, int type, byte[] value) {
        settings.writeBytes(joined(text(name), ints(type), value));
        settingCount++;
        return this;
    }

    GgufBuilder floats(String name, long[] shape, float... values) {
        ByteBuffer bytes = ByteBuffer.allocate(values.length * 4).order(ByteOrder.LITTLE_ENDIAN);
        for (float value : values) {
            bytes.putFloat(value);
        }
        return tensor(name, 0, data.size(), bytes.array(), shape);
    }

    /// @param shape as PyTorch says it
    GgufBuilder tensor(String name, int type, long offset, byte[] bytes, long... shape) {
        tensors.writeBytes(joined(text(name), ints(shape.length)));
        for (int i = shape.length - 1; i >= 0; i--) {
            tensors.writeBytes(longs(shape[i]));
        }
        tensors.writeBytes(joined(ints(type), longs(offset)));
        tensorCount++;
        data.writeBytes(bytes);
        data.writeBytes(new byte[(32 - data.size() % 32) % 32]);
        return this;
    }

    byte[] bytes() {
        byte[] header = joined("GGUF".getBytes(StandardCharsets.US_ASCII), ints(version), longs(tensorCount),
                longs(settingCount), settings.toByteArray(), tensors.toByteArray());
        return joined(header, new byte[(32 - header.length % 32) % 32], data.toByteArray());
    }

    Path write(Path file) {
        try {
            return Files.write(file, bytes());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static byte[] text(String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        return joined(longs(bytes.length), bytes);
    }

    static byte[] ints(int value) {
        return ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN).putInt(value).array();
    }

    static byte[] longs(long value) {
        return ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(value).array();
    }

    static byte[] joined(byte[]... parts) {
        var all = new ByteArrayOutputStream();
        for (byte[] part : parts) {
            all.writeBytes(part);
        }
        return all.toByteArray();
    }
}
