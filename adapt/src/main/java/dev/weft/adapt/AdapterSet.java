package dev.weft.adapt;

import dev.weft.models.heads.PretrainedModel;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentSkipListMap;

/// Several adapters over one base, by name, chosen per call: `adapters.model("formal").outputs(…)`.
///
/// Each is a model of its own over the same tensors, so that calls with different adapters may run at once. The base stays
/// the caller's.
public final class AdapterSet implements AutoCloseable {
    /// PEFT's name for the base without any adapter.
    public static final String BASE = "__base__";

    private final PretrainedModel base;
    private final Map<String, Adapted> adapters = new ConcurrentSkipListMap<>();

    public AdapterSet(PretrainedModel base) {
        this.base = base;
    }

    /// Loads an adapter; one of the same name goes.
    public void add(String name, Path folder) {
        put(name, Adapted.load(base, folder));
    }

    /// One adapter more that is a weighted sum of some that are here.
    public void add(String name, Map<String, Double> shares) {
        var parts = new LinkedHashMap<Adapted, Double>();
        shares.forEach((part, share) -> parts.put(adapter(part), share));
        put(name, Adapted.sum(base, parts));
    }

    private void put(String name, Adapted adapted) {
        Adapted old = adapters.put(name, adapted);
        if (old != null) {
            old.close();
        }
    }

    /// Closes an adapter and forgets it.
    ///
    /// @throws IllegalArgumentException if there is none of this name
    public void remove(String name) {
        adapter(name);
        adapters.remove(name).close();
    }

    /// The names of the adapters that are there.
    public Set<String> names() {
        return Set.copyOf(adapters.keySet());
    }

    /// The base without any.
    public PretrainedModel base() {
        return base;
    }

    /// The base with the adapter of this name.
    ///
    /// @throws IllegalArgumentException if there is none; the message names those that there are
    public PretrainedModel model(String name) {
        return adapter(name).model();
    }

    /// The base for batches of as many rows, each with its own adapter; [#BASE] is none. Of LoRA adapters alone, without DoRA
    /// and without modules trained whole. It shares the base's tensors and is the caller's to close.
    ///
    /// @throws IllegalArgumentException for an unknown name, or an adapter that cannot be chosen by row
    public PretrainedModel model(List<String> rows) {
        return Adapted.byRow(base, rows.stream().map(name -> name.equals(BASE)
                ? Optional.<Adapted>empty()
                : Optional.of(adapter(name))).toList());
    }

    private Adapted adapter(String name) {
        Adapted found = adapters.get(name);
        if (found == null) {
            throw new IllegalArgumentException(
                    "There is no adapter \"%s\"; there are %s".formatted(name, adapters.keySet()));
        }
        return found;
    }

    @Override
    public void close() {
        adapters.values().forEach(Adapted::close);
        adapters.clear();
    }
}
