package dev.weft.checkpoint;

import dev.weft.tensor.DType;
import dev.weft.tensor.Tensor;
import dev.weft.tensor.TensorScope;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// An ONNX file: its constants, named as the file names them, and the graph of operations that use them.
/// <https://onnx.ai/onnx/intro/concepts.html>. Numbers may lie beside it in files of external data.
///
/// Nothing of the graph is run; what a model of it says about names and sizes is another's business.
public final class Onnx implements TensorFile {
    private static final int MAX_AXES = 64;
    private static final int MAX_NODES = 1_000_000;
    private static final long MAX_SMALL = 1 << 20;
    private static final Map<Long, DType> TYPES = Map.ofEntries(Map.entry(1L, DType.FLOAT32),
            Map.entry(2L, DType.UINT8), Map.entry(3L, DType.INT8), Map.entry(5L, DType.INT16),
            Map.entry(6L, DType.INT32), Map.entry(7L, DType.INT64), Map.entry(9L, DType.BOOL),
            Map.entry(10L, DType.FLOAT16), Map.entry(11L, DType.FLOAT64), Map.entry(16L, DType.BFLOAT16));

    /// An operation.
    ///
    /// @param op     what it does: `MatMul`; of another set than ONNX's own with that before it: `com.microsoft.Attention`
    /// @param name   often the way to the module it was exported from: `/encoder/layer.0/output/dense/MatMul`
    /// @param module the way to that module as names of weights have it, `encoder.layer.0.output.dense`; empty if not known
    public record Node(String op, String name, String module, List<String> inputs, List<String> outputs,
            Map<String, Attribute> attributes) {}

    /// What is fixed about an operation: a number, a whole one or a text. The tensor of a `Constant` is under the name of its
    /// result among the constants.
    public record Attribute(double number, long integer, String text) {}

    /// Where the numbers of a constant lie.
    ///
    /// @param file where they lie as they are
    /// @param few  instead, numbers that the file spells one by one: whole ones, or the bits of small floats
    private record Place(DType dtype, long[] shape, MappedFile file, long start, long @Nullable [] few) {}

    private final MappedFile file;
    private final Map<Path, MappedFile> beside = new HashMap<>();
    private final Map<String, Place> places = new LinkedHashMap<>();
    private final List<Node> nodes = new ArrayList<>();
    private final List<String> outputs = new ArrayList<>();

    private Onnx(MappedFile file) {
        this.file = file;
    }

    /// Maps a file and reads its graph.
    ///
    /// @throws IllegalArgumentException if it is missing or broken, or a file of its external data is
    public static Onnx open(Path path) {
        var onnx = new Onnx(MappedFile.open(path));
        try {
            onnx.read();
            return onnx;
        } catch (RuntimeException e) {
            onnx.close();
            throw e;
        }
    }

    private void read() {
        var bytes = new Protobuf(file);
        bytes.fields(0, file.size(), field -> {
            if (field.number() == 7 && field.length() >= 0) {
                graph(bytes, field);
            }
        });
        if (nodes.isEmpty()) {
            throw file.error("holds no graph; is this an ONNX file?");
        }
    }

    private void graph(Protobuf bytes, Protobuf.Field graph) {
        bytes.fields(graph.start(), graph.length(), field -> {
            switch (field.number()) {
                case 1 -> node(bytes, message(field));
                case 5 -> constant(bytes, message(field), "");
                case 12 -> bytes.fields(message(field).start(), field.length(), part -> {
                    if (part.number() == 1) {
                        outputs.add(bytes.text(part));
                    }
                });
                case 15 -> throw file.error("holds sparse weights, which Weft does not read; export them dense");
                default -> {
                    // Names, documentation, shapes between: harmless.
                }
            }
        });
    }

    private Protobuf.Field message(Protobuf.Field field) {
        if (field.length() < 0) {
            throw file.error("field %d at byte %d is no message; this is no ONNX file".formatted(field.number(),
                    field.start()));
        }
        return field;
    }

