package dev.weft.adapt;

import dev.weft.checkpoint.AdapterFolder;
import dev.weft.checkpoint.Json;
import dev.weft.models.AdapterLoader;
import dev.weft.models.Loading;
import dev.weft.models.heads.PretrainedModel;

/// Folders of adapters, for whoever opens models without knowing of adapters: see [AdapterLoader].
public final class WornModels implements AdapterLoader {
    @Override
    public Json config(AdapterFolder folder) {
        return Adapted.config(folder.opened(), folder.path());
    }

    @Override
    public PretrainedModel load(AdapterFolder folder, Loading loading) {
        try (PretrainedModel base = Adapted.base(folder.base(), folder.path(), loading)) {
            return Adapted.load(base, folder.path()).model();
        }
    }
}
