package dev.weft.train;

import dev.weft.nn.Activations;
import dev.weft.nn.ForwardPass;
import dev.weft.nn.Loss;
import dev.weft.nn.Model;
import dev.weft.nn.TaskModel;
import dev.weft.nn.Trace;
import dev.weft.tensor.DType;
import dev.weft.tensor.Device;
import dev.weft.tensor.Gradients;
import dev.weft.tensor.Randomness;
import dev.weft.tensor.Tensor;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/// A small model learns from a large one: from the labels, from the teacher's softened logits (Hinton et al. 2015,
/// <https://arxiv.org/abs/1503.02531>), from its hidden states and from where its attention looks (DistilBERT, Sanh et al.
/// 2019, <https://arxiv.org/abs/1910.01108>; TinyBERT, Jiao et al. 2020, <https://arxiv.org/abs/1909.10351>).
///
/// A batch is that of the student's task; both models have its vocabulary. Terms, in this order, those of weight 0 left out:
/// the task's own; temperature² · KL(teacher ‖ student) over the places that count; and for each pair of layers the mean
/// squared difference of hidden states, then that of attention weights, both over the tokens that are not padding. Hidden states
/// of another width are compared after a projection of the student's, which is trained with it: see [#trained].
///
/// The places that count are those of a label that is not −100 where each logit has a label, else all tokens that are not
/// padding, else all.
public final class DistillationObjective implements Objective<Map<String, Tensor>> {
    /// What counts how much.
    ///
    /// @param hard        weight of the task's own loss
    /// @param soft        of the softened logits
    /// @param hidden      of hidden states
    /// @param attention   of attention weights
    /// @param temperature what logits are divided by, in both models
    public record Weighting(double hard, double soft, double hidden, double attention, double temperature) {
        public Weighting {
            if (hard < 0 || soft < 0 || hidden < 0 || attention < 0 || hard + soft + hidden + attention == 0) {
                throw new IllegalArgumentException("Weights of a distillation must not be negative, and one above 0");
            }
            if (!(temperature > 0)) {
                throw new IllegalArgumentException("The temperature must be above 0, found " + temperature);
            }
        }

        /// Half labels, half logits softened by 2.
        public static Weighting logits() {
            return new Weighting(0.5, 0.5, 0, 0, 2);
        }
    }

    /// Layers that are compared, counted from 0: what block `student` gives with what block `teacher` gives.
    public record Pair(int student, int teacher) {
        /// Spreads the student's layers evenly over the teacher's, the last on the last: 3 of 6 are 1, 3, 5.
        public static List<Pair> evenly(int student, int teacher) {
            if (student < 1 || student > teacher) {
                throw new IllegalArgumentException(
                        "A student of %d layers has no even share of %d layers".formatted(student, teacher));
            }
            return IntStream.range(0, student)
                    .mapToObj(layer -> new Pair(layer, (layer + 1) * teacher / student - 1)).toList();
        }
    }

    private final TaskModel student;
    private final TaskModel teacher;
    private final Weighting weighting;
    private final List<Pair> pairs;
    private final Device device;
    private final Map<String, Tensor> projections = new LinkedHashMap<>();

    /// @param pairs layers that are compared; empty where neither hidden states nor attention count
    /// @throws IllegalArgumentException if these count and there are no pairs
    public DistillationObjective(TaskModel student, TaskModel teacher, Weighting weighting, List<Pair> pairs,
            Device device) {
        this.student = student;
        this.teacher = teacher;
        this.weighting = weighting;
        this.pairs = List.copyOf(pairs);
        this.device = device;
        if (pairs.isEmpty() && weighting.hidden() + weighting.attention() > 0) {
            throw new IllegalArgumentException("Say which layers of student and teacher are compared");
        }
    }

