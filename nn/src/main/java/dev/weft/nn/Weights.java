package dev.weft.nn;

import dev.weft.tensor.Gradients;
import dev.weft.tensor.Tensor;
import dev.weft.tensor.TensorScope;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Predicate;

/// The weights of a model, seen from one place in the tree of their names.
///
/// A family's constructor walks this tree and asks for each weight by the name it has in the checkpoint, with the shape
/// it expects: `weights.at("h").at(3).at("ln_1").get("weight", Init.ones(), hidden)`. The [WeightSource] behind it is a
/// file or a seeded initialiser, so one constructor loads, trains from nothing and saves back under the same names.
/// Strict both ways: a missing or wrongly shaped weight is an error at once, one that nobody asked for in
/// [#unread].
public final class Weights {
    /// What all places of one tree share.
    private static final class Ledger {
        private final WeightSource source;
        private final ProjectionPlan plan;
        private final Predicate<String> mayBeNew;
        private final Predicate<String> mayDiffer;
        private final WeightSource fresh;
        private final Map<String, Tensor> given = new LinkedHashMap<>();
        private final Set<String> read = new HashSet<>();
        private final Set<String> made = new TreeSet<>();
        private final Set<String> constants = new HashSet<>();

        Ledger(WeightSource source, ProjectionPlan plan, Predicate<String> mayBeNew, Predicate<String> mayDiffer) {
            this.source = source;
            fresh = WeightSource.random(0).on(source.device());
            this.plan = plan;
            this.mayBeNew = mayBeNew;
            this.mayDiffer = mayDiffer;
        }
    }

    /// Ends of names of what old versions of the Python library saved and nobody needs.
    private static final List<String> BUFFERS = List.of(".position_ids", ".rotary_emb.inv_freq",
            ".embeddings.token_type_ids", ".embed_positions.weight", ".embed_positions.weights");

    private final Ledger ledger;
    private final String path;
    /// Where the source has what is here; another place for published base models that lack their prefix.
    private final String stored;

    private Weights(Ledger ledger, String path, String stored) {
        this.ledger = ledger;
        this.path = path;
        this.stored = stored;
    }

    /// The root of the tree of a source.
    public static Weights from(WeightSource source) {
        return from(source, ProjectionPlan.PLAIN);
    }

    /// The root of the tree of a source.
    public static Weights from(WeightSource source, ProjectionPlan plan) {
        return new Weights(new Ledger(source, plan, name -> false, name -> false), "", "");
    }

    /// Weights that the source lacks are made new where `mayBeNew` says so of their full name; see [#made].
    ///
    /// @param mayDiffer the same of one that the source has in another shape: a head for other labels
    public static Weights from(WeightSource source, ProjectionPlan plan, Predicate<String> mayBeNew,
            Predicate<String> mayDiffer) {
        return new Weights(new Ledger(source, plan, mayBeNew, mayDiffer), "", "");
    }

    /// Whether every projection here is the plain one: what [#given] holds is then the whole model.
    public boolean isPlain() {
        return ledger.plan == ProjectionPlan.PLAIN;
    }

    /// What decides on the projections here; another plan may ask it for what it wraps.
    public ProjectionPlan plan() {
        return ledger.plan;
    }

    /// New weights from a seed.
    public static Weights random(long seed) {
        return from(WeightSource.random(seed));
    }

    /// One step down the tree; an empty name stays.
    public Weights at(String child) {
        return child.isEmpty() ? this : new Weights(ledger, join(path, child), join(stored, child));
    }

    /// One step down into a numbered list of layers.
    public Weights at(int index) {
        return at(Integer.toString(index));
    }

    /// The same place, read from the first of `places` below which the source has weights, or else from its root: published
    /// checkpoints of a base model leave out the prefix that the same model has below a head.
    public Weights storedAt(String... places) {
        if (ledger.source.names().isEmpty()) {
            return this;
        }
        String found = Arrays.stream(places).filter(place -> ledger.source.names().stream()
                .anyMatch(name -> name.startsWith(place + "."))).findFirst().orElse("");
        return new Weights(ledger, path, found);
    }

    /// Whether a name of the source lies here or below.
    public boolean holds(String name) {
        return stored.isEmpty() || name.startsWith(stored + ".");
    }

