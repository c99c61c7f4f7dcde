package dev.weft.models;

import dev.weft.checkpoint.AdapterFolder;
import dev.weft.checkpoint.Json;
import dev.weft.models.heads.PretrainedModel;
import java.util.ServiceLoader;

/// Opens models that wear an adapter. Room `adapt` has one, which is found where that room is on the class path: rooms that
/// open folders need not know it.
public interface AdapterLoader {
    /// The config of the base as the adapter was trained on it: its head, its labels.
    Json config(AdapterFolder folder);

    /// The base with the adapter.
    ///
    /// @param base how the base is opened; the adapter lies on the same device
    PretrainedModel load(AdapterFolder folder, Loading base);

    /// @throws IllegalArgumentException if there is none on the class path
    static AdapterLoader here(AdapterFolder folder) {
        return ServiceLoader.load(AdapterLoader.class, AdapterLoader.class.getClassLoader()).findFirst()
                .orElseThrow(() -> new IllegalArgumentException(
                        "%s is an adapter: put weft-adapt on the class path, or fold it into its base with weft merge"
                                .formatted(folder.path())));
    }
}
