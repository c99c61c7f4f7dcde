package dev.weft.checkpoint;

import dev.weft.tensor.DType;
import dev.weft.tensor.Tensor;
import dev.weft.tensor.TensorScope;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/// A file of `torch.save`, such as `pytorch_model.bin`: a zip file of one pickle and the numbers of each storage.
///
/// Only a dict of names to tensors is read, and nothing in the file is executed: a pickle that asks for anything but
/// tensors is refused. Files of PyTorch before 1.6 are no zip files and are refused too.
public final class TorchArchive implements TensorFile {
    private static final int MAX_PICKLE_BYTES = 100_000_000;
    private static final int MAX_AXES = 64;
    private static final Map<String, DType> STORAGES = Map.of("torch.DoubleStorage", DType.FLOAT64,
            "torch.FloatStorage", DType.FLOAT32, "torch.HalfStorage", DType.FLOAT16, "torch.BFloat16Storage",
            DType.BFLOAT16, "torch.LongStorage", DType.INT64, "torch.IntStorage", DType.INT32, "torch.ShortStorage",
            DType.INT16, "torch.CharStorage", DType.INT8, "torch.ByteStorage", DType.UINT8, "torch.BoolStorage",
            DType.BOOL);
    private static final String DICT = "collections.OrderedDict";
    private static final String TENSOR = "torch._utils._rebuild_tensor_v2";
    private static final String PARAMETER = "torch._utils._rebuild_parameter";

    /// Numbers of one type, from byte `start` of the file on.
    private record Storage(DType dtype, long start, long elements) {}

    /// A window on a storage, `offset` elements in.
    private record Window(Storage storage, long offset, long[] shape, long[] strides) {
        /// Elements from the first to the last, both included.
        long span() {
            long last = 0;
            for (int i = 0; i < shape.length; i++) {
                if (shape[i] == 0) {
                    return 0;
                }
                last = Math.addExact(last, Math.multiplyExact(shape[i] - 1, strides[i]));
            }
            return last + 1;
        }
    }

    private final MappedFile file;
    private final Map<String, Window> windows;

    private TorchArchive(MappedFile file, Map<String, Window> windows) {
        this.file = file;
        this.windows = windows;
    }

    /// Maps a file and reads its pickle.
    ///
    /// @throws IllegalArgumentException if it is missing, broken, or holds anything but tensors by name
    public static TorchArchive open(Path path) {
        MappedFile file = MappedFile.open(path);
        try {
            return new TorchArchive(file, read(file));
        } catch (RuntimeException e) {
            file.close();
            throw e;
        }
    }

    private static Map<String, Window> read(MappedFile file) {
        StoredZip zip = StoredZip.read(file);
        String pickle = zip.members()
                .keySet()
                .stream()
                .filter(name -> name.equals("data.pkl") || name.endsWith("/data.pkl"))
                .findFirst()
                .orElseThrow(() -> file.error("a zip file without data.pkl; torch.save did not write it"));
        String folder = pickle.substring(0, pickle.length() - "data.pkl".length());
        StoredZip.Member order = zip.members().get(folder + "byteorder");
        if (order != null && !text(file, order).equals("little")) {
            throw file.error("its byte order is not little-endian");
        }
        StoredZip.Member member = zip.members().get(pickle);
        if (member.length() > MAX_PICKLE_BYTES) {
            throw file.error(
                    "its pickle is %d bytes long; are numbers stored as Python lists?".formatted(member.length()));
        }
        Object root;
        try {
            root = Unpickler.read(file.read(member.start(), (int) member.length()), new Tensors(file, zip, folder));
        } catch (IllegalArgumentException e) {
            throw (IllegalArgumentException) file.error(String.valueOf(e.getMessage())).initCause(e);
        }
        if (!(root instanceof Map<?, ?> dict)) {
            throw file.error("holds no dict of tensors by name");
        }
        var windows = new LinkedHashMap<String, Window>();
        dict.forEach((name, value) -> {
            if (!(value instanceof Window window)) {
                throw file.error("`%s` is no tensor; save the state_dict() of the model alone".formatted(name));
            }
            windows.put((String) name, window);
        });
        return windows;
    }