    private void node(Protobuf bytes, Protobuf.Field message) {
        if (nodes.size() == MAX_NODES) {
            throw file.error("holds more than %d operations".formatted(MAX_NODES));
        }
        var inputs = new ArrayList<String>();
        var results = new ArrayList<String>();
        var texts = new HashMap<Integer, String>();
        var notes = new HashMap<String, String>();
        var fixed = new ArrayList<Protobuf.Field>();
        bytes.fields(message.start(), message.length(), field -> {
            switch (field.number()) {
                case 1 -> inputs.add(bytes.text(field));
                case 2 -> results.add(bytes.text(field));
                case 3, 4, 7 -> texts.put(field.number(), bytes.text(field));
                case 5 -> fixed.add(message(field));
                case 9 -> entry(bytes, field, notes);
                default -> {
                    // Documentation.
                }
            }
        });
        String set = texts.getOrDefault(7, "");
        String op = texts.getOrDefault(4, "");
        String name = texts.getOrDefault(3, "");
        var attributes = new LinkedHashMap<String, Attribute>();
        String constant = op.equals("Constant") && !results.isEmpty() ? results.getFirst() : "";
        fixed.forEach(attribute -> attribute(bytes, attribute, attributes, constant));
        nodes.add(new Node(set.isEmpty() || set.equals("ai.onnx") ? op : set + "." + op, name,
                module(name, notes.getOrDefault("pkg.torch.onnx.name_scopes", "")), List.copyOf(inputs),
                List.copyOf(results), attributes));
    }

    /// PyTorch's two exporters write the way to the module into the operation's name, or into a note beside it.
    private static String module(String name, String scopes) {
        if (!scopes.isEmpty()) {
            String[] way = scopes.replaceAll("[\\[\\]' ]", "").split(",", -1);
            return way.length < 2 ? "" : way[way.length - 2];
        }
        int end = name.lastIndexOf('/');
        return name.startsWith("/") && end > 0 ? name.substring(1, end).replace('/', '.') : "";
    }

    private void entry(Protobuf bytes, Protobuf.Field message, Map<String, String> into) {
        var both = new String[]{"", ""};
        bytes.fields(message(message).start(), message.length(), field -> {
            if (field.number() == 1 || field.number() == 2 && field.length() < MAX_SMALL) {
                both[field.number() - 1] = bytes.text(field);
            }
        });
        into.put(both[0], both[1]);
    }

    /// @param constant what its tensor is called; empty: it is not one that Weft looks at
    private void attribute(Protobuf bytes, Protobuf.Field message, Map<String, Attribute> into, String constant) {
        var texts = new String[]{"", ""};
        var numbers = new double[1];
        var integers = new long[1];
        bytes.fields(message.start(), message.length(), field -> {
            switch (field.number()) {
                case 1 -> texts[0] = bytes.text(field);
                case 2 -> numbers[0] = Float.intBitsToFloat((int) field.value());
                case 3 -> integers[0] = field.value();
                case 4 -> texts[1] = field.length() < 1000 ? bytes.text(field) : "";
                case 5 -> {
                    if (!constant.isEmpty()) {
                        constant(bytes, message(field), constant);
                    }
                }
                default -> {
                    // Lists, graphs inside.
                }
            }
        });
        into.put(texts[0], new Attribute(numbers[0], integers[0], texts[1]));
    }

    /// @param called what to call it, where it has no name of its own
    private void constant(Protobuf bytes, Protobuf.Field message, String called) {
        var axes = new ArrayList<Long>();
        var name = new String[]{called};
        var type = new long[2];
        var raw = new ArrayList<Protobuf.Field>();
        var spelt = new ArrayList<Protobuf.Field>();
        var external = new HashMap<String, String>();
        bytes.fields(message.start(), message.length(), field -> {
            switch (field.number()) {
                case 1 -> Arrays.stream(bytes.numbers(field, MAX_AXES)).forEach(axes::add);
                case 2 -> type[0] = field.value();
                case 4, 10 -> raw.add(message(field));
                case 5, 7 -> spelt.add(field);
                case 8 -> name[0] = called.isEmpty() ? bytes.text(field) : called;
                case 9 -> raw.add(message(field));
                case 13 -> entry(bytes, field, external);
                case 14 -> type[1] = field.value();
                case 3, 6, 11 ->
                    throw file.error("`%s` is in parts, texts or unsigned numbers, which Weft does not read"
                            .formatted(name[0]));
                default -> {
                    // Documentation.
                }
            }
        });
        DType dtype = TYPES.get(type[0]);
        if (dtype == null) {
            throw file
                    .error("`%s` is of ONNX's type %d, which Weft does not read; export the model in float32".formatted(
                            name[0], type[0]));
        }
        long[] shape = axes.stream().mapToLong(Long::longValue).toArray();
        long elements = elements(name[0], shape, dtype);
        Place place;
        if (type[1] == 1) {
            place = external(name[0], dtype, shape, elements, external);
        } else if (spelt.isEmpty()) {
            long start = raw.isEmpty() ? 0 : raw.getFirst().start();
            long length = raw.isEmpty() ? 0 : raw.getFirst().length();
            if (raw.size() > 1 || length != elements * dtype.bytes()) {
                throw file.error(
                        "`%s` has %d bytes in %d parts for %s numbers of %s".formatted(name[0], length, raw.size(),
                                elements, dtype));
            }
            place = new Place(dtype, shape, file, start, null);
        } else {
            if (dtype == DType.FLOAT32 || dtype == DType.FLOAT64) {
                throw file.error("`%s` is of %s and spells its numbers as whole ones".formatted(name[0], dtype));
            }
            place = new Place(dtype, shape, file, 0, spelt(bytes, name[0], spelt, elements));
        }
        if (places.put(name[0], place) != null) {
            throw file.error("`%s` stands twice".formatted(name[0]));
        }
    }

