package dev.weft.checkpoint;

import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/// What stands before the numbers of a GGUF file: settings by name, lists by name, and where each tensor lies.
///
/// The format is that of `gguf.md` in ggml, versions 2 and 3, little-endian. Every length and count is held against what
/// is left of the file before anything is made of that size.
///
/// @param metadata the settings; a short list of numbers is one of them
/// @param lists    where the other lists stand, such as the tokens of a vocabulary
/// @param tensors  in the order of the file, by the names that ggml gives them
record GgufHeader(MappedFile file, Json metadata, Map<String, Listed> lists, Map<String, GgmlTensor> tensors) {
    private static final int MAGIC = 0x46554747; // "GGUF"
    private static final int MAX_ENTRIES = 100_000;
    private static final int MAX_TEXT_BYTES = 100_000_000;
    private static final int MAX_LIST = 4_000_000;
    private static final int SHORT_LIST = 100;
    private static final int MAX_AXES = 4;
    private static final int TEXT = 8;
    private static final int LIST = 9;

    /// A list of `count` values of one type, from byte `start` on.
    record Listed(int type, int count, long start) {}

    static GgufHeader read(MappedFile file) {
        var in = new Cursor(file);
        if (file.size() < 24 || in.integer("the header") != MAGIC) {
            throw file.error("this is no GGUF file: it does not begin with GGUF and 20 bytes more");
        }
        int version = in.integer("the header");
        if (version != 2 && version != 3) {
            throw file.error(Integer.reverseBytes(version) == 2 || Integer.reverseBytes(version) == 3
                    ? "a big-endian GGUF file; Weft reads little-endian ones"
                    : "GGUF version %s; Weft reads 2 and 3".formatted(Integer.toUnsignedString(version)));
        }
        long tensorCount = in.count("the number of tensors", 24, MAX_ENTRIES);
        long entryCount = in.count("the number of settings", 13, MAX_ENTRIES);
        ObjectNode settings = Json.object();
        var lists = new LinkedHashMap<String, Listed>();
        for (long i = 0; i < entryCount; i++) {
            String name = in.text("the name of a setting");
            if (settings.has(name) || lists.containsKey(name)) {
                throw file.error("the setting \"%s\" stands twice".formatted(name));
            }
            in.value(name, in.integer(name), settings, lists);
        }
        var header = new GgufHeader(file, Json.of(file.path().toString(), settings), lists, new LinkedHashMap<>());
        header.readTensors(in, tensorCount);
        return header;
    }

    private void readTensors(Cursor in, long count) {
        int alignment = metadata.positive("general.alignment", 32);
        if (Integer.bitCount(alignment) != 1) {
            throw metadata.mustBe("general.alignment", "a power of two");
        }
        for (long i = 0; i < count; i++) {
            String name = in.text("the name of a tensor");
            if (tensors.put(name, tensor(in, name, alignment)) != null) {
                throw file.error("`%s` stands twice".formatted(name));
            }
        }
        long data = (in.at() + alignment - 1) / alignment * alignment;
        tensors.replaceAll((name, tensor) -> placed(name, tensor, data));
        requireNoOverlap();
    }

    /// A tensor whose start counts from that of the data.
    private GgmlTensor tensor(Cursor in, String name, int alignment) {
        int axes = in.integer(name);
        if (axes < 0 || axes > MAX_AXES) {
            throw file.error("`%s` has %s axes; ggml knows at most %d".formatted(name, Integer.toUnsignedString(axes),
                    MAX_AXES));
        }
        long[] shape = new long[axes];
        for (int i = axes - 1; i >= 0; i--) {
            shape[i] = in.number(name);
        }
        int number = in.integer(name);
        GgmlType type = GgmlType.of(number)
                .orElseThrow(() -> file.error(
                        "`%s` is stored as ggml's type %s, which Weft does not read; known are %s. Convert the file to Q8_0"
                                .formatted(name, Integer.toUnsignedString(number), GgmlType.known())));
        long offset = in.number(name);
        if (offset < 0 || offset % alignment != 0) {
            throw file.error("`%s`: its offset %s is no multiple of %d".formatted(name, Long.toUnsignedString(offset),
                    alignment));
        }
        return new GgmlTensor(file, type, shape, elements(name, type, shape), offset);
    }

