package dev.weft.tensor;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.Loader;
import org.bytedeco.openblas.presets.openblas_nolapack;
import org.bytedeco.pytorch.global.torch;

/// How LibTorch is started: native memory limits, BLAS, threads.
///
/// Everything here is decided once, before the first native class loads; a property that the user set wins.
public final class Engine {
    private static volatile boolean started;
    private static boolean starting;
    private static final String MKL = "org/bytedeco/mkl/linux-x86_64/libmkl_rt.so.2";

    static {
        // The limits of JavaCPP count what the process holds against the Java heap's size; tensors are not heap.
        preset("org.bytedeco.javacpp.maxBytes", "0");
        preset("org.bytedeco.javacpp.maxPhysicalBytes", "0");
        // Scopes free tensors; without this every native object takes a global lock (1.2 µs instead of 2.1 a call).
        preset("org.bytedeco.javacpp.nopointergc", "true");
        if (onClassPath(MKL)) {
            preset("org.bytedeco.openblas.load", "mkl");
        }
    }

    private Engine() {}

    /// Loads the native libraries and settles threads; later calls do nothing.
    ///
    /// @throws TensorException if there are none for this platform, or they cannot be unpacked
    public static void start() {
        if (!started) {
            startOnce();
        }
    }

    private static synchronized void startOnce() {
        if (started || starting) {
            return;
        }
        int count = threadsWanted();
        packs();
        starting = true;
        // Extraction fails with an Error of many lines where the cache folder cannot be written.
        try {
            LibraryCache.during(
                    "ready: libtorch %s, %s".formatted(bindingVersion(), blas()),
                    () -> {
                        // MKL shall run on LibTorch's own OpenMP threads: its default brings a second pool, whose idle
                        // threads spin and take the cores from the first.
                        torch.set_env("MKL_THREADING_LAYER", "GNU", false);
                        torch.set_num_interop_threads(1);
                        // OpenBLAS is loaded here, if it is not MKL.
                        threads(count);
                    });
            started = true;
        } catch (UnsatisfiedLinkError | NoClassDefFoundError | ExceptionInInitializerError e) {
            throw new TensorException(notLoaded(e), e);
        } finally {
            starting = false;
        }
    }

    private static int threadsWanted() {
        String told = System.getProperty("weft.threads", "" + physicalCores());
        if (!told.matches("[1-9][0-9]{0,3}")) {
            throw new IllegalArgumentException(
                    "weft.threads must be a whole number of at least 1, found \"" + told + '"');
        }
        return Integer.parseInt(told);
    }

    /// Whether weights may stand in memory a second time, in the order in which products read them.
    static boolean packs() {
        String told = System.getProperty("weft.pack", "true");
        return switch (told) {
            case "true" -> true;
            case "false" -> false;
            default -> throw new IllegalArgumentException("weft.pack must be true or false, found \"" + told + '"');
        };
    }

    private static String bindingVersion() {
        try {
            return Loader.getVersion("org.bytedeco", "pytorch");
        } catch (IOException e) {
            return "of unknown version";
        }
    }

    private static String notLoaded(Throwable failure) {
        String platform = Loader.getPlatform();
        return onClassPath("org/bytedeco/pytorch/" + platform + "/") || onClassPath("org/bytedeco/pytorch/" + platform
                + "/" + System.mapLibraryName("jnitorch"))
                        ? ("LibTorch could not be loaded on %s (%s); see that %s can be written and has 1 GB of room, or "
                                + "name another folder with -Dorg.bytedeco.javacpp.cachedir=DIR").formatted(platform,
                                        failure.getMessage(), LibraryCache.folder())
                        : ("LibTorch for %s is not on the class path; add org.bytedeco:pytorch, openblas and javacpp with "
                                + "the classifier %s (docs/embedding.md)").formatted(platform, platform);
    }

    /// One setting for every pool: LibTorch's own and the BLAS's.
    public static void threads(int count) {
        FastPath.judgeAnew();
        if (count < 1) {
            throw new IllegalArgumentException("threads must be at least 1, found " + count);
        }
        start();
        torch.set_num_threads(count);
        if (!usesMkl()) {
            openblas_nolapack.blas_set_num_threads(count);
        }
    }

    /// How many threads share an operation.
    public static int threads() {
        start();
        return torch.get_num_threads();
    }

    /// Whether matrix products in bfloat16 are faster than in float32 here: AVX512-BF16 or AMX on x86-64, CUDA.
    public static boolean fastBfloat16(Device device) {
        return switch (device.kind()) {
            case CUDA -> true;
            case MPS, STAND_IN -> false;
            case CPU -> (cpuFlags().contains("avx512_bf16") || cpuFlags().contains("amx_bf16")
                    || cpuFlags().contains("bf16")) && FastPath.BFLOAT16.proven("products", Engine::bfloat16Trial);
        };
    }

