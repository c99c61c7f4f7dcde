package dev.weft.checkpoint;

import dev.weft.tensor.Tensor;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/// What llama.cpp's converter did to a checkpoint of an architecture, undone: names and layouts as they were.
/// [GgufSettings] does the same for the settings.
///
/// Facts from llama.cpp's `conversion/` and `gguf-py`; the checkpoint's side is that of the Python library.
enum GgufArchitecture {
    LLAMA("llama", "LlamaForCausalLM", Names.LLAMA), QWEN2("qwen2", "Qwen2ForCausalLM", Names.LLAMA), QWEN3("qwen3",
            "Qwen3ForCausalLM", Names.LLAMA), GEMMA("gemma", "GemmaForCausalLM", Names.LLAMA), GEMMA2("gemma2",
                    "Gemma2ForCausalLM", Names.GEMMA2), GEMMA3("gemma3_text", "Gemma3ForCausalLM",
                            Names.GEMMA2), PHI2("phi", "PhiForCausalLM", Names.PHI2), PHI3("phi3", "Phi3ForCausalLM",
                                    Names.PHI3), GPT2("gpt2", "GPT2LMHeadModel", Names.GPT2);

    /// From ggml's names to the checkpoint's, without `.weight` and `.bias`; `*` is the number of a layer.
    private static final class Names {
        static final Map<String, String> LLAMA = Map.ofEntries(Map.entry("token_embd", "model.embed_tokens"),
                Map.entry("output_norm", "model.norm"), Map.entry("output", "lm_head"),
                Map.entry("blk.*.attn_norm", "model.layers.*.input_layernorm"),
                Map.entry("blk.*.attn_q", "model.layers.*.self_attn.q_proj"),
                Map.entry("blk.*.attn_k", "model.layers.*.self_attn.k_proj"),
                Map.entry("blk.*.attn_v", "model.layers.*.self_attn.v_proj"),
                Map.entry("blk.*.attn_output", "model.layers.*.self_attn.o_proj"),
                Map.entry("blk.*.attn_q_norm", "model.layers.*.self_attn.q_norm"),
                Map.entry("blk.*.attn_k_norm", "model.layers.*.self_attn.k_norm"),
                Map.entry("blk.*.ffn_norm", "model.layers.*.post_attention_layernorm"),
                Map.entry("blk.*.ffn_gate", "model.layers.*.mlp.gate_proj"),
                Map.entry("blk.*.ffn_up", "model.layers.*.mlp.up_proj"),
                Map.entry("blk.*.ffn_down", "model.layers.*.mlp.down_proj"));
        static final Map<String, String> GEMMA2 = with(LLAMA,
                Map.of("blk.*.post_attention_norm", "model.layers.*.post_attention_layernorm", "blk.*.ffn_norm",
                        "model.layers.*.pre_feedforward_layernorm", "blk.*.post_ffw_norm",
                        "model.layers.*.post_feedforward_layernorm"));
        static final Map<String, String> PHI2 = with(LLAMA,
                Map.of("output_norm", "model.final_layernorm", "blk.*.attn_output", "model.layers.*.self_attn.dense",
                        "blk.*.attn_qkv", "model.layers.*.self_attn.", "blk.*.ffn_up", "model.layers.*.mlp.fc1",
                        "blk.*.ffn_down", "model.layers.*.mlp.fc2"));
        static final Map<String, String> PHI3 = with(LLAMA, Map.of("blk.*.attn_qkv",
                "model.layers.*.self_attn.qkv_proj", "blk.*.ffn_up", "model.layers.*.mlp.gate_up_proj"));
        static final Map<String, String> GPT2 = Map.ofEntries(Map.entry("token_embd", "transformer.wte"),
                Map.entry("position_embd", "transformer.wpe"), Map.entry("output_norm", "transformer.ln_f"),
                Map.entry("output", "lm_head"), Map.entry("blk.*.attn_norm", "transformer.h.*.ln_1"),
                Map.entry("blk.*.attn_qkv", "transformer.h.*.attn.c_attn"),
                Map.entry("blk.*.attn_output", "transformer.h.*.attn.c_proj"),
                Map.entry("blk.*.ffn_norm", "transformer.h.*.ln_2"),
                Map.entry("blk.*.ffn_up", "transformer.h.*.mlp.c_fc"),
                Map.entry("blk.*.ffn_down", "transformer.h.*.mlp.c_proj"));

        private static Map<String, String> with(Map<String, String> names, Map<String, String> others) {
            var all = new LinkedHashMap<>(names);
            all.putAll(others);
            return all;
        }
    }

    /// How a weight was changed on its way into the file.
    sealed interface Change {
        record None() implements Change {}

        /// A norm was stored plus one.
        record PlusOne() implements Change {}

        /// `[in, out]` was stored as `[out, in]`.
        record Transposed() implements Change {}

        /// In each head the rows of its two halves were stored in turn, since ggml rotates neighbours.
        record Interleaved(int heads) implements Change {}

        /// Three weights were stored as one: this is part 0, 1 or 2.
        record Third(int part) implements Change {}
    }

    /// A weight of the checkpoint and where it comes from.
    record Weight(GgmlTensor stored, Change change) {
        long[] shape() {
            long[] shape = stored.shape().clone();
            return switch (change) {
                case Change.None none -> shape;
                case Change.PlusOne plusOne -> shape;
                case Change.Interleaved interleaved -> shape;
                case Change.Transposed() -> new long[]{shape[1], shape[0]};
                case Change.Third(int part) -> {
                    shape[0] /= 3;
                    yield shape;
                }
            };
        }

