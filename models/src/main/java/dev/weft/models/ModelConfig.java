package dev.weft.models;

import dev.weft.models.backbone.Sizes;
import dev.weft.checkpoint.Json;
import java.io.Serializable;
import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import java.util.function.Function;
import tools.jackson.databind.node.ObjectNode;

/// The settings of a family's models: a record whose components are the keys of `config.json` in camel case, so that no
/// table stands between the two.
///
/// ```java
/// var config = Qwen3.Config.tiny().with(Qwen3.Config::numHiddenLayers, 4);
/// PretrainedModel model = Models.create(config, HeadSpec.causalLanguage(), 42);
/// ```
///
/// @param <C> the record itself
public interface ModelConfig<C extends Record & ModelConfig<C>> extends Sizes {
    /// The `model_type` of a record's files.
    @Retention(RetentionPolicy.RUNTIME)
    @Target(ElementType.TYPE)
    @interface Type {
        String value();
    }

    /// Keys of a component whose key is not its own name, the best first; that one is written.
    @Retention(RetentionPolicy.RUNTIME)
    @Target(ElementType.RECORD_COMPONENT)
    @interface Key {
        String[] value();
    }

    /// A component of a record, by its accessor: `Config::hiddenSize`.
    ///
    /// @param <C> the record
    /// @param <T> what the component holds
    @FunctionalInterface
    interface Component<C, T> extends Function<C, T>, Serializable {}

    /// The same with one thing changed, checked anew.
    ///
    /// @throws IllegalArgumentException if that does not fit the rest
    default <T> C with(Component<C, T> component, T value) {
        return ConfigRecords.with(ConfigRecords.own(this), component, value);
    }

    /// `config.json` as the Python library reads it.
    default ObjectNode toJson() {
        return ConfigRecords.write(ConfigRecords.own(this));
    }

    /// What a config says; what is missing is as in `usual`.
    ///
    /// @throws IllegalArgumentException if a size that every config says is missing, or a value is of the wrong kind
    static <C extends Record & ModelConfig<C>> C read(Json json, C usual) {
        return ConfigRecords.read(json, usual);
    }

    /// The same settings with the sizes of a toy: two narrow layers, which a test builds in a blink.
    static <C extends Record & ModelConfig<C>> C tiny(C usual) {
        return ConfigRecords.tiny(usual);
    }
}
