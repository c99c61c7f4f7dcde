package dev.weft.checkpoint;

import dev.weft.tensor.DType;
import dev.weft.tensor.Tensor;
import dev.weft.tensor.TensorScope;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.WritableByteChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/// A safetensors file: eight bytes of header length, a JSON header of names, types, shapes and places, then the numbers.
/// <https://huggingface.co/docs/safetensors>.
///
/// The header is checked in full when the file is opened, so that what is there to be asked for can be read.
public final class Safetensors implements TensorFile {
    /// The limit of the published reader.
    private static final long MAX_HEADER_BYTES = 100_000_000;
    private static final int MAX_AXES = 64;
    private static final String METADATA = "__metadata__";

    /// In the order in which the published writer puts the numbers: wide types first, so that each is aligned.
    private static final Map<String, DType> TYPES = types();

    private record Place(DType dtype, long[] shape, long start, long end) {
        long elements() {
            return (end - start) / dtype.bytes();
        }
    }

    private final MappedFile file;
    private final Map<String, Place> places;
    private final Map<String, String> metadata;

    private Safetensors(MappedFile file, Map<String, Place> places, Map<String, String> metadata) {
        this.file = file;
        this.places = places;
        this.metadata = metadata;
    }

    private static Map<String, DType> types() {
        var types = new LinkedHashMap<String, DType>();
        types.put("I64", DType.INT64);
        types.put("F64", DType.FLOAT64);
        types.put("F32", DType.FLOAT32);
        types.put("I32", DType.INT32);
        types.put("BF16", DType.BFLOAT16);
        types.put("F16", DType.FLOAT16);
        types.put("I16", DType.INT16);
        types.put("I8", DType.INT8);
        types.put("U8", DType.UINT8);
        types.put("BOOL", DType.BOOL);
        return types;
    }

    /// Maps a file and checks its header.
    ///
    /// @throws IllegalArgumentException if it is missing, cut off or malformed
    public static Safetensors open(Path path) {
        MappedFile file = MappedFile.open(path);
        try {
            return read(file);
        } catch (RuntimeException e) {
            file.close();
            throw e;
        }
    }

    private static Safetensors read(MappedFile file) {
        if (file.size() < 8) {
            throw file.error("truncated: a safetensors file begins with 8 bytes of header length, found %d bytes"
                    .formatted(file.size()));
        }
        long length = file.read(0, 8).getLong();
        if (length < 0 || length > MAX_HEADER_BYTES) {
            throw file.error("header length %s is beyond the limit of %d bytes; this is no safetensors file"
                    .formatted(Long.toUnsignedString(length), MAX_HEADER_BYTES));
        }
        if (length > file.size() - 8) {
            throw file.error("truncated: the header says it has %d bytes, but only %d follow".formatted(length,
                    file.size() - 8));
        }
        Json header = Json.parse(file.path() + ": header", file.read(8, (int) length).array());
        var metadata = new LinkedHashMap<String, String>();
        var places = new LinkedHashMap<String, Place>();
        for (Map.Entry<String, JsonNode> entry : header.node().properties()) {
            if (entry.getKey().equals(METADATA)) {
                entry.getValue().properties()
                        .forEach(pair -> metadata.put(pair.getKey(), pair.getValue().asString("")));
            } else {
                places.put(entry.getKey(), place(file, entry.getKey(), entry.getValue(), 8 + length));
            }
        }
        requireNoHoles(file, places, 8 + length);
        return new Safetensors(file, places, Collections.unmodifiableMap(metadata));
    }

    private static Place place(MappedFile file, String name, JsonNode entry, long dataStart) {
        String type = entry.path("dtype").asString("");
        DType dtype = TYPES.get(type);
        if (dtype == null) {
            throw file.error("`%s` has the unknown dtype \"%s\"; known are %s".formatted(name, type,
                    String.join(", ", TYPES.keySet())));
        }
        long[] shape = longs(entry.path("shape"));
        long[] offsets = longs(entry.path("data_offsets"));
        if (shape == null || shape.length > MAX_AXES || Arrays.stream(shape).anyMatch(size -> size < 0)) {
            throw file.error("`%s`: shape must be a list of at most %d sizes of 0 or more, found %s".formatted(name,
                    MAX_AXES, entry.path("shape")));
        }
        long dataBytes = file.size() - dataStart;
        if (offsets == null || offsets.length != 2 || offsets[0] < 0 || offsets[1] < offsets[0]
                || offsets[1] > dataBytes) {
            throw file.error("`%s`: data_offsets %s lie outside the %d bytes of data; the file is truncated or broken"
                    .formatted(name, entry.path("data_offsets"), dataBytes));
        }
        long wanted = bytes(file, name, dtype, shape);
        if (wanted != offsets[1] - offsets[0]) {
            throw file.error("`%s`: %s of %s needs %d bytes, its data_offsets hold %d".formatted(name,
                    Arrays.toString(shape), dtype, wanted, offsets[1] - offsets[0]));
        }
        return new Place(dtype, shape, dataStart + offsets[0], dataStart + offsets[1]);
    }

    /// Overflow counts even beside a 0, since LibTorch computes strides without it.
    private static long bytes(MappedFile file, String name, DType dtype, long[] shape) {
        try {
            long product = dtype.bytes();
            for (long size : shape) {
                product = Math.multiplyExact(product, Math.max(size, 1));
            }
            return Arrays.stream(shape).anyMatch(size -> size == 0) ? 0 : product;
        } catch (ArithmeticException e) {
            throw file.error("`%s`: shape %s is larger than any file".formatted(name, Arrays.toString(shape)));
        }
    }