    /// With a projection for each pair, from the student's width to the teacher's: for models of different widths.
    public DistillationObjective projecting(int studentWidth, int teacherWidth, long seed) {
        for (Pair pair : pairs) {
            String name = "distillation." + pair.student() + ".weight";
            try (var random = Randomness.derived(seed, pair.student())) {
                projections.put(name, random.normal(0, 1 / Math.sqrt(studentWidth), studentWidth, teacherWidth)
                        .to(device).unscoped().requiresGrad(true));
            }
        }
        return this;
    }

    /// What is trained: the student and, under `distillation.…`, the projections. Checkpoints need all of it, the finished
    /// student does not. Closing it closes the student too.
    public Model trained() {
        return () -> {
            var all = new LinkedHashMap<>(student.parameters());
            all.putAll(projections);
            return all;
        };
    }

    @Override
    public Loss loss(Map<String, Tensor> batch, ForwardPass pass) {
        Map<String, Tensor> inputs = TaskObjective.on(device, batch);
        try (var learned = new Watch(weighting); var shown = new Watch(weighting)) {
            return loss(inputs, pass, learned, shown);
        }
    }

    private Loss loss(Map<String, Tensor> inputs, ForwardPass pass, Watch learned, Watch shown) {
        // What is compared inside the blocks has to be part of the graph.
        ForwardPass watched = pairs.isEmpty() ? pass : pass.withTrace(learned).withActivations(Activations.KEPT);
        Map<String, Tensor> outputs = student.outputs(inputs, watched);
        Map<String, Tensor> example;
        try (var off = Gradients.off()) {
            example = teacher.outputs(inputs, ForwardPass.plain().withTrace(shown));
        }
        Loss loss = new Loss(List.of());
        if (weighting.hard() > 0) {
            loss = loss.plus(student.losses(outputs, inputs, 0).times(weighting.hard()));
        }
        if (weighting.soft() > 0) {
            loss = loss.plus(soft(outputs, example, inputs).times(weighting.soft()));
        }
        for (Pair pair : pairs) {
            if (weighting.hidden() > 0) {
                loss = loss.plus(hidden(pair, learned, shown, inputs).times(weighting.hidden()));
            }
            if (weighting.attention() > 0) {
                loss = loss.plus(attention(pair, learned, shown, inputs).times(weighting.attention()));
            }
        }
        return loss;
    }

    private Loss soft(Map<String, Tensor> outputs, Map<String, Tensor> example, Map<String, Tensor> inputs) {
        Loss all = new Loss(List.of());
        for (String name : outputs.keySet()) {
            if (name.endsWith("logits")) {
                all = all.plus(divergence(outputs.get(name), example.get(name), inputs));
            }
        }
        return all;
    }

    private Loss divergence(Tensor learned, Tensor shown, Map<String, Tensor> inputs) {
        if (!Arrays.equals(learned.shape(), shown.shape())) {
            throw new IllegalArgumentException("Student and teacher must have logits of one shape, found %s and %s"
                    .formatted(Arrays.toString(learned.shape()), Arrays.toString(shown.shape())));
        }
        Tensor ours = learned.to(DType.FLOAT32).div(weighting.temperature()).logSoftmax(-1);
        Tensor theirs = shown.to(DType.FLOAT32).div(weighting.temperature()).logSoftmax(-1);
        Tensor each = theirs.exp().mul(theirs.sub(ours)).sum(-1, false)
                .mul(weighting.temperature() * weighting.temperature());
        Tensor counts = counting(each, inputs);
        return Loss.of(each.mul(counts).sum(), (long) counts.sum().item());
    }

    /// 1 where a divergence counts, 0 elsewhere: `[batch]` or `[batch, seq]`.
    private static Tensor counting(Tensor each, Map<String, Tensor> inputs) {
        Tensor labels = inputs.getOrDefault("shift_labels", inputs.get("labels"));
        Tensor mask = inputs.get("attention_mask");
        if (labels != null && !labels.dtype().isFloating() && sameShape(labels, each)) {
            return labels.ne(-100).to(DType.FLOAT32);
        }
        return mask != null && sameShape(mask, each)
                ? mask.ne(0).to(DType.FLOAT32)
                : Tensor.full(1, DType.FLOAT32, each.shape()).to(each.device());
    }