    private static String text(MappedFile file, StoredZip.Member member) {
        return StandardCharsets.UTF_8.decode(file.read(member.start(), (int) Math.min(member.length(), 100)))
                .toString()
                .strip();
    }

    /// What a pickle of tensors may make.
    private record Tensors(MappedFile file, StoredZip zip, String folder) implements Unpickler.Constructors {
        @Override
        public boolean knows(String global) {
            return STORAGES.containsKey(global) || List.of(DICT, TENSOR, PARAMETER).contains(global);
        }

        @Override
        public Object call(String global, List<?> arguments) {
            return switch (global) {
                case DICT -> new LinkedHashMap<String, Object>();
                // tensor, requires_grad, hooks
                case PARAMETER -> arguments.getFirst();
                // storage, offset, size, stride, requires_grad, hooks
                case TENSOR -> window((Storage) arguments.get(0), (Long) arguments.get(1), longs(arguments.get(2)),
                        longs(arguments.get(3)));
                default -> throw new IllegalArgumentException("the pickle calls \"%s\"".formatted(global));
            };
        }

        private static long[] longs(Object list) {
            if (((List<?>) list).size() > MAX_AXES) {
                throw new IllegalArgumentException("a tensor of %d axes; PyTorch knows at most %d"
                        .formatted(((List<?>) list).size(), MAX_AXES));
            }
            return ((List<?>) list).stream().mapToLong(value -> (Long) value).toArray();
        }

        private static Window window(Storage storage, long offset, long[] shape, long[] strides) {
            var window = new Window(storage, offset, shape, strides);
            boolean fits = shape.length == strides.length && offset >= 0
                    && Arrays.stream(shape).allMatch(size -> size >= 0)
                    && Arrays.stream(strides).allMatch(step -> step >= 0);
            try {
                fits = fits && offset <= storage.elements() && window.span() <= storage.elements() - offset;
                // LibTorch counts elements and strides without looking for overflow.
                Arrays.stream(shape).map(size -> Math.max(size, 1)).reduce(8, Math::multiplyExact);
            } catch (ArithmeticException e) {
                fits = false;
            }
            if (!fits) {
                throw new IllegalArgumentException(
                        "a tensor of shape %s, strides %s and offset %d lies outside its %d numbers"
                                .formatted(Arrays.toString(shape), Arrays.toString(strides), offset,
                                        storage.elements()));
            }
            return window;
        }

        /// ("storage", type, key, device, number of elements)
        @Override
        public Object persistent(Object id) {
            var parts = (List<?>) id;
            DType dtype = STORAGES.get(((Unpickler.Global) parts.get(1)).name());
            String name = folder + "data/" + (String) parts.get(2);
            StoredZip.Member member = zip.members().get(name);
            if (!"storage".equals(parts.get(0)) || dtype == null || member == null) {
                throw new IllegalArgumentException("the numbers of `%s` are missing".formatted(name));
            }
            long elements = (Long) parts.get(4);
            if (elements < 0 || elements > member.length() / dtype.bytes()) {
                throw new IllegalArgumentException("`%s` has %d bytes for %d numbers of %s".formatted(name,
                        member.length(), elements, dtype));
            }
            return new Storage(dtype, member.start(), elements);
        }
    }

    @Override
    public Path file() {
        return file.path();
    }

    @Override
    public Set<String> names() {
        return Collections.unmodifiableSet(windows.keySet());
    }

    @Override
    public DType dtype(String name) {
        return window(name).storage().dtype();
    }

    @Override
    public long[] shape(String name) {
        return window(name).shape().clone();
    }

    @Override
    public Tensor tensor(String name) {
        Window window = window(name);
        Storage storage = window.storage();
        if (window.span() == 0) {
            return Tensor.empty(storage.dtype(), window.shape());
        }
        return TensorScope.tidy(() -> file
                .elements(storage.dtype(), storage.start() + window.offset() * storage.dtype().bytes(), window.span())
                .asStrided(window.shape(), window.strides()));
    }

    private Window window(String name) {
        Window window = windows.get(name);
        if (window == null) {
            throw file.error("has no tensor `%s`".formatted(name));
        }
        return window;
    }

    @Override
    public void close() {
        file.close();
    }
}
