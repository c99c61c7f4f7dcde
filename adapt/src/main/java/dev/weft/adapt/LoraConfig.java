package dev.weft.adapt;

import dev.weft.checkpoint.Json;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.function.BiFunction;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/// What a LoRA adapter changes and how: PEFT's `adapter_config.json`, whose words these are but for `rank`, there `r`.
///
/// Start from [#of] or [#parse] and change one thing.
///
/// @param rank              of the detours
/// @param alpha             their scale times the rank
/// @param dropout           share of their inputs dropped in training
/// @param targets           which projections get one
/// @param exclude           which do not, though they are targets
/// @param layersToTransform only in layers of these numbers; empty: in all
/// @param layersPattern     names of the lists that these numbers count in; empty: of any list
/// @param rankPattern       other ranks, by the end of a name as a regular expression; the first that fits
/// @param alphaPattern      the same for alphas
/// @param modulesToSave     ends of names of modules that are trained whole, and saved with the adapter
/// @param bias              which of the base's biases are trained
/// @param useRslora         scale is alpha / √rank (Kalajdzievski 2023, <https://arxiv.org/abs/2312.03732>)
/// @param useDora           lengths of weights are trained apart from their directions: see [LowRank]
/// @param init              how new detours begin
/// @param taskType          what the base is opened as: `CAUSAL_LM`, `SEQ_CLS`, …; empty: not told
/// @param baseModel         where the base is; empty: not told
public record LoraConfig(int rank, double alpha, double dropout, Targets targets, Targets exclude,
        List<Integer> layersToTransform, List<String> layersPattern, Map<String, Integer> rankPattern,
        Map<String, Double> alphaPattern, List<String> modulesToSave, Bias bias, boolean useRslora, boolean useDora,
        Init init, String taskType, String baseModel) implements AdapterConfig {
    /// Which of the base's biases are trained.
    public enum Bias {
        NONE, ALL,
        /// Those of the targets.
        LORA_ONLY
    }

    /// How new detours begin.
    public enum Init {
        /// Down uniform in ±1/√in (Kaiming's with slope √5), up zero: the model is the base at first.
        KAIMING,
        /// Down normal with deviation 1/rank, up zero.
        GAUSSIAN
    }

    private static final Pattern NUMBERED = Pattern.compile(".*\\.[^.]*\\.(\\d+)\\..*");

    /// Settings that change nothing about a saved adapter.
    private static final Set<String> IDLE = Set.of("peft_type", "peft_version", "base_model_name_or_path", "revision",
            "inference_mode", "auto_mapping", "task_type", "megatron_core", "loftq_config", "eva_config",
            "corda_config", "lora_ga_config", "qalora_group_size", "runtime_config", "fan_in_fan_out", "r",
            "lora_alpha", "lora_dropout", "target_modules", "exclude_modules", "layers_to_transform",
            "layers_pattern", "rank_pattern", "alpha_pattern", "modules_to_save", "bias", "use_rslora", "use_dora",
            "init_lora_weights", "ensure_weight_tying");

    public LoraConfig {
        layersToTransform = List.copyOf(layersToTransform);
        layersPattern = List.copyOf(layersPattern);
        modulesToSave = modulesToSave.stream().distinct().toList();
        require(rank > 0, "rank", "at least 1", rank);
        rankPattern.forEach((name, own) -> require(own > 0, "rank of " + name, "at least 1", own));
        require(dropout >= 0 && dropout < 1, "dropout", "at least 0 and below 1", dropout);
    }

    private static void require(boolean holds, String what, String wanted, Object found) {
        if (!holds) {
            throw new IllegalArgumentException("A LoRA's %s must be %s, found %s".formatted(what, wanted, found));
        }
    }

    /// PEFT's defaults with these three.
    public static LoraConfig of(int rank, double alpha, Targets targets) {
        return new LoraConfig(rank, alpha, 0, targets, Targets.none(), List.of(), List.of(), Map.of(), Map.of(),
                List.of(), Bias.NONE, false, false, Init.KAIMING, "", "");
    }

    /// With this share of the detours' inputs dropped in training.
    public LoraConfig withDropout(double share) {
        return new LoraConfig(rank, alpha, share, targets, exclude, layersToTransform, layersPattern, rankPattern,
                alphaPattern, modulesToSave, bias, useRslora, useDora, init, taskType, baseModel);
    }

    /// Without these of the targets.
    public LoraConfig withExcluded(Targets others) {
        return new LoraConfig(rank, alpha, dropout, targets, others, layersToTransform, layersPattern, rankPattern,
                alphaPattern, modulesToSave, bias, useRslora, useDora, init, taskType, baseModel);
    }

    /// In blocks of these numbers only; none means all.
    public LoraConfig withLayers(List<Integer> numbers) {
        return new LoraConfig(rank, alpha, dropout, targets, exclude, numbers, layersPattern, rankPattern,
                alphaPattern, modulesToSave, bias, useRslora, useDora, init, taskType, baseModel);
    }

    /// With other ranks and alphas for some; the order is that in which names are tried.
    public LoraConfig withPatterns(Map<String, Integer> ranks, Map<String, Double> alphas) {
        return new LoraConfig(rank, alpha, dropout, targets, exclude, layersToTransform, layersPattern, ranks, alphas,
                modulesToSave, bias, useRslora, useDora, init, taskType, baseModel);
    }

    @Override
    public LoraConfig withModulesToSave(List<String> modules) {
        return new LoraConfig(rank, alpha, dropout, targets, exclude, layersToTransform, layersPattern, rankPattern,
                alphaPattern, modules, bias, useRslora, useDora, init, taskType, baseModel);
    }

    /// With biases that are trained too.
    public LoraConfig withBias(Bias trained) {
        return new LoraConfig(rank, alpha, dropout, targets, exclude, layersToTransform, layersPattern, rankPattern,
                alphaPattern, modulesToSave, trained, useRslora, useDora, init, taskType, baseModel);
    }

    /// With detours scaled by alpha / √rank (Kalajdzievski 2023, <https://arxiv.org/abs/2312.03732>).
    public LoraConfig withRslora(boolean use) {
        return new LoraConfig(rank, alpha, dropout, targets, exclude, layersToTransform, layersPattern, rankPattern,
                alphaPattern, modulesToSave, bias, use, useDora, init, taskType, baseModel);
    }

    /// With a length of its own for each output: DoRA (Liu et al. 2024, <https://arxiv.org/abs/2402.09353>).
    public LoraConfig withDora(boolean use) {
        return new LoraConfig(rank, alpha, dropout, targets, exclude, layersToTransform, layersPattern, rankPattern,
                alphaPattern, modulesToSave, bias, useRslora, use, init, taskType, baseModel);
    }

    @Override
    public LoraConfig withTaskType(String task) {
        return new LoraConfig(rank, alpha, dropout, targets, exclude, layersToTransform, layersPattern, rankPattern,
                alphaPattern, modulesToSave, bias, useRslora, useDora, init, task, baseModel);
    }

    /// Where PEFT looks for the base.
    @Override
    public LoraConfig withBaseModel(String place) {
        return new LoraConfig(rank, alpha, dropout, targets, exclude, layersToTransform, layersPattern, rankPattern,
                alphaPattern, modulesToSave, bias, useRslora, useDora, init, taskType, place);
    }

    // ---- what it says of a projection ----

    /// Whether the projection of this name gets a detour.
    boolean changes(String module) {
        return targets.names(module) && !exclude.names(module) && !saves(module + ".weight") && inLayers(module);
    }

    private boolean inLayers(String module) {
        if (layersToTransform.isEmpty()) {
            return true;
        }
        List<Pattern> lists = layersPattern.isEmpty()
                ? List.of(NUMBERED)
                : layersPattern.stream().map(list -> Pattern.compile(".*\\." + list + "\\.(\\d+)\\..*")).toList();
        for (Pattern list : lists) {
            Matcher found = list.matcher(module);
            if (found.matches()) {
                return layersToTransform.contains(Integer.parseInt(found.group(1)));
            }
        }
        return false;
    }

    int rankOf(String module) {
        return first(rankPattern, module, rank);
    }

    double alphaOf(String module) {
        return first(alphaPattern, module, alpha);
    }

    double scaleOf(String module) {
        int own = rankOf(module);
        return alphaOf(module) / (useRslora ? Math.sqrt(own) : own);
    }

    private static <T> T first(Map<String, T> patterns, String module, T otherwise) {
        return patterns.entrySet().stream()
                .filter(each -> Pattern.matches("(.*\\.)?(" + each.getKey() + ")", module)).map(Map.Entry::getValue)
                .findFirst().orElse(otherwise);
    }

    // ---- as text ----

    /// What a command line says: `rank=8,alpha=16,targets=q_proj,v_proj,dropout=0.05,save=score,dora=true`. Alone `rank` and
    /// `targets` have no default here but 8 and all projections; alpha is twice the rank.
    ///
    /// @throws IllegalArgumentException for a key that is none, with those that are
    public static LoraConfig parse(String text) {
        var given = new LinkedHashMap<String, List<String>>();
        List<String> values = List.of();
        for (String part : text.split(",")) {
            int equals = part.indexOf('=');
            if (equals >= 0) {
                values = new ArrayList<>();
                given.put(part.substring(0, equals).strip(), values);
            } else if (given.isEmpty()) {
                throw new IllegalArgumentException("LoRA settings are NAME=VALUE,…, found \"" + text + '"');
            }
            values.add(part.substring(equals + 1).strip());
        }
        int rank = given.containsKey("rank") ? whole("rank", given.get("rank")) : 8;
        LoraConfig config = of(rank, 2.0 * rank, new Targets.AllLinear());
        for (Map.Entry<String, List<String>> each : given.entrySet()) {
            config = config.with(each.getKey(), each.getValue());
        }
        return config;
    }

    private LoraConfig with(String key, List<String> values) {
        String[] list = values.toArray(String[]::new);
        return switch (key) {
            case "rank" -> this;
            case "alpha" -> new LoraConfig(rank, number(key, values), dropout, targets, exclude, layersToTransform,
                    layersPattern, rankPattern, alphaPattern, modulesToSave, bias, useRslora, useDora, init, taskType,
                    baseModel);
            case "targets" -> new LoraConfig(rank, alpha, dropout, Targets.of(list), exclude, layersToTransform,
                    layersPattern, rankPattern, alphaPattern, modulesToSave, bias, useRslora, useDora, init, taskType,
                    baseModel);
            case "dropout" -> withDropout(number(key, values));
            case "exclude" -> withExcluded(Targets.of(list));
            case "layers" -> withLayers(
                    values.stream().map(value -> whole(key, List.of(value))).toList());
            case "save" -> withModulesToSave(values);
            case "bias" -> withBias(choice(Bias.class, "LoRA bias", values.getFirst()));
            case "rslora" -> withRslora(flag(key, values));
            case "dora" -> withDora(flag(key, values));
            default -> throw new IllegalArgumentException("There is no LoRA setting \"" + key
                    + "\"; there are rank, alpha, targets, dropout, exclude, layers, save, bias, rslora, dora");
        };
    }

    private static Double number(String key, List<String> values) {
        try {
            return Double.valueOf(values.getFirst());
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException(
                    "LoRA setting %s must be a number, found \"%s\"".formatted(key, values.getFirst()), e);
        }
    }

    private static int whole(String key, List<String> values) {
        double number = number(key, values);
        if (number != Math.rint(number)) {
            throw new IllegalArgumentException(
                    "LoRA setting %s must be a whole number, found \"%s\"".formatted(key, values.getFirst()));
        }
        return (int) number;
    }

    private static boolean flag(String key, List<String> values) {
        if (!values.getFirst().matches("true|false")) {
            throw new IllegalArgumentException(
                    "LoRA setting %s must be true or false, found \"%s\"".formatted(key, values.getFirst()));
        }
        return values.getFirst().equals("true");
    }

    private static <E extends Enum<E>> E choice(Class<E> type, String what, String name) {
        return Arrays.stream(type.getEnumConstants())
                .filter(each -> each.name().equals(name.toUpperCase(Locale.ROOT))).findFirst()
                .orElseThrow(() -> new IllegalArgumentException("%s must be one of %s, found \"%s\"".formatted(what,
                        Arrays.toString(type.getEnumConstants()).toLowerCase(Locale.ROOT), name)));
    }

    // ---- as a file ----

    /// `adapter_config.json`.
    ///
    /// @throws IllegalArgumentException if it sets what would change the answers and Weft lacks, by name
    static LoraConfig fromJson(Json json) {
        AdapterConfig.requireKnown(json, IDLE);
        if (Targets.fromJson(json, "target_modules").equals(Targets.none())) {
            throw json.mustBe("target_modules", "names, a regular expression or all-linear");
        }
        if (json.number("lora_dropout", 0) < 0 || json.number("lora_dropout", 0) >= 1) {
            throw json.mustBe("lora_dropout", "at least 0 and below 1");
        }
        return new LoraConfig(json.positive("r"), json.number("lora_alpha"), json.number("lora_dropout", 0),
                Targets.fromJson(json, "target_modules"), Targets.fromJson(json, "exclude_modules"),
                json.has("layers_to_transform") ? json.integers("layers_to_transform") : List.of(),
                texts(json, "layers_pattern"), map(json, "rank_pattern", (map, name) -> map.positive(name)),
                map(json, "alpha_pattern", (map, name) -> map.number(name)), texts(json, "modules_to_save"),
                choice(Bias.class, json + ": \"bias\"", json.text("bias", "none")), json.flag("use_rslora", false),
                json.flag("use_dora", false), init(json), json.text("task_type", ""),
                json.text("base_model_name_or_path", ""));
    }

    /// Some ways to begin change the base as well: what was trained on that is no adapter of the base as it is.
    private static Init init(Json json) {
        JsonNode value = json.node().path("init_lora_weights");
        if (value.isMissingNode() || value.isNull() || value.isBoolean()) {
            return Init.KAIMING;
        }
        return switch (value.asString("")) {
            case "gaussian" -> Init.GAUSSIAN;
            case "eva", "orthogonal" -> Init.KAIMING;
            default -> throw json.mustBe("init_lora_weights",
                    "true, false, gaussian, eva or orthogonal: others change the base as well");
        };
    }

    private static List<String> texts(Json json, String name) {
        return json.has(name) ? json.texts(name) : List.of();
    }

    private static <T> Map<String, T> map(Json json, String name, BiFunction<Json, String, T> value) {
        var all = new LinkedHashMap<String, T>();
        if (json.has(name)) {
            Json map = json.object(name);
            map.names().forEach(key -> all.put(key, value.apply(map, key)));
        }
        return all;
    }

    @Override
    public ObjectNode toJson(boolean turned) {
        ObjectNode json = Json.object();
        ObjectNode alphas = Json.object();
        alphaPattern.forEach((name, own) -> number(alphas, name, own));
        ObjectNode ranks = Json.object();
        rankPattern.forEach((name, own) -> ranks.put(name, own.intValue()));
        json.set("alpha_pattern", alphas);
        json.putNull("auto_mapping");
        put(json, "base_model_name_or_path", baseModel);
        json.put("bias", bias.name().toLowerCase(Locale.ROOT));
        exclude.toJson(json, "exclude_modules");
        json.put("fan_in_fan_out", turned).put("inference_mode", true);
        if (init == Init.GAUSSIAN) {
            json.put("init_lora_weights", "gaussian");
        } else {
            json.put("init_lora_weights", true);
        }
        Targets.of(layersPattern.toArray(String[]::new)).toJson(json, "layers_pattern");
        json.putNull("layers_to_transform");
        if (!layersToTransform.isEmpty()) {
            ArrayNode list = json.putArray("layers_to_transform");
            layersToTransform.forEach(layer -> list.add(layer.intValue()));
        }
        number(json, "lora_alpha", alpha);
        json.put("lora_dropout", dropout);
        Targets.of(modulesToSave.toArray(String[]::new)).toJson(json, "modules_to_save");
        json.put("peft_type", "LORA").put("r", rank);
        json.set("rank_pattern", ranks);
        json.putNull("revision");
        targets.toJson(json, "target_modules");
        put(json, "task_type", taskType);
        return json.put("use_dora", useDora).put("use_rslora", useRslora);
    }

    /// Whole numbers without a point, as PEFT has them.
    private static void number(ObjectNode json, String name, double value) {
        if (value == Math.rint(value) && Math.abs(value) < Integer.MAX_VALUE) {
            json.put(name, (int) value);
        } else {
            json.put(name, value);
        }
    }

    static void put(ObjectNode json, String name, String text) {
        if (text.isEmpty()) {
            json.putNull(name);
        } else {
            json.put(name, text);
        }
    }
}
