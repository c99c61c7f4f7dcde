"""Makes the small GGUF files of checkpoint/src/test/resources/gguf/ and what Weft must read from them.

    python build/gguf_fixtures.py checkpoint/src/test/resources/gguf

Needs torch, transformers, accelerate, safetensors and gguf (made with torch 2.13, transformers 5.18, gguf 0.19). For each architecture a tiny model
of random weights is written as llama.cpp's converter would write it; the file is opened with transformers, where it can,
as a second opinion. ARCH.safetensors has the weights and ARCH.json the settings of the checkpoint that the file was made
from, blocks.gguf and blocks.safetensors every kind of block with its numbers by the package gguf.
"""

import json
import sys
from pathlib import Path

import gguf
import numpy as np
import torch
import transformers
from gguf import GGMLQuantizationType as Type
from safetensors.numpy import save_file

OUT = Path(sys.argv[1])
TOKENS = ["<unk>", "<s>", "</s>", "<0x41>", "\u2581a", "b", "\u2581ab", "<|turn|>"] + [f"t{i}" for i in range(8)]

LAYER = {
    "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output", "self_attn.dense": "attn_output", "self_attn.qkv_proj": "attn_qkv",
    "self_attn.q_norm": "attn_q_norm", "self_attn.k_norm": "attn_k_norm", "input_layernorm": "attn_norm",
    "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up", "mlp.gate_up_proj": "ffn_up", "mlp.down_proj": "ffn_down",
    "mlp.fc1": "ffn_up", "mlp.fc2": "ffn_down", "ln_1": "attn_norm", "ln_2": "ffn_norm", "attn.c_attn": "attn_qkv",
    "attn.c_proj": "attn_output", "mlp.c_fc": "ffn_up", "mlp.c_proj": "ffn_down",
    "pre_feedforward_layernorm": "ffn_norm", "post_feedforward_layernorm": "post_ffw_norm",
}
TOP = {"embed_tokens": "token_embd", "wte": "token_embd", "wpe": "position_embd", "norm": "output_norm",
       "final_layernorm": "output_norm", "ln_f": "output_norm"}


def stored_name(arch, name):
    module, end = name.rsplit(".", 1)
    if module == "lm_head":
        return f"output.{end}"
    module = module.split(".", 1)[1]
    if module in TOP:
        return f"{TOP[module]}.{end}"
    _, layer, part = module.split(".", 2)
    if part == "post_attention_layernorm":
        return f"blk.{layer}.{'post_attention_norm' if arch in ('gemma2', 'gemma3') else 'ffn_norm'}.{end}"
    return f"blk.{layer}.{LAYER[part]}.{end}"