    private long elements(String name, long[] shape, DType dtype) {
        try {
            if (shape.length <= MAX_AXES && Arrays.stream(shape).allMatch(size -> size >= 0)) {
                Arrays.stream(shape).map(size -> Math.max(size, 1)).reduce(8, Math::multiplyExact);
                return Arrays.stream(shape).reduce(1, Math::multiplyExact);
            }
        } catch (ArithmeticException e) {
            // Said below.
        }
        throw file.error("`%s` cannot have the shape %s".formatted(name, Arrays.toString(shape)));
    }

    private long[] spelt(Protobuf bytes, String name, List<Protobuf.Field> fields, long elements) {
        long[] all = fields.stream().flatMapToLong(field -> Arrays.stream(bytes.numbers(field, elements))).toArray();
        if (all.length != elements) {
            throw file.error("`%s` has %d numbers, its shape asks for %d".formatted(name, all.length, elements));
        }
        return all;
    }

    private Place external(String name, DType dtype, long[] shape, long elements, Map<String, String> told) {
        String where = told.getOrDefault("location", "");
        String shown = MappedFile.oneLine(where);
        if (where.isEmpty() || !where.equals(shown) || where.equals("..")
                || where.chars().anyMatch(each -> "/\\:".indexOf(each) >= 0)) {
            throw file.error("`%s`: external data must lie in the same folder, found \"%s\"".formatted(name, shown));
        }
        Path folder = file.path().toAbsolutePath().getParent();
        Path path = folder.resolve(where);
        long start;
        try {
            start = Long.parseLong(told.getOrDefault("offset", "0"));
        } catch (NumberFormatException e) {
            throw file.error("`%s`: its offset in %s is no number".formatted(name, shown));
        }
        if (!Files.isRegularFile(path)) {
            throw file.error("names %s, which is missing; it belongs beside this file".formatted(shown));
        }
        MappedFile numbers = beside.computeIfAbsent(path, MappedFile::open);
        if (start < 0 || start > numbers.size() || elements > (numbers.size() - start) / dtype.bytes()) {
            throw file.error("`%s` lies beyond the end of %s; was its download interrupted?".formatted(name, shown));
        }
        return new Place(dtype, shape, numbers, start, null);
    }

    /// The operations, in the order of the file, in which each comes after those whose results it needs.
    public List<Node> nodes() {
        return Collections.unmodifiableList(nodes);
    }

    /// The names of what the graph gives.
    public List<String> outputs() {
        return Collections.unmodifiableList(outputs);
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
        long elements = Arrays.stream(place.shape()).reduce(1, (a, b) -> a * b);
        long[] few = place.few();
        return TensorScope.tidy(() -> {
            if (few == null) {
                return place.file().elements(place.dtype(), place.start(), elements).view(place.shape());
            }
            Tensor spelt = Tensor.of(few, place.shape());
            return place.dtype().isFloating() ? spelt.to(DType.INT16).viewAs(place.dtype()) : spelt.to(place.dtype());
        });
    }

    private Place place(String name) {
        Place place = places.get(name);
        if (place == null) {
            throw file.error("has no constant `%s`".formatted(name));
        }
        return place;
    }

    @Override
    public void close() {
        beside.values().forEach(MappedFile::close);
        file.close();
    }
}