    private long elements(String name, GgmlType type, long[] shape) {
        boolean whole = shape.length == 0
                ? type.blockElements() == 1
                : shape[shape.length - 1] % type.blockElements() == 0;
        if (!whole || Arrays.stream(shape).anyMatch(size -> size < 0)) {
            throw file.error("`%s`: shape %s does not fit %s, whose rows are blocks of %d".formatted(name,
                    Arrays.toString(shape), type, type.blockElements()));
        }
        try {
            // Overflow counts even beside a 0, since LibTorch computes strides without it. 8 bytes is the widest type.
            Arrays.stream(shape).map(size -> Math.max(size, 1)).reduce(8, Math::multiplyExact);
        } catch (ArithmeticException e) {
            throw file.error("`%s`: shape %s is larger than any file".formatted(name, Arrays.toString(shape)));
        }
        return Arrays.stream(shape).reduce(1, (product, size) -> product * size);
    }

    private GgmlTensor placed(String name, GgmlTensor tensor, long data) {
        long left = file.size() - data;
        if (tensor.start() > left || tensor.bytes() > left - tensor.start()) {
            throw file.error("truncated: `%s` needs %d bytes from %d on, but only %d bytes of data follow the header"
                    .formatted(name, tensor.bytes(), tensor.start(), Math.max(left, 0)));
        }
        return new GgmlTensor(file, tensor.type(), tensor.shape(), tensor.elements(), data + tensor.start());
    }

    private void requireNoOverlap() {
        var inOrder = new ArrayList<>(tensors.entrySet());
        inOrder.removeIf(entry -> entry.getValue().elements() == 0);
        inOrder.sort(Comparator.comparingLong(entry -> entry.getValue().start()));
        long end = 0;
        for (Map.Entry<String, GgmlTensor> entry : inOrder) {
            long start = entry.getValue().start();
            if (start < end) {
                throw file.error("`%s` overlaps the tensor before it by %d bytes".formatted(entry.getKey(),
                        end - start));
            }
            end = start + entry.getValue().bytes();
        }
    }

    /// The texts of a list.
    ///
    /// @throws IllegalArgumentException if it is a list of something else
    Optional<List<String>> texts(String name) {
        return Optional.ofNullable(lists.get(name)).map(list -> {
            if (list.type() != TEXT) {
                throw file.error("\"%s\" must be a list of texts".formatted(name));
            }
            var in = new Cursor(file);
            in.moveTo(list.start());
            var texts = new ArrayList<String>(list.count());
            for (int i = 0; i < list.count(); i++) {
                texts.add(in.text(name));
            }
            return texts;
        });
    }

    /// The numbers of a list.
    ///
    /// @throws IllegalArgumentException if it is a list of something else
    Optional<List<Double>> numbers(String name) {
        if (metadata.has(name)) {
            return Optional.of(metadata.numbers(name));
        }
        return Optional.ofNullable(lists.get(name)).map(list -> {
            if (list.type() == TEXT) {
                throw file.error("\"%s\" must be a list of numbers".formatted(name));
            }
            var in = new Cursor(file);
            in.moveTo(list.start());
            ArrayNode values = Json.object().putArray("values");
            for (int i = 0; i < list.count(); i++) {
                in.scalar(name, list.type(), values);
            }
            return values.valueStream().map(value -> value.doubleValue(0)).toList();
        });
    }

    /// Reads on through the file, a window at a time: a header may be of some bytes or of many megabytes.
    private static final class Cursor {
        private static final int WINDOW = 1 << 16;

        private final MappedFile file;
        private ByteBuffer window = ByteBuffer.allocate(0);
        private long windowEnd;
        private long textBytes;

        Cursor(MappedFile file) {
            this.file = file;
        }

        long at() {
            return windowEnd - window.remaining();
        }

        void moveTo(long place) {
            window = ByteBuffer.allocate(0);
            windowEnd = place;
        }

        private long left() {
            return file.size() - at();
        }

        private ByteBuffer next(String what, int bytes) {
            if (window.remaining() < bytes) {
                if (bytes > left()) {
                    throw file.error("truncated: the file ends within \"%s\"".formatted(what));
                }
                long at = at();
                int length = (int) Math.min(Math.max(bytes, WINDOW), left());
                window = file.read(at, length).order(ByteOrder.LITTLE_ENDIAN);
                windowEnd = at + length;
            }
            return window;
        }