    private static long @Nullable [] longs(JsonNode list) {
        boolean fits = list.isArray()
                && list.valueStream().allMatch(value -> value.isIntegralNumber() && value.canConvertToLong());
        return fits ? list.valueStream().mapToLong(JsonNode::longValue).toArray() : null;
    }

    /// Every byte of data belongs to one tensor, so that nothing can hide in a file and nothing is read twice.
    private static void requireNoHoles(MappedFile file, Map<String, Place> places, long dataStart) {
        var inOrder = new ArrayList<>(places.entrySet());
        inOrder.sort(Comparator.comparingLong((Map.Entry<String, Place> entry) -> entry.getValue().start())
                .thenComparingLong(entry -> entry.getValue().end()));
        long at = dataStart;
        for (Map.Entry<String, Place> entry : inOrder) {
            Place place = entry.getValue();
            if (place.start() != at) {
                throw file.error(place.start() < at
                        ? "`%s` overlaps the tensor before it by %d bytes".formatted(entry.getKey(), at - place.start())
                        : "there is a hole of %d bytes before `%s`".formatted(place.start() - at, entry.getKey()));
            }
            at = place.end();
        }
        if (at != file.size()) {
            throw file.error("%d bytes at the end belong to no tensor".formatted(file.size() - at));
        }
    }

    @Override
    public Path file() {
        return file.path();
    }

    @Override
    public Set<String> names() {
        return Collections.unmodifiableSet(places.keySet());
    }

    @Override
    public DType dtype(String name) {
        return place(name).dtype();
    }

    @Override
    public long[] shape(String name) {
        return place(name).shape().clone();
    }

    @Override
    public Tensor tensor(String name) {
        Place place = place(name);
        return TensorScope
                .tidy(() -> file.elements(place.dtype(), place.start(), place.elements()).view(place.shape()));
    }

    /// Free text about the file; the published writer says `format` = `pt`.
    public Map<String, String> metadata() {
        return metadata;
    }

    private Place place(String name) {
        Place place = places.get(name);
        if (place == null) {
            throw file.error("has no tensor `%s`".formatted(name));
        }
        return place;
    }

    @Override
    public void close() {
        file.close();
    }

    /// Writes tensors, whole or not at all. The tensors may be views of the very file that is replaced.
    ///
    /// @param metadata free text; `format` = `pt` is added where it is missing, since other readers ask for it
    /// @throws java.io.UncheckedIOException if the disk is full or refuses; what was there before is unchanged
    public static void write(Path path, Map<String, Tensor> tensors, Map<String, String> metadata) {
        try (var staged = stage(path, tensors, metadata)) {
            staged.commit();
        }
    }

    static AtomicFile stage(Path path, Map<String, Tensor> tensors, Map<String, String> metadata) {
        long data = tensors.values().stream().mapToLong(Safetensors::bytes).sum();
        byte[] header = header(tensors, metadata);
        return AtomicFile.stage(path, data + header.length, channel -> write(channel, tensors, header));
    }

    static void write(WritableByteChannel channel, Map<String, Tensor> tensors, byte[] header) throws IOException {
        AtomicFile.writeFully(channel, header);
        for (String name : inOrder(tensors)) {
            tensors.get(name).writeTo(channel);
        }
    }

    /// Length and header, padded so that the data begins at a multiple of 8.
    static byte[] header(Map<String, Tensor> tensors, Map<String, String> metadata) {
        if (tensors.containsKey(METADATA)) {
            throw new IllegalArgumentException("A tensor cannot be called " + METADATA);
        }
        ObjectNode header = Json.object();
        var told = new TreeMap<>(metadata);
        told.putIfAbsent("format", "pt");
        told.forEach(header.putObject(METADATA)::put);
        long at = 0;
        for (String name : inOrder(tensors)) {
            Tensor tensor = tensors.get(name);
            ObjectNode entry = header.putObject(name).put("dtype", TYPES.entrySet()
                    .stream()
                    .filter(type -> type.getValue() == tensor.dtype())
                    .findFirst()
                    .orElseThrow()
                    .getKey());
            ArrayNode shape = entry.putArray("shape");
            Arrays.stream(tensor.shape()).forEach(shape::add);
            entry.putArray("data_offsets").add(at).add(at += bytes(tensor));
        }
        byte[] json = Json.compact(header).getBytes(StandardCharsets.UTF_8);
        int padded = (json.length + 7) / 8 * 8;
        byte[] whole = new byte[8 + padded];
        Arrays.fill(whole, 8 + json.length, whole.length, (byte) ' ');
        ByteBuffer.wrap(whole).order(ByteOrder.LITTLE_ENDIAN).putLong(padded).put(json);
        return whole;
    }

    private static List<String> inOrder(Map<String, Tensor> tensors) {
        List<DType> order = List.copyOf(TYPES.values());
        return tensors.keySet()
                .stream()
                .sorted(Comparator.comparingInt((String name) -> order.indexOf(tensors.get(name).dtype()))
                        .thenComparing(Comparator.naturalOrder()))
                .toList();
    }

    static long bytes(Tensor tensor) {
        return tensor.count() * tensor.dtype().bytes();
    }
}
