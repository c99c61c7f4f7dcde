package dev.weft.models;

import dev.weft.models.backbone.Sizes;
import dev.weft.checkpoint.Json;
import dev.weft.models.ModelConfig.Component;
import dev.weft.models.ModelConfig.Key;
import dev.weft.models.ModelConfig.Type;
import dev.weft.nn.Activation;
import java.lang.invoke.SerializedLambda;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.RecordComponent;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/// Records of [ModelConfig], read, written and changed by the names of their components.
final class ConfigRecords {
    /// What no config leaves out: a guess would open a file as another model.
    private static final Set<String> SAID = Set.of("vocab_size", "hidden_size", "intermediate_size",
            "num_hidden_layers", "num_attention_heads");
    /// Sizes of a toy, where a record has them.
    private static final Map<String, Object> TINY = Map.of("vocabSize", 64, "hiddenSize", 16, "intermediateSize", 32,
            "numHiddenLayers", 2, "numAttentionHeads", 2, "numKeyValueHeads", 1, "headDim", 8,
            "maxPositionEmbeddings", 32);

    private static final String NAMED = "A component is named by its accessor: Config::hiddenSize";

    private ConfigRecords() {}

    @SuppressWarnings("unchecked")
    static <C extends Record & ModelConfig<C>> C own(ModelConfig<C> config) {
        return (C) config;
    }

    static <C extends Record & ModelConfig<C>> C read(Json json, C usual) {
        return made(usual, component -> value(json, component, component(usual, component), usual));
    }

    private static Object value(Json json, RecordComponent component, Object usual, Record all) {
        String key = json.first(keys(component));
        boolean isNull = json.node().path(key).isNull();
        return switch (usual) {
            case Integer number when SAID.contains(key) -> json.positive(key);
            case Integer number when key.equals("num_key_value_heads") ->
                json.positive(key, isNull || number == 0 ? json.positive("num_attention_heads") : number);
            case Integer number when key.equals("head_dim") && (isNull || number == 0) -> headDim(json);
            case Integer id when key.endsWith("_id") -> json.integer(key, isNull ? -1 : id);
            case Integer number -> number > 0 ? json.positive(key, number) : json.integer(key, number);
            case Double number -> json.number(key, isNull ? 0 : number);
            case Boolean flag -> json.flag(key, flag);
            case Activation activation -> json.has(key) ? Activation.parse(json.text(key)) : activation;
            case LayerTypes layers -> LayerTypes.read(json, layers);
            case RopeConfig rope when component.getName().equals("rope") -> RopeConfig.read(json, rope);
            default -> usual;
        };
    }

    private static int headDim(Json json) {
        if (json.has("head_dim")) {
            return json.positive("head_dim");
        }
        int hidden = json.positive("hidden_size");
        int heads = json.positive("num_attention_heads");
        Sizes.requireMultiple("hidden_size", hidden, "num_attention_heads", heads);
        return hidden / heads;
    }

    static <C extends Record & ModelConfig<C>> C tiny(C usual) {
        return made(usual, component -> TINY.getOrDefault(component.getName(), component(usual, component)));
    }

    static <C extends Record & ModelConfig<C>, T> C with(C config, Component<C, T> component, T value) {
        String name = name(component);
        if (Arrays.stream(config.getClass().getRecordComponents()).noneMatch(each -> each.getName().equals(name))) {
            throw new IllegalArgumentException(NAMED);
        }
        return made(config, each -> each.getName().equals(name) ? value : component(config, each));
    }

    /// Of a method reference the method; a lambda has none.
    private static String name(Component<?, ?> component) {
        try {
            Method method = component.getClass().getDeclaredMethod("writeReplace");
            method.setAccessible(true);
            return ((SerializedLambda) method.invoke(component)).getImplMethodName();
        } catch (ReflectiveOperationException e) {
            throw new IllegalArgumentException(NAMED, e);
        }
    }

    static <C extends Record & ModelConfig<C>> ObjectNode write(C config) {
        ObjectNode node = Json.object().put("model_type", config.getClass().getAnnotation(Type.class).value());
        for (RecordComponent component : config.getClass().getRecordComponents()) {
            String key = keys(component)[0];
            switch (component(config, component)) {
                case Integer number when number < 0 -> node.putNull(key);
                case Integer number -> node.put(key, number);
                case Double number -> node.put(key, number);
                case Boolean flag -> node.put(key, flag);
                case String text -> node.put(key, text);
                case Activation activation -> node.put(key, activation.configName());
                case List<?> list -> {
                    ArrayNode array = node.putArray(key);
                    list.forEach(each -> array.add((Integer) each));
                }
                case LayerTypes layers -> layers.write(node, config.numHiddenLayers());
                case RopeConfig rope -> rope.write(node, component.getName().equals("rope") ? "" : "sliding_attention");
                default -> throw new IllegalStateException(component + " has no form in config.json");
            }
        }
        return node;
    }

    private static String[] keys(RecordComponent component) {
        Key named = component.getAnnotation(Key.class);
        return named != null
                ? named.value()
                : new String[]{component.getName().replaceAll("([A-Z])", "_$1").toLowerCase(Locale.ROOT)};
    }

    private static Object component(Record record, RecordComponent component) {
        try {
            Method accessor = component.getAccessor();
            accessor.setAccessible(true);
            return accessor.invoke(record);
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException(component + " cannot be read", e);
        }
    }

    @SuppressWarnings("unchecked")
    private static <C extends Record> C made(C like, Function<RecordComponent, @Nullable Object> values) {
        RecordComponent[] components = like.getClass().getRecordComponents();
        try {
            var constructor = like.getClass().getDeclaredConstructor(
                    Arrays.stream(components).map(RecordComponent::getType).toArray(Class<?>[]::new));
            constructor.setAccessible(true);
            return (C) constructor.newInstance(Arrays.stream(components).map(values).toArray());
        } catch (InvocationTargetException e) {
            throw e.getCause() instanceof RuntimeException refused ? refused : new IllegalStateException(e.getCause());
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException(like.getClass() + " cannot be made", e);
        }
    }
}
