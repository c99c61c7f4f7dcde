package dev.weft.nn;

import dev.weft.tensor.Tensor;
import java.util.Collections;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/// The weights of a model, seen from one place in the tree of their names.
///
/// A family's constructor walks this tree and asks for each weight by the name it has in the checkpoint, with the shape
/// it expects: `weights.at("h").at(3).at("ln_1").get("weight", Init.ones(), hidden)`. The [WeightSource] behind it is a
/// file or a seeded initialiser, so one constructor loads, trains from nothing and saves back under the same names.
/// Strict both ways: a missing or wrongly shaped weight is an error at once, one that nobody asked for in
/// [#requireAllRead].
public final class Weights {
    private final WeightSource source;
    private final Map<String, Tensor> given;
    private final Set<String> ignored;
    private final ProjectionPlan plan;
    private final String path;

    private Weights(WeightSource source, Map<String, Tensor> given, Set<String> ignored, ProjectionPlan plan,
            String path) {
        this.source = source;
        this.given = given;
        this.ignored = ignored;
        this.plan = plan;
        this.path = path;
    }

    public static Weights from(WeightSource source) {
        return from(source, ProjectionPlan.PLAIN);
    }

    public static Weights from(WeightSource source, ProjectionPlan plan) {
        return new Weights(source, new LinkedHashMap<>(), new HashSet<>(), plan, "");
    }

    /// New weights from a seed.
    public static Weights random(long seed) {
        return from(WeightSource.random(seed));
    }

    /// One step down the tree.
    public Weights at(String child) {
        return new Weights(source, given, ignored, plan, full(child));
    }

    /// One step down into a numbered list of layers.
    public Weights at(int index) {
        return at(Integer.toString(index));
    }

    /// The base model's weights: below `prefix` where the source has any there, or makes its own, else right here.
    /// Published checkpoints of a base model leave the prefix out that the same model has below a head.
    public Weights base(String prefix) {
        boolean flat = !source.names().isEmpty()
                && source.names().stream().noneMatch(name -> name.startsWith(full(prefix) + "."));
        return flat ? this : at(prefix);
    }

    /// The full name of a weight here.
    public String full(String name) {
        return path.isEmpty() ? name : path + "." + name;
    }

    /// Whether the source has this weight; true if it makes whatever is asked for.
    public boolean has(String name) {
        return source.names().isEmpty() || source.names().contains(full(name));
    }

    /// The weight `name` here. Asked for twice it is the same tensor: that is how weights are tied.
    public Tensor get(String name, Init init, long... shape) {
        return given.computeIfAbsent(full(name), missing -> source.read(missing, init, shape));
    }

    /// What the plan makes of a projection here.
    Projection planned(Linear plain) {
        return plan.choose(this, plain);
    }

    /// Says that a file may hold this without meaning anything: buffers of old versions, copies of tied weights.
    public void ignore(String name) {
        ignored.add(full(name));
    }

    /// Every weight asked for so far, by full name, in the order of asking.
    public Map<String, Tensor> given() {
        return Collections.unmodifiableMap(given);
    }

    /// What the source has and nobody asked for or ignored, sorted.
    public List<String> unread() {
        var left = new TreeSet<>(source.names());
        left.removeAll(given.keySet());
        left.removeAll(ignored);
        return List.copyOf(left);
    }

    /// @throws IllegalArgumentException if the source has weights that the model does not know
    public void requireAllRead() {
        List<String> left = unread();
        if (!left.isEmpty()) {
            throw new IllegalArgumentException(
                    "The checkpoint holds %d weights that this model does not have, the first is %s; "
                            .formatted(left.size(), left.getFirst()) + "check model_type and the sizes in config.json");
        }
    }
}
