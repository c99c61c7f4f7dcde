package dev.weft.run;

import dev.weft.nn.Encoded;
import dev.weft.nn.ForwardPass;
import dev.weft.nn.KvCache;
import dev.weft.nn.LanguageModel;
import dev.weft.nn.SequenceToSequence;
import dev.weft.nn.AttentionMask;
import dev.weft.tensor.DType;
import dev.weft.tensor.Device;
import dev.weft.tensor.Gradients;
import dev.weft.tensor.Tensor;
import dev.weft.tensor.TensorScope;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/// A batch on its way through a model: the cache, and where padding lies.
///
/// What it returns belongs to the caller's scope.
final class CachedPasses implements AutoCloseable {
    private static final int MOST_ROOM = 8192;

    private final LanguageModel model;
    /// One of the model's.
    private final Tensor weight;
    private final Device device;
    private final Prompts prompts;
    /// Rows made of each prompt.
    private final int copies;
    /// `[rows, prompt]` of bool, false at padding; null where there is none.
    private @Nullable Tensor keep;
    private @Nullable PromptCache remembered;
    /// The rows that go on: where each stands among all.
    private int[] going;
    private KvCache cache;
    /// The ids that went through the model last, null before.
    private @Nullable Sequences run;
    /// False while a pass is under way, and after one that failed.
    private boolean whole = true;
    /// What the model looks at beside its own text, or null; its tensors are unscoped.
    private @Nullable Encoded encoded;
    private @Nullable Tensor hidden;

    /// @param inputs what is to be encoded first, a row for each prompt; empty where the model has no encoder
    CachedPasses(LanguageModel model, Map<String, Tensor> inputs, Prompts prompts, int copies) {
        this(model, inputs, prompts, copies, null);
    }

    /// @param remembered where the prompts may begin, and what a single text is left in
    CachedPasses(LanguageModel model, Map<String, Tensor> inputs, Prompts prompts, int copies,
            @Nullable PromptCache remembered) {
        model.requireOpen();
        this.model = model;
        this.remembered = remembered;
        cache = remembered == null ? new KvCache() : KvCache.keepingAll();
        this.prompts = prompts;
        this.copies = copies;
        going = IntStream.range(0, prompts.rows() * copies).toArray();
        weight = model.parameters().values().iterator().next();
        device = weight.device();
        keep = prompts.padded() ? keep() : null;
        encoded = inputs.isEmpty() ? null : encode((SequenceToSequence) model, inputs);
    }

    /// With room in the cache for a text of this length from the beginning, if it is no longer than most are: memory that
    /// is not reached is not used.
    CachedPasses withRoom(int positions) {
        if (remembered == null && positions <= MOST_ROOM) {
            cache = KvCache.withRoom(Math.min(positions, model.maxPositions()));
        }
        return this;
    }

    private Encoded encode(SequenceToSequence encoder, Map<String, Tensor> inputs) {
        try (var off = Gradients.off(); var scope = TensorScope.open()) {
            var here = new HashMap<String, Tensor>();
            // Copies, since the mask may be the caller's own tensor and is closed here.
            inputs.forEach((name, tensor) -> here.put(name, tensor.to(device).copy()));
            return encoder.encode(here, ForwardPass.plain()).map(Tensor::unscoped);
        }
    }

    private Tensor keep() {
        int length = prompts.length();
        boolean[] flat = new boolean[prompts.rows() * copies * length];
        for (int i = 0; i < flat.length; i++) {
            flat[i] = prompts.real()[i / length / copies][i % length];
        }
        try (var scope = TensorScope.open()) {
            return Tensor.of(flat, (long) prompts.rows() * copies, length).to(device).unscoped();
        }
    }

    /// Runs each prompt once, save for what is remembered of it, and makes the rows of it: the scores of what follows,
    /// `[rows, vocab]`.
    Tensor begin() {
        int rows = prompts.rows();
        int from = fromMemory();
        int length = prompts.length() - from;
        ForwardPass pass = ForwardPass.plain().withCache(cache);
        if (keep != null) {
            int[] first = IntStream.range(0, rows).map(row -> row * copies).toArray();
            Tensor mask = keep.indexSelect(0, Tensor.of(first, rows).to(device));
            pass = pass.withMask(AttentionMask.padding(mask)).withPositions(positions().narrow(1, from, length));
        }
        int[] flat = IntStream.range(0, rows)
                .flatMap(row -> IntStream.of(prompts.ids()[row]).skip(from)).toArray();
        Tensor scores = scores(Tensor.of(flat, rows, length), pass, 1).select(1, 0);
        if (copies == 1) {
            return scores;
        }
        select(IntStream.range(0, prompts.rows() * copies).map(row -> row / copies).toArray());
        return scores.repeatInterleave(copies, 0);
    }

    /// What is held becomes that of these rows.
    private void select(int[] origins) {
        cache.spread(origins);
        if (encoded != null) {
            Tensor index = Tensor.of(origins, origins.length).to(device);
            encoded = encoded.map(each -> {
                try (each) {
                    return each.indexSelect(0, index).unscoped();
                }
            });
        }
    }

    /// Whether the longest row, over or not, says how all are computed.
    boolean turnsByTheLongest() {
        return model.recomputesBeyond() < Long.MAX_VALUE;
    }

    /// Rows whose text is over leave: from now on the passes are those of the others alone, in their order.
    void leaveEnded(Sequences sequences) {
        int[] places = IntStream.range(0, going.length).filter(i -> !sequences.ended(going[i])).toArray();
        if (places.length == going.length) {
            return;
        }
        try (var off = Gradients.off(); var scope = TensorScope.open()) {
            select(places);
            if (keep != null) {
                try (Tensor all = keep) {
                    keep = all.indexSelect(0, Tensor.of(places, places.length).to(device)).unscoped();
                }
            }
        }
        going = IntStream.of(places).map(i -> going[i]).toArray();
    }

