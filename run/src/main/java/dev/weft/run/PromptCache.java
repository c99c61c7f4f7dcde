package dev.weft.run;

import dev.weft.checkpoint.Safetensors;
import dev.weft.nn.KvCache;
import dev.weft.nn.LanguageModel;
import dev.weft.tensor.DType;
import dev.weft.tensor.Gradients;
import dev.weft.tensor.Tensor;
import dev.weft.tensor.TensorScope;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.zip.CRC32;
import org.jspecify.annotations.Nullable;

/// What a model has computed of a text, so that prompts that begin like it begin where it ends.
///
/// One made by [Generator#promptCache] holds a beginning that many prompts share, in any number of threads. A
/// [#following] one is for a single conversation: it holds whatever was generated last, prompt and answer, so that the
/// next turn costs only what is new. Of a prompt that begins otherwise it is of no use, and does no harm. Close it to free
/// its memory.
public final class PromptCache implements AutoCloseable {
    private static final String FORMAT = "weft prompt cache";

    private final boolean follows;
    private int[] ids;
    /// Of one row. Null where there is nothing, or where a following one is in use.
    private @Nullable KvCache cache;
    private boolean closed;

    private PromptCache(boolean follows, int[] ids, @Nullable KvCache cache) {
        this.follows = follows;
        this.ids = ids;
        this.cache = cache;
    }

    /// Holds nothing yet, then the text that was generated last. Used by two at once it serves the first.
    public static PromptCache following() {
        return new PromptCache(true, new int[0], null);
    }

    /// The same text, held as it is.
    PromptCache fixed() {
        return new PromptCache(false, ids, cache);
    }

    /// A following one that holds the same text in memory of its own.
    synchronized PromptCache copied() {
        return new PromptCache(true, ids, cache == null ? null : cache.laidOut(new int[1], cache.length()));
    }

    /// A cache for some prompts.
    ///
    /// @param cache with a row for each prompt
    /// @param slots how many positions of each row it holds, padding included
    record Begun(KvCache cache, int slots) {}

    /// What these prompts share with the text, if that is anything.
    synchronized @Nullable Begun begin(Prompts prompts) {
        if (cache == null) {
            return null;
        }
        int length = prompts.length();
        int[] padding = new int[prompts.rows()];
        int slots = length;
        for (int row = 0; row < padding.length; row++) {
            int[] real = Arrays.copyOfRange(prompts.ids()[row], length - prompts.realLength(row), length);
            padding[row] = length - real.length;
            for (int i = 0; i < length; i++) {
                if (prompts.real()[row][i] != i >= padding[row]) {
                    return null;
                }
            }
            int alike = Arrays.mismatch(real, ids);
            // The last id is run in any case: what follows it is asked for.
            int known = Math.min(alike < 0 ? real.length : alike, real.length - 1);
            slots = Math.min(slots, padding[row] + known);
        }
        int begun = slots;
        if (slots <= Arrays.stream(padding).min().orElse(0)
                || Arrays.stream(padding).anyMatch(before -> !cache.holds(Math.max(0, begun - before)))) {
            return null;
        }
        if (follows && padding.length == 1) {
            KvCache own = cache;
            cache = null;
            own.truncate(slots);
            return new Begun(own, slots);
        }
        return new Begun(cache.laidOut(padding, slots), slots);
    }

    /// Takes over the cache of a text.
    ///
    /// @return false if it does not want it
    synchronized boolean keep(int[] text, KvCache of) {
        if (!follows || closed || of.length() == 0) {
            return false;
        }
        if (cache != null) {
            cache.close();
        }
        ids = text;
        cache = of;
        return true;
    }

    /// How many ids it holds.
    public synchronized int length() {
        return cache == null ? 0 : ids.length;
    }

    /// Bytes of native memory.
    public synchronized long bytes() {
        return cache == null ? 0 : cache.bytes();
    }

    /// Writes it to a safetensors file, to be read by [Generator#promptCache(Path)].
    ///
    /// @throws IllegalStateException if there is nothing in it
    synchronized void save(Path file, LanguageModel model) {
        if (cache == null) {
            throw new IllegalStateException("there is nothing in this prompt cache, or it is in use");
        }
        try (var scope = TensorScope.open()) {
            var tensors = new TreeMap<String, Tensor>();
            cache.tensors().forEach((name, tensor) -> tensors.put(name, tensor.contiguous()));
            Safetensors.write(file, tensors, Map.of("format", FORMAT, "model", fingerprint(model), "ids",
                    Arrays.stream(ids).mapToObj(Integer::toString).collect(Collectors.joining(" "))));
        }
    }

    /// @throws IllegalArgumentException if the file is none, or of another model
    static PromptCache load(Path file, LanguageModel model) {
        try (var scope = TensorScope.open(); Safetensors opened = Safetensors.open(file)) {
            Map<String, String> facts = opened.metadata();
            if (!FORMAT.equals(facts.get("format")) || !facts.containsKey("ids")) {
                throw new IllegalArgumentException(file + " is no prompt cache");
            }
            if (!fingerprint(model).equals(facts.get("model"))) {
                throw new IllegalArgumentException(
                        "%s was computed by another model, or in another precision; delete it and compute it anew"
                                .formatted(file));
            }
            int[] ids = Arrays.stream(facts.get("ids").split(" ")).mapToInt(Integer::parseInt).toArray();
            var tensors = new HashMap<String, Tensor>();
            opened.names().forEach(name -> tensors.put(name, opened.tensor(name)));
            KvCache cache = KvCache.of(tensors);
            if (cache.length() != ids.length) {
                cache.close();
                throw new IllegalArgumentException("%s holds %d ids and a cache of %d positions".formatted(file,
                        ids.length, cache.length()));
            }
            return new PromptCache(false, ids, cache);
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException(file + " is no prompt cache: its ids are no numbers", e);
        }
    }

    /// Names and shapes of all weights and the first numbers of each.
    private static String fingerprint(LanguageModel model) {
        var sum = new CRC32();
        try (var off = Gradients.off(); var scope = TensorScope.open()) {
            new TreeMap<>(model.parameters()).forEach((name, weight) -> {
                sum.update((name + weight.dtype() + Arrays.toString(weight.shape()))
                        .getBytes(StandardCharsets.UTF_8));
                Tensor flat = weight.reshape(-1);
                Tensor first = flat.narrow(0, 0, Math.min(16, flat.size(0))).to(DType.FLOAT32);
                float[] numbers = first.toFloats();
                ByteBuffer bytes = ByteBuffer.allocate(4 * numbers.length);
                IntStream.range(0, numbers.length).forEach(i -> bytes.putFloat(numbers[i]));
                sum.update(bytes.flip());
            });
        }
        return Long.toHexString(sum.getValue());
    }

    @Override
    public synchronized void close() {
        closed = true;
        if (cache != null) {
            cache.close();
            cache = null;
        }
    }
}
