package dev.weft.checkpoint;

import dev.weft.nn.Init;
import dev.weft.nn.WeightSource;
import dev.weft.tensor.DType;
import dev.weft.tensor.Device;
import dev.weft.tensor.Tensor;
import dev.weft.tensor.TensorScope;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// The weights of a checkpoint, for the constructor of a model.
///
/// Unless said otherwise they become float32, and where the file has that type already they are views of the mapped
/// file: loading copies nothing, and processes share the memory. Names of old files are translated: `LayerNorm.gamma`
/// and `.beta` are `LayerNorm.weight` and `.bias`. Weights that were handed out outlive the closed checkpoint.
public final class CheckpointWeights implements WeightSource, AutoCloseable {
    /// Where a weight lies, and under which name there.
    private record Place(TensorFile file, String name) {}

    private final List<TensorFile> files;
    private final Map<String, Place> places;
    private final @Nullable DType dtype;
    private final boolean ownCopies;
    private final Device device;

    private CheckpointWeights(List<TensorFile> files, Map<String, Place> places, @Nullable DType dtype,
            boolean ownCopies, Device device) {
        this.files = files;
        this.places = places;
        this.dtype = dtype;
        this.ownCopies = ownCopies;
        this.device = device;
    }

    /// The weights of a folder.
    ///
    /// @throws IllegalArgumentException if its files are missing, malformed, or hold a weight twice
    public static CheckpointWeights open(ModelFolder folder) {
        var files = new ArrayList<TensorFile>();
        try {
            folder.weightFiles().forEach(file -> files.add(TensorFile.open(file)));
            return of(files);
        } catch (RuntimeException e) {
            files.forEach(TensorFile::close);
            throw e;
        }
    }

    /// The weights of open files, which are closed with this.
    ///
    /// @throws IllegalArgumentException if two weights have one name
    public static CheckpointWeights of(List<? extends TensorFile> files) {
        var places = new LinkedHashMap<String, Place>();
        for (TensorFile file : files) {
            for (String name : file.names()) {
                Place other = places.put(modern(name), new Place(file, name));
                if (other != null) {
                    throw new IllegalArgumentException("`%s` stands twice: in %s as `%s` and in %s as `%s`".formatted(
                            modern(name), other.file().file(), other.name(), file.file(), name));
                }
            }
        }
        return new CheckpointWeights(List.copyOf(files), places, DType.FLOAT32, false, Device.CPU);
    }

    /// The same weights widened or narrowed to a floating type; integers stay as they are.
    public CheckpointWeights as(DType floating) {
        return new CheckpointWeights(files, places, floating, ownCopies, device);
    }

    /// The same weights in the types that the files have.
    public CheckpointWeights asStored() {
        return new CheckpointWeights(files, places, null, ownCopies, device);
    }

    /// The same weights in memory of their own, to be changed in place: training through a mapped file would copy page
    /// by page, in the middle of a step.
    public CheckpointWeights forTraining() {
        return new CheckpointWeights(files, places, dtype, true, device);
    }

    /// The same weights on a device: what a file has goes there in the file's type, and is widened or narrowed there.
    @Override
    public CheckpointWeights on(Device other) {
        return new CheckpointWeights(files, places, dtype, ownCopies, other);
    }

    @Override
    public Device device() {
        return device;
    }

    /// The type of most of the floating numbers in the files.
    public DType storedType() {
        var numbers = new EnumMap<DType, Long>(DType.class);
        places.values().forEach(place -> numbers.merge(place.file().dtype(place.name()),
                Arrays.stream(place.file().shape(place.name())).reduce(1, (a, b) -> a * b), Long::sum));
        return numbers.entrySet().stream().filter(each -> each.getKey().isFloating()).max(Map.Entry.comparingByValue())
                .map(Map.Entry::getKey).orElse(DType.FLOAT32);
    }

    private static String modern(String name) {
        if (name.endsWith(".gamma")) {
            return name.substring(0, name.length() - "gamma".length()) + "weight";
        }
        return name.endsWith(".beta") ? name.substring(0, name.length() - "beta".length()) + "bias" : name;
    }

    @Override
    public Set<String> names() {
        return Collections.unmodifiableSet(places.keySet());
    }

    @Override
    public boolean fits(String name, long... shape) {
        Place place = places.get(name);
        return place == null || Arrays.equals(place.file().shape(place.name()), shape);
    }

    @Override
    public Tensor read(String name, Init init, long... shape) {
        Place place = places.get(name);
        if (place == null) {
            throw new IllegalArgumentException("`%s`: expected %s, not found in %s; %s".formatted(name,
                    Arrays.toString(shape), where(), similar(name)));
        }
        long[] found = place.file().shape(place.name());
        if (!Arrays.equals(found, shape)) {
            throw new IllegalArgumentException(
                    "`%s`: expected %s, found %s in %s; check the sizes in config.json".formatted(
                            name, Arrays.toString(shape), Arrays.toString(found), place.file().file()));
        }
        return TensorScope.tidy(() -> {
            Tensor stored = place.file().tensor(place.name());
            Tensor here = stored.to(device);
            Tensor wanted = (dtype != null && here.dtype().isFloating() ? here.to(dtype) : here).contiguous();
            boolean view = wanted.sharesMemory(stored);
            return view && ownCopies ? wanted.copy() : wanted;
        }).unscoped();
    }

    private String where() {
        return files.size() == 1
                ? files.getFirst().file().toString()
                : "the %d files from %s on".formatted(files.size(), files.getFirst().file());
    }

    /// Names that end alike, the likeliest to be meant.
    private String similar(String name) {
        for (String end = name; end.contains("."); end = end.substring(end.indexOf('.') + 1)) {
            String last = end.substring(end.indexOf('.'));
            List<String> alike = places.keySet().stream().filter(each -> each.endsWith(last)).limit(3).toList();
            if (!alike.isEmpty()) {
                return "it holds `" + String.join("`, `", alike) + "`";
            }
        }
        return "it holds `%s`".formatted(String.join("`, `", places.keySet().stream().limit(3).toList()));
    }

    /// Lets go of the files; weights handed out stay valid.
    @Override
    public void close() {
        files.forEach(TensorFile::close);
    }
}
