package dev.weft.nn.numbers;

import dev.weft.nn.CrossEntropy;
import dev.weft.nn.Dropout;
import dev.weft.nn.Trace;
import dev.weft.nn.Weights;
import dev.weft.nn.attention.Attention;
import dev.weft.nn.AttentionMask;
import dev.weft.tensor.DType;
import dev.weft.tensor.Device;
import dev.weft.tensor.Engine;
import dev.weft.tensor.FastPath;
import dev.weft.tensor.Gradients;
import dev.weft.tensor.Kernels;
import dev.weft.tensor.Randomness;
import dev.weft.tensor.Tensor;
import dev.weft.tensor.TensorException;
import dev.weft.tensor.TensorScope;
import dev.weft.tensor.Updates;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.function.DoubleUnaryOperator;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/// Whether what models are made of computes rightly on this machine: each operation, in each type, for sizes with odd ends,
/// on one thread and on two, against the same formula in float64 in plain Java.
///
/// ```java
/// boolean right = NumbersCheck.run(line -> System.out.println(line));
/// ```
public final class NumbersCheck {
    /// What came out for one operation.
    ///
    /// @param name  the operation, its type, its sizes, the threads
    /// @param error largest difference, in parts of what the rounding of the type allows
    /// @param told  what there is to say beside the number; empty if nothing
    public record Line(String name, double error, String told) {
        /// Whether it lies within what rounding allows.
        public boolean right() {
            return error <= 1;
        }

        @Override
        public String toString() {
            return "%s %s %.2g%s".formatted(right() ? "ok" : "WRONG", name, error, told.isEmpty() ? "" : " " + told);
        }
    }

    private static final List<DType> HALVES = List.of(DType.BFLOAT16, DType.FLOAT16);
    private static final List<DType> TYPES = List.of(DType.FLOAT64, DType.FLOAT32, DType.BFLOAT16, DType.FLOAT16);

    private final Consumer<Line> listener;
    private boolean right = true;
    private int threads;

    private NumbersCheck(Consumer<Line> listener) {
        this.listener = listener;
    }

    /// Runs all checks; a minute at most. The number of threads is afterwards what it was.
    ///
    /// @return whether all were right
    public static boolean run(Consumer<Line> listener) {
        var check = new NumbersCheck(listener);
        int before = Engine.threads();
        try (var off = Gradients.off()) {
            for (int threads : new int[]{1, 2}) {
                Engine.threads(threads);
                check.threads = threads;
                check.all();
            }
        } finally {
            Engine.threads(before);
        }
        return check.right;
    }

    private void all() {
        conversions();
        for (DType dtype : TYPES) {
            elementwise(dtype);
            reductions(dtype);
            norms(dtype);
        }
        for (DType dtype : List.of(DType.FLOAT64, DType.FLOAT32, DType.BFLOAT16)) {
            products(dtype);
            for (boolean causal : new boolean[]{false, true}) {
                for (int[] lengths : new int[][]{{1, 37}, {13, 13}, {67, 67}, {197, 197}, {13, 521}}) {
                    if (!causal || lengths[0] == lengths[1]) {
                        attention(dtype, causal, lengths[0], lengths[1], false);
                        attention(dtype, causal, lengths[0], lengths[1], true);
                    }
                }
            }
        }
        crossEntropy();
        updates();
        cacheRows();
    }

    // ---- the kinds of operations ----

    private void conversions() {
        try (var scope = TensorScope.open()) {
            float[] values = new float[4099];
            float[] any = normal(1, values.length).toFloats();
            float[] ends = {0f, -0f, 1f, -1f, 65_504f, 65_520f, 1e-8f, 6e-8f, 3e38f, -3e38f, Float.MIN_VALUE,
                    Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY, 0x1.01p0f, 0x1.03p0f, 0x1.002p0f};
            for (int i = 0; i < values.length; i++) {
                values[i] = i < ends.length ? ends[i] : any[i] * (float) Math.scalb(1.0, i % 33 - 16);
            }
            for (DType half : HALVES) {
                float[] found = Tensor.of(values, values.length).to(half).to(DType.FLOAT32).toFloats();
                int wrong = 0;
                for (int i = 0; i < values.length; i++) {
                    wrong += Float.floatToIntBits(found[i]) == Float.floatToIntBits(rounded(values[i], half)) ? 0 : 1;
                }
                tell("conversion float32 " + half, "4099", wrong == 0 ? 0 : Double.POSITIVE_INFINITY);
            }
        }
    }