    /// Products in bfloat16 against those of the same numbers in float32, with odd ends.
    private static FastPath.Trial bfloat16Trial() {
        var trial = new FastPath.Trial(0);
        try (var random = Randomness.seeded(1)) {
            for (long[] sizes : new long[][]{{1, 300, 1001}, {7, 77, 300}, {65, 129, 67}}) {
                Tensor x = random.normal(0, 1, sizes[0], sizes[1]).to(DType.BFLOAT16);
                Tensor weight = random.normal(0, 1, sizes[2], sizes[1]).to(DType.BFLOAT16);
                trial = trial.and(FastPath.Trial.of(Kernels.plainLinear(x, weight, null, false),
                        Kernels.plainLinear(x.to(DType.FLOAT32), weight.to(DType.FLOAT32), null, false),
                        FastPath.Trial.rounding(DType.BFLOAT16, sizes[1])));
            }
        }
        return trial;
    }

    /// What `weft doctor` prints: versions, BLAS, instruction set, threads, devices.
    public static Map<String, String> describe() {
        start();
        var facts = new LinkedHashMap<String, String>();
        facts.put("weft", Weft.version());
        facts.put("java", System.getProperty("java.version") + " (" + System.getProperty("java.vm.name") + ")");
        facts.put("platform", System.getProperty("os.name") + " " + System.getProperty("os.arch"));
        facts.put("libtorch", torchVersion());
        facts.put("instructions", string(torch.get_cpu_capability()));
        facts.put("bfloat16", fastBfloat16(Device.CPU) ? "fast on this CPU" : "emulated on this CPU");
        facts.put("blas", blas());
        facts.put("threads", threads() + " (" + physicalCores() + " physical cores)");
        facts.put("cuda", torch.cuda_is_available() ? "yes" : "no");
        facts.put("mps", torch.hasMPS() ? "yes" : "no");
        facts.put("native memory", Long.parseLong(System.getProperty("org.bytedeco.javacpp.maxPhysicalBytes")) == 0
                ? "limited by the machine"
                : System.getProperty("org.bytedeco.javacpp.maxPhysicalBytes") + " bytes");
        facts.put("library cache", LibraryCache.folder().toString());
        return facts;
    }

    /// Resident memory of this process in bytes; 0 where the system does not tell.
    public static long residentBytes() {
        return statusBytes("VmRSS");
    }

    /// Highest resident memory of this process so far, in bytes; 0 where the system does not tell.
    public static long peakResidentBytes() {
        return statusBytes("VmHWM");
    }

    /// The BLAS that matrix products in float32 go through.
    public static String blas() {
        return usesMkl() ? "MKL" : "OpenBLAS";
    }

    private static boolean usesMkl() {
        return System.getProperty("org.bytedeco.openblas.load", "").startsWith("mkl");
    }

    private static long statusBytes(String key) {
        try {
            Matcher found = Pattern.compile(key + ":\\s+(\\d+) kB")
                    .matcher(Files.readString(Path.of("/proc/self/status")));
            return found.find() ? Long.parseLong(found.group(1)) << 10 : 0;
        } catch (IOException e) {
            return 0;
        }
    }

    private static String torchVersion() {
        Matcher found = Pattern.compile("TORCH_VERSION=([^,]+)").matcher(string(torch.show_config()));
        return found.find() ? found.group(1) : "unknown";
    }

    private static String string(BytePointer text) {
        try (text) {
            return text.getString();
        }
    }

    /// Two threads of one core share its vector units, so that only physical cores count.
    private static int physicalCores() {
        int available = Runtime.getRuntime().availableProcessors();
        var cores = new HashSet<String>();
        String package_ = "0";
        for (String line : cpuInfo()) {
            if (line.startsWith("physical id")) {
                package_ = line.substring(line.indexOf(':') + 1).strip();
            } else if (line.startsWith("core id")) {
                cores.add(package_ + ":" + line.substring(line.indexOf(':') + 1).strip());
            }
        }
        return cores.isEmpty() ? available : Math.min(available, cores.size());
    }

    private static Set<String> cpuFlags() {
        return cpuInfo().stream()
                .filter(line -> line.startsWith("flags") || line.startsWith("Features"))
                .findFirst()
                .map(line -> Set.of(line.substring(line.indexOf(':') + 1).strip().split(" +")))
                .orElse(Set.of());
    }

    private static java.util.List<String> cpuInfo() {
        try {
            return Files.readAllLines(Path.of("/proc/cpuinfo"));
        } catch (IOException e) {
            return java.util.List.of();
        }
    }

    private static void preset(String property, String value) {
        if (System.getProperty(property) == null) {
            System.setProperty(property, value);
        }
    }

    private static boolean onClassPath(String resource) {
        return Engine.class.getClassLoader().getResource(resource) != null;
    }
}
