package dev.weft.tensor;

import java.util.EnumMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/// A way of computing that is chosen because it is quick, and whether it can be trusted here.
///
/// The same library computes the same operation wrongly on one chip and rightly on the next, in some shapes only, and
/// without a word (docs/decisions/0021-fast-paths.md). So no quick way is taken before it has given, in this process and
/// for this class of shapes, what the plain way gives for random numbers, within the rounding of its type. What does not
/// is not used, is logged once, and stands in [#refusals], which `weft doctor` prints.
public enum FastPath {
    /// Products of a float32 weight that is laid out in oneDNN's blocks.
    PACKED_FLOAT32("packed float32 products"),
    /// The same in bfloat16.
    PACKED_BFLOAT16("packed bfloat16 products"),
    /// Products of a bfloat16 weight that FBGEMM holds in float16.
    PACKED_FLOAT16("FBGEMM's float16 products"),
    /// LibTorch's fused attention kernel.
    FUSED_ATTENTION("fused attention"),
    /// Attention whose weights are computed again going backward.
    RECOMPUTED_ATTENTION("recomputed attention"),
    /// Operations over all parameters at once: AdamW, norms.
    FUSED_UPDATES("fused optimizer updates"),
    /// Rows of a cache copied into room that is there already.
    COPIED_ROWS("copies of cache rows in place"),
    /// Computing in bfloat16 where float32 would do.
    BFLOAT16("bfloat16 as the usual type");

    private static final System.Logger LOG = System.getLogger(FastPath.class.getName());

    private final String title;

    FastPath(String title) {
        this.title = title;
    }

    /// One class of shapes, and how many threads shared the work: a kernel cuts it up by both.
    private record Shapes(FastPath path, Object of, int threads) {}

    private static final Map<Shapes, Boolean> JUDGED = new ConcurrentHashMap<>();
    private static final Map<FastPath, Set<String>> REFUSED = new EnumMap<>(FastPath.class);

    /// Grows whenever what was judged may no longer hold: with another number of threads kernels cut their work otherwise.
    private static volatile int generation;

    static int generation() {
        return generation;
    }

    static synchronized void judgeAnew() {
        generation++;
    }

    /// What a trial found.
    ///
    /// @param error how far the quick way is from the plain one, in parts of what rounding allows: 1 is just allowed;
    ///              not a number where the numbers at hand prove nothing
    public record Trial(double error) {
        /// Numbers that prove nothing, neither for nor against.
        public static final Trial UNDECIDED = new Trial(Double.NaN);

        /// The largest distance of `found` from `plain`.
        ///
        /// @param allowed part of a number's size, and of the size of all, by which rounding may change it ([#rounding])
        public static Trial of(Tensor found, Tensor plain, double allowed) {
            try (var scope = TensorScope.open(); var off = Gradients.off()) {
                DType wide = plain.dtype() == DType.FLOAT64 ? DType.FLOAT64 : DType.FLOAT32;
                Tensor wanted = plain.detach().to(wide);
                double size = Math.sqrt(wanted.mul(wanted).mean().item());
                if (!(size > 0) || Double.isInfinite(size)) {
                    return UNDECIDED;
                }
                Tensor most = wanted.abs().add(size).mul(allowed);
                double error = found.detach().to(wide).sub(wanted).abs().div(most).max().item();
                return new Trial(Double.isNaN(error) ? Double.POSITIVE_INFINITY : error);
            }
        }

        /// The worse of two.
        public Trial and(Trial other) {
            return new Trial(Math.max(error, other.error));
        }

        /// Part of a number's size by which rounding may change it: its own, some times over, and that of sums of `terms`
        /// products in float32.
        ///
        /// @param dtype in which the result was rounded
        public static double rounding(DType dtype, long terms) {
            double unit = switch (dtype) {
                case BFLOAT16 -> 0x1p-8;
                case FLOAT16 -> 0x1p-11;
                case FLOAT64 -> 0x1p-53;
                default -> 0x1p-24;
            };
            double sums = dtype == DType.FLOAT64 ? unit : 0x1p-24;
            return 4 * unit + 16 * sums * Math.sqrt(terms);
        }
    }

    /// The quick way against the plain one on random numbers; may throw what LibTorch refuses.
    public interface Proof {
        /// Both ways once, on random numbers.
        Trial run();
    }

    /// Whether this way may be taken for a class of shapes. The first question runs the proof, outside the caller's graph,
    /// scope and precision; later ones are answered from memory.
    ///
    /// @param shapes equal for shapes that the same code computes
    public boolean proven(Object shapes, Proof proof) {
        var key = new Shapes(this, shapes, Engine.threads());
        Boolean judged = JUDGED.get(key);
        return judged == null ? judge(key, proof) : judged;
    }

    private boolean judge(Shapes key, Proof proof) {
        long started = System.nanoTime();
        Trial trial = null;
        try (var scope = TensorScope.open(); var off = Gradients.off(); var plain = Autocast.paused(Device.CPU)) {
            trial = proof.run();
        } catch (RuntimeException e) {
            LOG.log(System.Logger.Level.DEBUG, () -> title + ": " + e.getMessage());
        }
        if (trial != null && Double.isNaN(trial.error())) {
            return false;
        }
        boolean proven = trial != null && trial.error() <= 1;
        if (JUDGED.putIfAbsent(key, proven) == null) {
            double milliseconds = (System.nanoTime() - started) / 1e6;
            LOG.log(System.Logger.Level.DEBUG, () -> "%s, %s: %s in %.1f ms".formatted(title, key.of(),
                    proven ? "proven" : "not used", milliseconds));
            if (trial == null) {
                // What a chip or a build does not have is no fault.
                note("%s: LibTorch does not have them here".formatted(title), System.Logger.Level.DEBUG);
            } else if (!proven) {
                note("%s, %s: the result is another than that of the plain way (%.3g times what rounding allows)"
                        .formatted(title, key.of(), trial.error()), System.Logger.Level.WARNING);
            }
        }
        return proven;
    }

    /// The first of each path is logged, all are kept.
    private void note(String line, System.Logger.Level level) {
        boolean first;
        synchronized (REFUSED) {
            Set<String> lines = REFUSED.computeIfAbsent(this, none -> new LinkedHashSet<>());
            first = lines.isEmpty();
            lines.add(line);
        }
        if (first) {
            LOG.log(level, "{0}. The plain way is used instead: results are right, and slower", line);
        }
    }

    /// What was tried in this process and is not used, a line each.
    public static List<String> refusals() {
        synchronized (REFUSED) {
            return REFUSED.values().stream().flatMap(Set::stream).toList();
        }
    }

    /// Forgets what was found out, so that a test may find it out again.
    static void forget(@Nullable FastPath path) {
        judgeAnew();
        JUDGED.keySet().removeIf(key -> path == null || key.path() == path);
        synchronized (REFUSED) {
            if (path == null) {
                REFUSED.clear();
            } else {
                REFUSED.remove(path);
            }
        }
    }
}