    /// The cache after [#begin], which is the caller's from now on. Who remembers texts has a copy of it.
    KvCache handOver() {
        KvCache handed = cache;
        if (remembered != null) {
            handed = cache.laidOut(new int[copies], cache.length());
            close();
            remembered = null;
        }
        cache = new KvCache();
        return handed;
    }

    /// Puts what is remembered of the prompts into the cache.
    ///
    /// @return how many positions that are
    private int fromMemory() {
        // Longer texts may be computed otherwise from their beginning on.
        if (remembered == null || longest() > model.recomputesBeyond()) {
            return 0;
        }
        PromptCache.Begun begun = remembered.begin(prompts);
        if (begun == null) {
            return 0;
        }
        cache = begun.cache();
        return begun.slots();
    }

    private int longest() {
        return IntStream.of(going).map(row -> prompts.realLength(row / copies)).max().orElse(0);
    }

    /// Counted from the first real id; what stands at padding is seen by nobody. `[rows, length]`.
    private Tensor positions() {
        int length = prompts.length();
        int[] positions = new int[prompts.rows() * length];
        for (int row = 0; row < prompts.rows(); row++) {
            int next = 0;
            for (int i = 0; i < length; i++) {
                positions[row * length + i] = prompts.real()[row][i] ? next++ : 0;
            }
        }
        return Tensor.of(positions, prompts.rows(), length);
    }

    /// The scores of what follows on each row that goes on, of which the cache holds all ids but the last, `[rows, vocab]`.
    Tensor next(Sequences sequences) {
        return next(sequences, 1).select(1, 0);
    }

    /// The scores of what follows on each of the last `fresh` ids, all of which the cache does not hold, `[rows, fresh,
    /// vocab]`.
    Tensor next(Sequences sequences, int fresh) {
        int rows = going.length;
        run = sequences;
        // Where longer texts are turned otherwise, what the cache holds is of no use any more.
        boolean anew = longest() + sequences.newTokens() - fresh == model.recomputesBeyond();
        if (anew) {
            cache.close();
        }
        int from = anew ? 0 : sequences.length() - fresh;
        int length = sequences.length() - from;
        ForwardPass pass = ForwardPass.plain().withCache(cache);
        if (keep != null) {
            int done = sequences.newTokens();
            Tensor generated = Tensor.full(1, DType.BOOL, 1, done).to(device).expand(rows, done);
            pass = pass.withMask(AttentionMask.padding(Tensor.cat(List.of(keep, generated), 1)))
                    .withPositions(Tensor.of(positions(sequences, from), rows, length));
        }
        int[] ids = IntStream.range(0, rows * length)
                .map(i -> sequences.id(going[i / length], from + i % length)).toArray();
        return scores(Tensor.of(ids, rows, length), pass, fresh);
    }

    /// Counted from the first real id of each row. A finished row is carried on beyond its end, but not beyond the last
    /// position.
    private int[] positions(Sequences sequences, int from) {
        int length = sequences.length() - from;
        int[] positions = new int[going.length * length];
        for (int row = 0; row < going.length; row++) {
            int prompt = going[row] / copies;
            boolean[] real = prompts.real()[prompt];
            // Of the prompt only what is run again is counted, so that a token's cost does not grow with the text.
            int next = from < real.length ? 0 : prompts.realLength(prompt) + from - real.length;
            for (int i = from < real.length ? 0 : from; i < sequences.length(); i++) {
                boolean counts = i >= real.length || real[i];
                if (i >= from) {
                    positions[row * length + i - from] = counts ? Math.min(next, model.maxPositions() - 1) : 0;
                }
                next += counts ? 1 : 0;
            }
        }
        return positions;
    }

    /// What follows on the last `fresh` ids, `[rows, fresh, vocab]`.
    private Tensor scores(Tensor ids, ForwardPass pass, int fresh) {
        if (weight.isClosed()) {
            model.requireOpen();
        }
        whole = false;
        hidden = model.hidden(ids.to(device), encoded == null ? pass : pass.withEncoded(encoded));
        whole = true;
        return model.score(hidden.narrow(1, hidden.size(1) - fresh, fresh)).to(DType.FLOAT32);
    }

    /// What the last pass computed, before the scores: `[rows, seq, hidden]`, of [#begin] one row for each prompt. It
    /// belongs to the scope of that pass.
    Tensor hidden() {
        return Objects.requireNonNull(hidden);
    }

    /// How many positions of each row the cache holds.
    int held() {
        return (int) cache.length();
    }

    /// Forgets the positions from `length` on.
    void truncate(int length) {
        cache.truncate(length);
    }

    /// Makes row i what row `rows[i]` was; both are of the same prompt.
    void reorder(int[] rows) {
        cache.reorder(rows);
    }

    /// The ids whose keys and values the cache holds, of the only row.
    private int[] ids() {
        return Arrays.copyOf(run == null ? prompts.ids()[0] : run.row(0), held());
    }

    @Override
    public void close() {
        boolean kept = remembered != null && whole && encoded == null && prompts.rows() * copies == 1
                && held() <= model.recomputesBeyond() && remembered.keep(ids(), cache);
        if (!kept) {
            cache.close();
        }
        if (encoded != null) {
            encoded.map(each -> {
                each.close();
                return each;
            });
        }
        if (keep != null) {
            keep.close();
        }
    }
}
