package dev.weft.train;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.zip.CRC32C;

/// Scalars for TensorBoard: `Event` messages of its protocol (event.proto, summary.proto) in the records of TFRecord,
/// each with masked CRC-32C sums.
final class EventFile implements AutoCloseable {
    private final OutputStream out;

    EventFile(Path run) throws IOException {
        long seconds = System.currentTimeMillis() / 1000;
        Path file = run.resolve("events.out.tfevents.%d.weft.%d".formatted(seconds, ProcessHandle.current().pid()));
        out = Files.newOutputStream(file);
        var version = new Message();
        version.time();
        version.bytes(3, "brain.Event:2".getBytes(StandardCharsets.UTF_8));
        record(version);
    }

    void scalar(String tag, long step, double number) {
        var entry = new Message();
        entry.bytes(1, tag.getBytes(StandardCharsets.UTF_8));
        entry.float32(2, (float) number);
        var summary = new Message();
        summary.bytes(1, entry.content());
        var event = new Message();
        event.time();
        event.int64(2, step);
        event.bytes(5, summary.content());
        record(event);
    }

    private void record(Message message) {
        byte[] content = message.content();
        byte[] length = little(8).putLong(content.length).array();
        try {
            out.write(length);
            out.write(little(4).putInt(maskedCrc(length)).array());
            out.write(content);
            out.write(little(4).putInt(maskedCrc(content)).array());
            out.flush();
        } catch (IOException e) {
            throw new UncheckedIOException(
                    "The TensorBoard file cannot be written: %s; make room and go on with --resume"
                            .formatted(e.getMessage()),
                    e);
        }
    }

    private static int maskedCrc(byte[] content) {
        var crc = new CRC32C();
        crc.update(content);
        int value = (int) crc.getValue();
        return Integer.rotateRight(value, 15) + 0xa282ead8;
    }

    private static ByteBuffer little(int bytes) {
        return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
    }

    /// The few field kinds of Protocol Buffers that events need.
    private static final class Message {
        private final ByteArrayOutputStream content = new ByteArrayOutputStream();

        void time() {
            varint(1 << 3 | 1);
            content.writeBytes(little(8).putDouble(System.currentTimeMillis() / 1000.0).array());
        }

        void int64(int field, long value) {
            varint(field << 3);
            varint(value);
        }

        void float32(int field, float value) {
            varint(field << 3 | 5);
            content.writeBytes(little(4).putFloat(value).array());
        }

        void bytes(int field, byte[] value) {
            varint(field << 3 | 2);
            varint(value.length);
            content.writeBytes(value);
        }

        private void varint(long value) {
            long rest = value;
            while ((rest & ~0x7FL) != 0) {
                content.write((int) (rest & 0x7F | 0x80));
                rest >>>= 7;
            }
            content.write((int) rest);
        }

        byte[] content() {
            return content.toByteArray();
        }
    }

    @Override
    public void close() throws IOException {
        out.close();
    }
}