        Tensor read() {
            Tensor tensor = stored.read();
            return switch (change) {
                case Change.None() -> tensor;
                case Change.PlusOne() -> tensor.sub(1);
                case Change.Transposed() -> tensor.transpose(0, 1);
                case Change.Interleaved(int heads) -> tensor
                        .reshape(heads, stored.shape()[0] / heads / 2, 2, stored.elements() / stored.shape()[0])
                        .transpose(1, 2).reshape(stored.shape());
                case Change.Third(int part) -> tensor.narrow(0, shape()[0] * part, shape()[0]);
            };
        }
    }

    private static final Pattern NAME = Pattern.compile("(?:blk\\.(\\d{1,6})\\.)?([a-z_]+)\\.(weight|bias)");
    private static final List<String> THIRDS = List.of("q_proj", "k_proj", "v_proj");
    static final String LONG_FACTORS = "rope_factors_long.weight";
    static final String SHORT_FACTORS = "rope_factors_short.weight";
    static final String FREQUENCIES = "rope_freqs.weight";

    /// What stands among the tensors and is no weight: rotary frequencies belong to the settings.
    private static final List<String> SETTINGS = List.of(LONG_FACTORS, SHORT_FACTORS, FREQUENCIES);

    private final String modelType;
    private final String className;
    private final Map<String, String> names;

    GgufArchitecture(String modelType, String className, Map<String, String> names) {
        this.modelType = modelType;
        this.className = className;
        this.names = names;
    }

    static Optional<GgufArchitecture> of(String name) {
        return Arrays.stream(values()).filter(each -> each.key("").equals(name + ".")).findFirst();
    }

    static String known() {
        return Arrays.stream(values()).map(each -> each.name().toLowerCase(Locale.ROOT))
                .collect(Collectors.joining(", "));
    }

    String modelType() {
        return modelType;
    }

    /// The class of the Python library.
    String className() {
        return className;
    }

    /// The name of a setting of this architecture.
    String key(String setting) {
        return name().toLowerCase(Locale.ROOT) + "." + setting;
    }

    /// The checkpoint's weights by its names.
    ///
    /// @throws IllegalArgumentException if the file has others
    Map<String, Weight> weights(GgufHeader header) {
        var settings = new GgufSettings(this, header);
        var weights = new LinkedHashMap<String, Weight>();
        header.tensors().forEach((stored, tensor) -> {
            if (SETTINGS.contains(stored)) {
                return;
            }
            Matcher parts = NAME.matcher(stored);
            String layer = parts.matches() && parts.group(1) != null ? parts.group(1) : "";
            String name = parts.matches()
                    ? names.get((layer.isEmpty() ? "" : "blk.*.") + parts.group(2))
                    : null;
            if (name == null) {
                throw header.file().error("`%s` is no weight of a %s that Weft knows".formatted(stored,
                        name().toLowerCase(Locale.ROOT)));
            }
            String full = name.replace("*", layer);
            if (full.endsWith(".")) {
                for (int part = 0; part < THIRDS.size(); part++) {
                    put(header, weights, full + THIRDS.get(part) + "." + parts.group(3),
                            new Weight(tensor, new Change.Third(part)));
                }
            } else {
                put(header, weights, full + "." + parts.group(3),
                        new Weight(tensor, change(settings, parts.group(2), parts.group(3))));
            }
        });
        return weights;
    }

    private static void put(GgufHeader header, Map<String, Weight> weights, String name, Weight weight) {
        if (!weight.stored().type().dtype().isFloating()) {
            throw header.file().error("`%s` is stored as %s; a weight must be a floating type".formatted(name,
                    weight.stored().type()));
        }
        long[] shape = weight.stored().shape();
        boolean fits = switch (weight.change()) {
            case Change.None none -> true;
            case Change.PlusOne plusOne -> true;
            case Change.Transposed() -> shape.length == 2;
            case Change.Interleaved(int heads) ->
                shape.length > 0 && shape[0] > 0 && shape[0] % (2L * heads) == 0;
            case Change.Third(int part) -> shape.length > 0 && shape[0] % 3 == 0;
        };
        if (!fits) {
            throw header.file().error("`%s` cannot have the shape %s in the file".formatted(name,
                    Arrays.toString(shape)));
        }
        if (weights.put(name, weight) != null) {
            throw header.file().error("`%s` stands twice".formatted(name));
        }
    }

    private Change change(GgufSettings settings, String part, String end) {
        return switch (this) {
            case LLAMA -> switch (part) {
                case "attn_q" -> new Change.Interleaved(settings.heads());
                case "attn_k" -> new Change.Interleaved(settings.keyValueHeads());
                default -> new Change.None();
            };
            case GEMMA, GEMMA2, GEMMA3 -> part.endsWith("norm") ? new Change.PlusOne() : new Change.None();
            case GPT2 -> List.of("attn_qkv", "attn_output", "ffn_up", "ffn_down").contains(part) && end.equals("weight")
                    ? new Change.Transposed()
                    : new Change.None();
            case QWEN2, QWEN3, PHI2, PHI3 -> new Change.None();
        };
    }
}