    private static boolean sameShape(Tensor one, Tensor other) {
        return Arrays.equals(one.shape(), other.shape());
    }

    private Loss hidden(Pair pair, Watch learned, Watch shown, Map<String, Tensor> inputs) {
        Tensor ours = learned.after(pair.student());
        Tensor theirs = shown.after(pair.teacher());
        Tensor projection = projections.get("distillation." + pair.student() + ".weight");
        if (projection != null) {
            ours = ours.matmul(projection);
        }
        if (ours.size(-1) != theirs.size(-1)) {
            throw new IllegalArgumentException(
                    "The student's hidden states are %d wide, the teacher's %d; project them (projecting)"
                            .formatted(ours.size(-1), theirs.size(-1)));
        }
        Tensor difference = ours.sub(theirs).mul(tokens(inputs).unsqueeze(-1));
        return Loss.of(difference.mul(difference).sum(), (long) tokens(inputs).sum().item() * theirs.size(-1));
    }

    private static Loss attention(Pair pair, Watch learned, Watch shown, Map<String, Tensor> inputs) {
        Tensor ours = learned.attention(pair.student());
        Tensor theirs = shown.attention(pair.teacher());
        if (!sameShape(ours, theirs)) {
            throw new IllegalArgumentException("Attention can be compared where both models have as many heads, found "
                    + ours.size(1) + " and " + theirs.size(1));
        }
        // `[batch, heads, querySeq, keySeq]`; padded keys have weight 0 in both
        Tensor tokens = tokens(inputs);
        Tensor difference = ours.sub(theirs).mul(tokens.unsqueeze(1).unsqueeze(-1));
        Tensor lengths = tokens.sum(-1, false);
        return Loss.of(difference.mul(difference).sum(), (long) lengths.mul(lengths).sum().item() * ours.size(1));
    }

    /// 1 for tokens, 0 for padding, `[batch, seq]`.
    private static Tensor tokens(Map<String, Tensor> inputs) {
        Tensor mask = inputs.get("attention_mask");
        Tensor ids = inputs.get("input_ids");
        return mask != null ? mask.ne(0).to(DType.FLOAT32) : ids.zerosLike().add(1).to(DType.FLOAT32);
    }

    /// Keeps what passes by as part of the graph, beyond the scopes of the blocks.
    private static final class Watch implements Trace, AutoCloseable {
        private final Map<String, Tensor> seen = new LinkedHashMap<>();
        private final Weighting weighting;

        Watch(Weighting weighting) {
            this.weighting = weighting;
        }

        @Override
        public Tensor tap(String name, Tensor value) {
            if (listens(name)) {
                seen.put(name, value.view(value.shape()).unscoped());
            }
            return value;
        }

        @Override
        public boolean listens(String name) {
            return weighting.attention() > 0 && name.endsWith(".attn.weights")
                    || weighting.hidden() > 0 && (name.endsWith(".resid_pre") || name.equals("final"));
        }

        /// What the block gives: what enters the next one, or what the stack gives.
        Tensor after(int block) {
            Tensor next = seen.get("blocks." + (block + 1) + ".resid_pre");
            return named(block, next == null ? seen.get("final") : next).to(DType.FLOAT32);
        }

        Tensor attention(int block) {
            return named(block, seen.get("blocks." + block + ".attn.weights")).to(DType.FLOAT32);
        }

        private Tensor named(int block, @Nullable Tensor found) {
            if (found == null || !seen.keySet().stream().anyMatch(name -> name.startsWith("blocks." + block + "."))) {
                throw new IllegalArgumentException("There is no block " + block + " to compare; seen were "
                        + seen.keySet());
            }
            return found;
        }

        @Override
        public void close() {
            seen.values().forEach(Tensor::close);
        }
    }
}