        private void skip(String what, long bytes) {
            if (bytes > left()) {
                throw file.error("truncated: the file ends within \"%s\"".formatted(what));
            }
            if (bytes <= window.remaining()) {
                window.position(window.position() + (int) bytes);
            } else {
                moveTo(at() + bytes);
            }
        }

        int integer(String what) {
            return next(what, 4).getInt();
        }

        long number(String what) {
            return next(what, 8).getLong();
        }

        /// How many things follow, each of at least `leastBytes`.
        long count(String what, int leastBytes, int most) {
            long count = number(what);
            if (count < 0 || count > most || count > left() / leastBytes) {
                throw file.error("%s is %s, but %d bytes follow and the limit is %d; the file is truncated or broken"
                        .formatted(what, Long.toUnsignedString(count), left(), most));
            }
            return count;
        }

        private int textLength(String what) {
            return (int) count("the length of \"%s\"".formatted(what), 1, MAX_TEXT_BYTES);
        }

        String text(String what) {
            int length = textLength(what);
            textBytes += length;
            if (textBytes > MAX_TEXT_BYTES) {
                throw file.error("more than %d bytes of texts at \"%s\"".formatted(MAX_TEXT_BYTES, what));
            }
            byte[] bytes = new byte[length];
            next(what, length).get(bytes);
            return new String(bytes, StandardCharsets.UTF_8);
        }

        /// A value into the settings, or where a list stands into the lists.
        void value(String name, int type, ObjectNode settings, Map<String, Listed> lists) {
            ArrayNode values = Json.object().putArray("values");
            if (type != LIST) {
                scalar(name, type, values);
                settings.set(name, values.get(0));
                return;
            }
            int inner = integer(name);
            int bytes = inner == TEXT ? 8 : scalarBytes(name, inner);
            int count = (int) count("the length of the list \"%s\"".formatted(name), bytes, MAX_LIST);
            if (inner != TEXT && count <= SHORT_LIST) {
                for (int i = 0; i < count; i++) {
                    scalar(name, inner, values);
                }
                settings.set(name, values);
                return;
            }
            lists.put(name, new Listed(inner, count, at()));
            if (inner == TEXT) {
                for (int i = 0; i < count; i++) {
                    skip(name, textLength(name));
                }
            } else {
                skip(name, (long) count * bytes);
            }
        }

        private int scalarBytes(String name, int type) {
            return switch (type) {
                case 0, 1, 7 -> 1;
                case 2, 3 -> 2;
                case 4, 5, 6 -> 4;
                case 10, 11, 12 -> 8;
                case LIST -> throw file.error("\"%s\" is a list of lists, which no known writer makes".formatted(name));
                default -> throw file.error("\"%s\" has the unknown type %s".formatted(name,
                        Integer.toUnsignedString(type)));
            };
        }

        void scalar(String name, int type, ArrayNode to) {
            if (type == TEXT) {
                to.add(text(name));
                return;
            }
            ByteBuffer in = next(name, scalarBytes(name, type));
            switch (type) {
                case 0 -> to.add(Byte.toUnsignedInt(in.get()));
                case 1 -> to.add(in.get());
                case 2 -> to.add(Short.toUnsignedInt(in.getShort()));
                case 3 -> to.add(in.getShort());
                case 4 -> to.add(Integer.toUnsignedLong(in.getInt()));
                case 5 -> to.add(in.getInt());
                // The number that was meant: 1e-5 and not 9.99999974e-06.
                case 6 -> to.add(Double.parseDouble(Float.toString(in.getFloat())));
                case 7 -> to.add(flag(name, in.get()));
                case 10 -> to.add(new BigInteger(Long.toUnsignedString(in.getLong())));
                case 11 -> to.add(in.getLong());
                default -> to.add(in.getDouble());
            }
        }

        private boolean flag(String name, byte value) {
            if (value != 0 && value != 1) {
                throw file.error("\"%s\" must be true or false, that is 1 or 0, found %d".formatted(name, value));
            }
            return value == 1;
        }
    }
}
