package dev.weft.examples;

import dev.weft.models.Models;
import dev.weft.models.Qwen3;
import dev.weft.models.heads.HeadSpec;
import java.nio.file.Path;
import java.util.List;

/// Opens a folder of Hugging Face's, as it is or with another head on its body, and hands it back.
public final class OpenAndSave {
    private OpenAndSave() {}

    /// `OpenAndSave models/bert-base-uncased out person place`
    public static void main(String... args) {
        newHead(Path.of(args[0]), List.of(args).subList(2, args.length), Path.of(args[1]));
    }

    static void asItIs(Path folder, Path out) {
        try (var model = Models.load(folder)) { // the head that the config names
            model.save(out); // config and safetensors, for Weft and for Python
        }
    }

    static void newHead(Path folder, List<String> labels, Path out) {
        try (var model = Models.load(folder, HeadSpec.tokenClassification(labels))) {
            model.notes().forEach(System.out::println); // which weights are new, which were left out
            model.save(out);
        }
    }

    static void fromSettings(Path out) {
        var config = Qwen3.Config.tiny().with(Qwen3.Config::numHiddenLayers, 4);
        try (var model = Models.create(config, HeadSpec.causalLanguage(), 42)) {
            model.save(out);
        }
    }
}