    /// The full name of a weight here.
    public String full(String name) {
        return join(path, name);
    }

    private static String join(String path, String name) {
        return path.isEmpty() ? name : path + "." + name;
    }

    /// Whether the source has this weight; true if it makes whatever is asked for.
    public boolean has(String name) {
        return ledger.source.names().isEmpty() || ledger.source.names().contains(join(stored, name));
    }

    /// The weight `name` here. Asked for twice it is the same tensor: that is how weights are tied.
    public Tensor get(String name, Init init, long... shape) {
        return ledger.given.computeIfAbsent(full(name), missing -> {
            boolean other = has(name) && ledger.mayDiffer.test(missing)
                    && !ledger.source.fits(join(stored, name), shape);
            if ((!has(name) || other) && ledger.mayBeNew.test(missing)) {
                ledger.made.add(missing);
                ledger.read.add(join(stored, name));
                return ledger.fresh.read(missing, init, shape);
            }
            ledger.read.add(join(stored, name));
            return ledger.source.read(ledger.source.names().isEmpty() ? missing : join(stored, name), init, shape);
        });
    }

    /// The same for numbers that are saved with the weights and never trained.
    public Tensor constant(String name, Init init, long... shape) {
        ledger.constants.add(full(name));
        return get(name, init, shape);
    }

    /// Whether the source has another matrix here than one that was read: what a config ties and a file does not.
    public boolean differs(String name, Tensor other) {
        String full = join(stored, name);
        if (!ledger.source.names().contains(full) || !ledger.source.fits(full, other.shape())) {
            return false;
        }
        try (var scope = TensorScope.open();
                var off = Gradients.off();
                Tensor own = ledger.source.read(full, Init.zeros(), other.shape())) {
            return !own.sharesMemory(other) && own.sub(other).abs().max().item() != 0;
        }
    }

    /// Whether the weight of this full name is trained at all.
    public boolean trains(String name) {
        return !ledger.constants.contains(name);
    }

    /// The first of these places that has `weight`; the others are copies of it, and ignored. Where none has it, the first.
    public Weights oneOf(String... places) {
        String found = Arrays.stream(places).filter(place -> at(place).has("weight")).findFirst().orElse(places[0]);
        Arrays.stream(places).filter(place -> !place.equals(found)).forEach(place -> at(place).ignore("weight"));
        return at(found);
    }

    /// The weight `first` where the source has it, else `second`: names that changed.
    public Tensor getEither(String first, String second, Init init, long... shape) {
        return has(first) || !has(second) ? get(first, init, shape) : get(second, init, shape);
    }

    /// What the plan has for a projection here.
    Projection projection(ProjectionSpec spec) {
        return ledger.plan.load(this, spec);
    }

    Embedding embedding(int entries, int hidden, Init init) {
        return ledger.plan.embedding(this, entries, hidden, init);
    }

    /// Says that a file may hold this without meaning anything: buffers of old versions, copies of tied weights.
    public void ignore(String... names) {
        for (String name : names) {
            ledger.read.add(join(stored, name));
        }
    }

    /// The same for all that lies here and below: the half of a model that was not asked for.
    public void ignoreAll() {
        ledger.source.names().stream().filter(this::holds).forEach(ledger.read::add);
    }

    /// Every weight asked for so far, by full name, in the order of asking.
    public Map<String, Tensor> given() {
        return Collections.unmodifiableMap(ledger.given);
    }

    /// The full names of those that the source lacked and that were made new, sorted.
    public List<String> made() {
        return List.copyOf(ledger.made);
    }

    /// The full names of those to which rows were added.
    public Set<String> grown() {
        return ledger.source.grown();
    }

    /// What the source has and nobody asked for or ignored, by the source's names, sorted.
    public List<String> unread() {
        var left = new TreeSet<>(ledger.source.names());
        left.removeAll(ledger.read);
        left.removeIf(name -> BUFFERS.stream().anyMatch(name::endsWith));
        return List.copyOf(left);
    }

    /// Closes what was given so far: for a model that could not be built to its end.
    public void close() {
        ledger.given.values().forEach(Tensor::close);
        ledger.given.clear();
    }
}