def in_turn(rows, heads):
    """Rows of a head's first and second half in turn, as ggml rotates them."""
    halves = rows.reshape(heads, 2, rows.shape[0] // heads // 2, -1)
    return np.ascontiguousarray(halves.swapaxes(1, 2)).reshape(rows.shape)


def out_of_turn(rows, heads):
    pairs = rows.reshape(heads, rows.shape[0] // heads // 2, 2, -1)
    return np.ascontiguousarray(pairs.swapaxes(1, 2)).reshape(rows.shape)


def changed(arch, config, name, array, forward):
    """A weight on its way into the file, or out of it."""
    if arch == "llama" and (".q_proj." in name or ".k_proj." in name):
        heads = config.num_attention_heads if ".q_proj." in name else config.num_key_value_heads
        return (in_turn if forward else out_of_turn)(array, heads)
    if arch.startswith("gemma") and name.endswith("norm.weight"):
        return array + np.float32(1) if forward else array - np.float32(1)
    if arch == "gpt2" and name.endswith(("c_attn.weight", "c_proj.weight", "c_fc.weight")):
        return np.ascontiguousarray(array.T)
    return array


def vocabulary(writer, arch):
    if arch == "llama":
        writer.add_tokenizer_model("llama")
        writer.add_tokenizer_pre("default")
        writer.add_token_list(TOKENS)
        writer.add_token_scores([0.0, 0.0, 0.0, 0.0] + [-0.5 - i for i in range(12)])
        writer.add_token_types([2, 3, 3, 6, 1, 1, 1, 4] + [1] * 7 + [5])
        writer.add_unk_token_id(0)
        writer.add_add_space_prefix(True)
        writer.add_chat_template("{{ bos_token }}{% for m in messages %}{{ m.content }}{% endfor %}")
        writer.add_eot_token_id(7)
    else:
        writer.add_tokenizer_model("gpt2")
        writer.add_tokenizer_pre(arch)
        writer.add_token_list(TOKENS)
        writer.add_token_types([1] * 16)
        writer.add_token_merges(["t 0", "t 1", "\u0120 a"])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_add_bos_token(True)


def settings(writer, arch, config):
    writer.add_block_count(config.num_hidden_layers)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_head_count(config.num_attention_heads)
    if arch == "gpt2":
        writer.add_feed_forward_length(4 * config.hidden_size)
        writer.add_layer_norm_eps(config.layer_norm_epsilon)
        return
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count_kv(config.num_key_value_heads)
    rope = config.rope_parameters
    if arch == "phi2":
        writer.add_layer_norm_eps(config.layer_norm_eps)
    else:
        writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    if arch in ("llama", "qwen2", "qwen3", "phi3"):
        writer.add_rope_freq_base(rope["rope_theta"])
    if arch == "llama":
        writer.add_vocab_size(config.vocab_size)
        writer.add_rope_dimension_count(config.head_dim)
    if arch in ("qwen3", "gemma", "gemma2", "gemma3"):
        writer.add_key_length(config.head_dim)
        writer.add_value_length(config.head_dim)
    if arch == "gemma2":
        writer.add_attn_logit_softcapping(config.attn_logit_softcapping)
        writer.add_final_logit_softcapping(config.final_logit_softcapping)
    if arch in ("gemma2", "gemma3"):
        writer.add_sliding_window(config.sliding_window)
    if arch == "gemma3":
        writer.add_rope_freq_base(rope["full_attention"]["rope_theta"])
    if arch in ("phi2", "phi3"):
        dims = int(rope.get("partial_rotary_factor", 1.0) * config.hidden_size) // config.num_attention_heads
        writer.add_rope_dimension_count(dims)
    if arch == "phi3":
        writer.add_sliding_window(config.sliding_window or 0)
        writer.add_rope_scaling_orig_ctx_len(config.original_max_position_embeddings)
        writer.add_rope_scaling_attn_factors(1.0)
        writer.add_tensor("rope_factors_long.weight", np.array(rope["long_factor"], np.float32))
        writer.add_tensor("rope_factors_short.weight", np.array(rope["short_factor"], np.float32))


def llama3_divisors(rope, dim):
    frequencies = 1.0 / (rope["rope_theta"] ** (torch.arange(0, dim, 2, dtype=torch.float32) / dim))
    divisors = []
    for frequency in frequencies:
        turns = rope["original_max_position_embeddings"] * frequency / (2 * torch.pi)
        smooth = ((turns - rope["low_freq_factor"]) / (rope["high_freq_factor"] - rope["low_freq_factor"])).clamp(0, 1)
        divisors.append(1 / ((1 - smooth) / rope["factor"] + smooth))
    return torch.stack(divisors).numpy()


def types(arch, name, array):
    """Some weights in other types: those that keep their numbers mapped, and blocks where a row has 32 numbers."""
    if array.ndim == 2 and arch == "llama" and array.shape[1] % 32 == 0:
        return Type.Q4_0 if "up_proj" in name else Type.Q8_0
    if array.ndim == 2 and name.endswith(("embed_tokens.weight", "c_fc.weight")):
        return Type.F16
    return Type.BF16 if name.endswith("down_proj.weight") else Type.F32


def make(arch, config, second_opinion):
    torch.manual_seed(len(arch))
    model = transformers.AutoModelForCausalLM.from_config(config)
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    tied = config.tie_word_embeddings
    path = OUT / f"{arch}.gguf"
    writer = gguf.GGUFWriter(path, arch)
    settings(writer, arch, config)
    if arch in ("llama", "gpt2"):
        vocabulary(writer, arch)
    expected = {}
    for name, parameter in model.state_dict().items():
        if name == "lm_head.weight" and tied:
            continue
        array = changed(arch, config, name, parameter.numpy(), True)
        kind = types(arch, name, array)
        data = gguf.quants.quantize(array, kind)
        writer.add_tensor(stored_name(arch, name), data, raw_dtype=kind)
        back = gguf.quants.dequantize(data, kind) if kind != Type.F16 else data.astype(np.float32)
        expected[name] = np.ascontiguousarray(changed(arch, config, name, back, False))
    if arch == "llama":
        writer.add_tensor("rope_freqs.weight", llama3_divisors(config.rope_parameters, config.head_dim))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    save_file(expected, OUT / f"{arch}.safetensors", {"format": "pt"})
    if second_opinion:
        other = transformers.AutoModelForCausalLM.from_pretrained(OUT, gguf_file=path.name, dtype=torch.float32)
        for name, array in expected.items():
            assert np.array_equal(other.state_dict()[name].numpy(), array), (arch, name)
    (OUT / f"{arch}.json").write_text(json.dumps(said(arch, config), indent=2) + "\n")


def said(arch, config):
    """The settings that Weft must find, by the names of config.json."""
    all_names = ["model_type", "architectures", "vocab_size", "tie_word_embeddings", "hidden_size", "num_hidden_layers",
                 "num_attention_heads", "num_key_value_heads", "intermediate_size", "max_position_embeddings", "head_dim",
                 "rms_norm_eps", "layer_norm_eps", "hidden_act", "hidden_activation", "attention_bias", "mlp_bias",
                 "attn_logit_softcapping", "final_logit_softcapping", "sliding_window", "query_pre_attn_scalar",
                 "layer_types", "original_max_position_embeddings"]
    if arch == "gpt2":
        all_names = ["model_type", "architectures", "vocab_size", "tie_word_embeddings", "n_embd", "n_layer", "n_head",
                     "n_positions", "layer_norm_epsilon", "activation_function"]
    values = {name: getattr(config, name) for name in all_names if getattr(config, name, None) is not None}
    values["architectures"] = [transformers.AutoModelForCausalLM._model_mapping[type(config)].__name__]
    if arch in ("qwen2", "qwen3"):
        values.pop("layer_types", None)
    rope = dict(getattr(config, "rope_parameters", None) or {})
    if "full_attention" in rope:
        values["rope_local_base_freq"] = rope["sliding_attention"]["rope_theta"]
        rope = dict(rope["full_attention"])
    if rope:
        values["rope_theta"] = rope.pop("rope_theta")
        if arch in ("phi2", "phi3"):
            values["partial_rotary_factor"] = rope.pop("partial_rotary_factor", 1.0)
        rope.pop("original_max_position_embeddings" if arch == "phi3" else "", None)
        if rope.pop("rope_type", "default") != "default":
            values["rope_scaling"] = {"rope_type": config.rope_parameters["rope_type"], **rope}
    if arch == "llama":
        values |= {"bos_token_id": 1, "eos_token_id": [2, 7]}
    if arch == "gpt2":
        values |= {"bos_token_id": 1, "eos_token_id": 2}
    return values


def make_blocks():
    random = np.random.default_rng(0)
    writer = gguf.GGUFWriter(OUT / "blocks.gguf", "none")
    expected = {}
    for kind in (Type.Q8_0, Type.Q4_0, Type.Q4_1, Type.Q5_0, Type.Q5_1, Type.Q4_K, Type.Q5_K, Type.Q6_K):
        elements, size = gguf.GGML_QUANT_SIZES[kind]
        blocks = random.integers(0, 256, (2, 256 // elements, size), dtype=np.uint8)
        halves = {Type.Q4_1: (0, 2), Type.Q5_1: (0, 2), Type.Q4_K: (0, 2), Type.Q5_K: (0, 2), Type.Q6_K: (208,)}
        for at in halves.get(kind, (0,)):
            scales = random.normal(0, 0.1, blocks.shape[:2]).astype(np.float16)
            blocks[:, :, at:at + 2] = scales.view(np.uint8).reshape(*blocks.shape[:2], 2)
        data = blocks.reshape(2, -1)
        writer.add_tensor(kind.name, data, raw_dtype=kind)
        expected[kind.name] = gguf.quants.dequantize(data, kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    save_file(expected, OUT / "blocks.safetensors", {"format": "pt"})


def main():
    OUT.mkdir(parents=True, exist_ok=True)
    t = transformers
    sizes = dict(vocab_size=16, hidden_size=8, intermediate_size=12, num_hidden_layers=1, num_attention_heads=2,
                 num_key_value_heads=1, max_position_embeddings=64, tie_word_embeddings=False)
    tied = sizes | {"tie_word_embeddings": True}
    make("llama", t.LlamaConfig(**(sizes | {"hidden_size": 32, "intermediate_size": 8}), head_dim=8, rms_norm_eps=1e-5,
                                rope_parameters={"rope_type": "llama3", "rope_theta": 500000.0, "factor": 32.0,
                                                 "low_freq_factor": 1.0, "high_freq_factor": 4.0,
                                                 "original_max_position_embeddings": 8192}), True)
    make("qwen2", t.Qwen2Config(**tied, rope_parameters={"rope_type": "default", "rope_theta": 1000000.0}), True)
    make("qwen3", t.Qwen3Config(**tied, head_dim=6), False)
    make("gemma", t.GemmaConfig(**tied, head_dim=6), False)
    make("gemma2", t.Gemma2Config(**tied, head_dim=6, query_pre_attn_scalar=6, sliding_window=5), True)
    make("gemma3", t.Gemma3TextConfig(**tied, head_dim=6, query_pre_attn_scalar=6, sliding_window=5), True)
    make("phi2", t.PhiConfig(**(sizes | {"num_key_value_heads": 2}), partial_rotary_factor=0.5), False)
    make("phi3", t.Phi3Config(**sizes, pad_token_id=0, original_max_position_embeddings=32,
                              rope_parameters={"rope_type": "longrope", "rope_theta": 10000.0,
                                               "long_factor": [1.0, 2.25], "short_factor": [1.0, 1.1]}), True)
    make("gpt2", t.GPT2Config(vocab_size=16, n_embd=8, n_layer=1, n_head=2, n_positions=32), True)
    make_blocks()


main()