    /// To the nearest number of 16 bits, ties to even.
    private static float rounded(float value, DType half) {
        if (half == DType.FLOAT16) {
            return Float.float16ToFloat(Float.floatToFloat16(value));
        }
        int bits = Float.floatToIntBits(value);
        return Float.intBitsToFloat(bits + 0x7fff + (bits >>> 16 & 1) & 0xffff0000);
    }

    private void elementwise(DType dtype) {
        Map<String, UnaryOperator<Tensor>> operations = Map.of("exp", Tensor::exp, "tanh", Tensor::tanh, "sigmoid",
                Tensor::sigmoid, "erf", Tensor::erf, "sin", Tensor::sin, "silu", Kernels::silu, "gelu",
                x -> Kernels.gelu(x, false), "gelu tanh", x -> Kernels.gelu(x, true), "relu", Tensor::relu, "square",
                x -> x.mul(x));
        Map<String, DoubleUnaryOperator> formulas = Map.of("exp", Math::exp, "tanh", Math::tanh, "sigmoid",
                x -> 1 / (1 + Math.exp(-x)), "erf", NumbersCheck::erf, "sin", Math::sin, "silu",
                x -> x / (1 + Math.exp(-x)), "gelu", x -> x / 2 * (1 + erf(x / Math.sqrt(2))), "gelu tanh",
                x -> x / 2 * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x * x * x))), "relu",
                x -> Math.max(0, x), "square", x -> x * x);
        operations.forEach((name, operation) -> {
            for (int size : new int[]{1, 7, 33, 1031, 70_001}) {
                compare(name, dtype, "" + size, 1, () -> {
                    Tensor x = normal(size, size).to(dtype);
                    return new Results(List.of(operation.apply(x)),
                            List.of(Arrays.stream(x.toDoubles()).map(formulas.get(name)).toArray()));
                });
            }
        });
    }

    private void reductions(DType dtype) {
        for (int[] shape : new int[][]{{1, 1}, {3, 17}, {5, 1031}, {2, 50_257}}) {
            compare("softmax, log softmax, sum, max, argmax", dtype, Arrays.toString(shape), shape[1], () -> {
                Tensor x = normal(3, shape[0], shape[1]).to(dtype);
                Tensor inPlace = x.copy();
                Kernels.softmaxInPlace(inPlace);
                double[][] rows = rows(x, shape[1]);
                double[][] soft = each(rows, NumbersCheck::softmax);
                return new Results(
                        List.of(x.softmax(-1), inPlace, x.logSoftmax(-1), x.sum(-1, false), x.max(-1, false),
                                x.argmax(-1)),
                        List.of(flat(soft), flat(soft), flat(each(soft, row -> map(row, Math::log))),
                                perRow(rows, row -> Arrays.stream(row).sum()),
                                perRow(rows, row -> Arrays.stream(row).max().orElseThrow()),
                                perRow(rows, NumbersCheck::best)));
            });
        }
    }

    private void norms(DType dtype) {
        for (int width : new int[]{1, 17, 300, 768, 1031}) {
            compare("layer norm, rms norm", dtype, "[5, " + width + "]", width, () -> {
                Tensor x = normal(4, 5, width).to(dtype);
                Tensor weight = normal(5, width).to(dtype);
                Tensor bias = normal(6, width).to(dtype);
                double[] scales = weight.toDoubles();
                double[] shifts = bias.toDoubles();
                double[][] rows = rows(x, width);
                return new Results(List.of(Kernels.layerNorm(x, weight, bias, 1e-5), Kernels.rmsNorm(x, weight, 1e-5)),
                        List.of(flat(each(rows, row -> {
                            double mean = Arrays.stream(row).average().orElseThrow();
                            double variance = Arrays.stream(row).map(v -> (v - mean) * (v - mean)).average()
                                    .orElseThrow();
                            return IntStream.range(0, width).mapToDouble(
                                    i -> (row[i] - mean) / Math.sqrt(variance + 1e-5) * scales[i] + shifts[i])
                                    .toArray();
                        })), flat(each(rows, row -> {
                            double square = Arrays.stream(row).map(v -> v * v).average().orElseThrow();
                            return IntStream.range(0, width)
                                    .mapToDouble(i -> row[i] / Math.sqrt(square + 1e-5) * scales[i]).toArray();
                        }))));
            });
        }
    }

    /// Weights of no scope, as those of a model, are packed where that is quicker; those of a scope are not.
    private void products(DType dtype) {
        for (int[] sizes : new int[][]{{257, 256}, {300, 256}, {304, 320}, {768, 768}, {1001, 77}, {2304, 768},
                {768, 3072}, {30_522, 128}, {50_257, 64}}) {
            int out = sizes[0];
            int in = sizes[1];
            try (var scope = TensorScope.open();
                    Tensor held = normal(7, out, in).to(dtype).copy().unscoped();
                    Tensor turned = held.transpose(0, 1).copy().contiguous().unscoped()) {
                double[] weight = held.toDoubles();
                Tensor bias = normal(8, out).to(dtype);
                double[] biases = bias.toDoubles();
                for (int rows : new int[]{1, 2, 5, 8, 17, 31, 67}) {
                    if ((long) rows * out * in > 10_000_000) {
                        continue;
                    }
                    compare("product", dtype, "[%d, %d] x [%d, %d]".formatted(rows, in, in, out), in, () -> {
                        Tensor x = normal(9 + rows, rows, in).to(dtype);
                        double[] plain = product(x.toDoubles(), weight, rows, in, out);
                        double[] whole = plain.clone();
                        for (int i = 0; i < whole.length; i++) {
                            whole[i] += biases[i % out];
                        }
                        return new Results(
                                List.of(Kernels.linear(x, held, bias), Kernels.linearTurned(x, turned, null),
                                        Kernels.linear(x, held.copy(), bias),
                                        x.unsqueeze(0).matmul(turned.unsqueeze(0))),
                                List.of(whole, plain, whole, plain));
                    });
                }
            }
        }
    }

    private void attention(DType dtype, boolean causal, int querySeq, int keySeq, boolean trained) {
        compare("attention" + (causal ? ", causal" : "") + (trained ? ", gradients" : ""), dtype,
                "%d queries, %d keys".formatted(querySeq, keySeq), 16 * (48 + keySeq), () -> {
                    int heads = 2;
                    int width = 48;
                    Tensor[] inputs = {normal(10, 1, heads, querySeq, width), normal(11, 1, heads, keySeq, width),
                            normal(12, 1, heads, keySeq, width), normal(13, 1, heads, querySeq, width)};
                    for (int i = 0; i < inputs.length; i++) {
                        inputs[i] = inputs[i].to(dtype).copy().requiresGrad(trained && i < 3);
                    }
                    double[][] given = Stream.of(inputs).map(Tensor::toDoubles).toArray(double[][]::new);
                    double[][] wanted = attended(given, heads, querySeq, keySeq, width, causal);
                    var mask = (causal ? AttentionMask.causal() : AttentionMask.none()).prepare(querySeq, keySeq,
                            Device.CPU);
                    Supplier<Tensor> attend = () -> Attention.scaled(width).attend(inputs[0], inputs[1], inputs[2],
                            mask, Dropout.OFF, Trace.SILENT);
                    if (!trained) {
                        return new Results(List.of(attend.get()), List.of(wanted[0]));
                    }
                    try (var on = Gradients.on()) {
                        Tensor out = attend.get();
                        out.mul(inputs[3]).sum().backward();
                        return new Results(List.of(out.detach(), inputs[0].grad(), inputs[1].grad(), inputs[2].grad()),
                                List.of(wanted));
                    }
                });
    }

    private void crossEntropy() {
        compare("cross-entropy, gradients", DType.FLOAT32, "[7, 1031]", 1031, () -> {
            Tensor logits = normal(14, 7, 1031).copy().requiresGrad(true);
            long[] labels = {3, 1030, 0, -100, 77, 512, 1};
            double[][] soft = each(rows(logits, 1031), NumbersCheck::softmax);
            double sum = 0;
            for (int row = 0; row < 7; row++) {
                if (labels[row] < 0) {
                    Arrays.fill(soft[row], 0);
                } else {
                    sum -= Math.log(soft[row][(int) labels[row]]);
                    soft[row][(int) labels[row]] -= 1;
                }
            }
            try (var on = Gradients.on()) {
                Tensor loss = CrossEntropy.sum(logits, Tensor.of(labels, 7), -100, 0);
                loss.backward();
                return new Results(List.of(loss.detach(), logits.grad()), List.of(new double[]{sum}, flat(soft)));
            }
        });
    }

    private void updates() {
        for (int size : new int[]{1, 17, 1031}) {
            compare("AdamW, norm, scale", DType.FLOAT32, "" + size, 64, () -> {
                Tensor weight = normal(15, size);
                Tensor gradient = normal(16, size);
                Tensor first = normal(17, size);
                Tensor second = normal(18, size);
                second = second.mul(second);
                double[] w = weight.toDoubles();
                double[] g = gradient.toDoubles();
                double[] m = first.toDoubles();
                double[] v = second.toDoubles();
                double[] norm = {Math.sqrt(Arrays.stream(g).map(x -> x * x).sum())};
                double[] halved = map(g, x -> x / 2);
                for (int i = 0; i < size; i++) {
                    m[i] = 0.9 * m[i] + 0.1 * g[i];
                    v[i] = 0.5 * v[i] + 0.5 * g[i] * g[i];
                    w[i] -= 0.01 * 0.1 * w[i];
                    w[i] -= 0.01 / (1 - Math.pow(0.9, 3)) * m[i] / (Math.sqrt(v[i] / (1 - Math.pow(0.5, 3))) + 1e-8);
                }
                Updates.adamW(List.of(weight), List.of(gradient), List.of(first), List.of(second),
                        List.of(Tensor.scalar(3)), 0.01, 0.9, 0.5, 0.1, 1e-8);
                Tensor found = Updates.globalNorm(List.of(gradient));
                Updates.scale(List.of(gradient), Tensor.scalar(0.5));
                return new Results(List.of(weight, first, second, found, gradient),
                        List.of(w, m, v, norm, halved));
            });
        }
    }

    private void cacheRows() {
        compare("rows of a cache", DType.FLOAT32, "[3, 2, 9, 5]", 1, () -> {
            Tensor x = normal(19, 3, 2, 9, 5);
            Tensor room = normal(20, 3, 2, 16, 5);
            Kernels.indexSelectInto(room.narrow(2, 0, 9), x, 0, Tensor.of(new int[]{2, 0, 2}, 3));
            double[] from = x.toDoubles();
            double[] wanted = new double[from.length];
            for (int row = 0; row < 3; row++) {
                System.arraycopy(from, (row == 1 ? 0 : 2) * 90, wanted, row * 90, 90);
            }
            return new Results(List.of(room.narrow(2, 0, 9)), List.of(wanted));
        });
    }

    // ---- formulas in float64 ----

    /// Output and the gradients of queries, keys and values for `given[3]` above.
    private static double[][] attended(double[][] given, int heads, int querySeq, int keySeq, int width,
            boolean causal) {
        double[] q = given[0];
        double[] k = given[1];
        double[] v = given[2];
        double[] above = given[3];
        double[][] results = {new double[q.length], new double[q.length], new double[k.length], new double[v.length]};
        double scale = 1 / Math.sqrt(width);
        for (int head = 0; head < heads; head++) {
            int atKeys = head * keySeq * width;
            for (int i = 0; i < querySeq; i++) {
                int at = (head * querySeq + i) * width;
                int seen = causal ? i + 1 : keySeq;
                var scores = new double[seen];
                for (int j = 0; j < seen; j++) {
                    scores[j] = scale * dot(q, at, k, atKeys + j * width, width);
                }
                double[] weights = softmax(scores);
                var change = new double[seen];
                double mean = 0;
                for (int j = 0; j < seen; j++) {
                    int other = atKeys + j * width;
                    change[j] = dot(above, at, v, other, width);
                    mean += weights[j] * change[j];
                    for (int c = 0; c < width; c++) {
                        results[0][at + c] += weights[j] * v[other + c];
                        results[3][other + c] += weights[j] * above[at + c];
                    }
                }
                for (int j = 0; j < seen; j++) {
                    int other = atKeys + j * width;
                    double slope = scale * weights[j] * (change[j] - mean);
                    for (int c = 0; c < width; c++) {
                        results[1][at + c] += slope * k[other + c];
                        results[2][other + c] += slope * q[at + c];
                    }
                }
            }
        }
        return results;
    }

    private static double[] product(double[] x, double[] weight, int rows, int in, int out) {
        var result = new double[rows * out];
        for (int row = 0; row < rows; row++) {
            for (int column = 0; column < out; column++) {
                result[row * out + column] = dot(x, row * in, weight, column * in, in);
            }
        }
        return result;
    }

    private static double dot(double[] one, int from, double[] other, int otherFrom, int count) {
        double sum = 0;
        for (int i = 0; i < count; i++) {
            sum += one[from + i] * other[otherFrom + i];
        }
        return sum;
    }

    private static double[] softmax(double[] scores) {
        double most = Arrays.stream(scores).max().orElseThrow();
        double[] weights = map(scores, x -> Math.exp(x - most));
        double sum = Arrays.stream(weights).sum();
        return map(weights, x -> x / sum);
    }

    private static double best(double[] row) {
        int best = 0;
        for (int i = 1; i < row.length; i++) {
            best = row[i] > row[best] ? i : best;
        }
        return best;
    }

    /// 2/√π Σ (−1)ⁿ x²ⁿ⁺¹ / (n! (2n + 1)), which converges for every x; beyond 6 it is 1 to the last bit.
    private static double erf(double x) {
        if (Math.abs(x) > 6) {
            return Math.signum(x);
        }
        // The same series with all terms positive: 2/√π e^(−x²) Σ 2ⁿ x²ⁿ⁺¹ / (1·3·…·(2n+1)).
        double term = x;
        double sum = x;
        for (int n = 1; n < 400 && Math.abs(term) > 1e-18 * Math.abs(sum); n++) {
            term *= 2 * x * x / (2 * n + 1);
            sum += term;
        }
        return 2 / Math.sqrt(Math.PI) * Math.exp(-x * x) * sum;
    }

    // ---- comparing ----

    private record Results(List<Tensor> found, List<double[]> wanted) {}

    private void compare(String operation, DType dtype, String sizes, long terms, Supplier<Results> run) {
        String name = operation + " " + dtype;
        int refusals = FastPath.refusals().size();
        try (var scope = TensorScope.open()) {
            Results results = run.get();
            double error = 0;
            for (int i = 0; i < results.found().size(); i++) {
                error = Math.max(error,
                        error(results.found().get(i).toDoubles(), results.wanted().get(i), allowed(dtype, terms)));
            }
            tell(name, sizes, error, FastPath.refusals().size() > refusals ? "(a quick way is not used)" : "");
        } catch (TensorException refused) {
            // A type that this build does not compute in is not computed wrongly.
            tell(name, sizes, 0, "(refused by LibTorch)");
        }
    }

    /// Intermediate results are rounded in half precision as well.
    private static double allowed(DType dtype, long terms) {
        double rounding = FastPath.Trial.rounding(dtype, Math.max(16, terms));
        return HALVES.contains(dtype) ? 4 * rounding : rounding;
    }

    private static double error(double[] found, double[] wanted, double allowed) {
        if (found.length != wanted.length) {
            return Double.POSITIVE_INFINITY;
        }
        double size = Math.sqrt(Arrays.stream(wanted).map(x -> x * x).average().orElse(0)) + 1e-300;
        double worst = 0;
        for (int i = 0; i < found.length; i++) {
            double error = Math.abs(found[i] - wanted[i]) / (allowed * (Math.abs(wanted[i]) + size));
            worst = error >= 0 ? Math.max(worst, error) : Double.POSITIVE_INFINITY;
        }
        return worst;
    }

    private void tell(String name, String sizes, double error) {
        tell(name, sizes, error, "");
    }

    private void tell(String name, String sizes, double error, String told) {
        var line = new Line("%s, %s, %d thread%s".formatted(name, sizes, threads, threads == 1 ? "" : "s"), error,
                told);
        right &= line.right();
        listener.accept(line);
    }

    private static Tensor normal(long seed, long... shape) {
        try (var random = Randomness.seeded(seed)) {
            return random.normal(0, 1, shape);
        }
    }

    private static double[][] rows(Tensor x, int width) {
        double[] all = x.toDoubles();
        return IntStream.range(0, all.length / width)
                .mapToObj(row -> Arrays.copyOfRange(all, row * width, (row + 1) * width)).toArray(double[][]::new);
    }

    private static double[][] each(double[][] rows, UnaryOperator<double[]> formula) {
        return Arrays.stream(rows).map(formula).toArray(double[][]::new);
    }

    private static double[] perRow(double[][] rows, java.util.function.ToDoubleFunction<double[]> formula) {
        return Arrays.stream(rows).mapToDouble(formula).toArray();
    }

    private static double[] flat(double[][] rows) {
        return Arrays.stream(rows).flatMapToDouble(Arrays::stream).toArray();
    }

    private static double[] map(double[] values, DoubleUnaryOperator formula) {
        return Arrays.stream(values).map(formula).toArray();
    }
}
