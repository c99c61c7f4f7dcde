#!/usr/bin/env python3
"""Makes small conformance cases of adapters with PEFT.

    python build/adapter_cases.py OUT [NAME ...]

writes each (or those named) as a directory OUT/NAME in the format "weft-conformance-1": a tiny base with random weights, an adapter
as PEFT saves it, and what the two together compute, how the adapter trains and what merging makes of the base. The
cases lora-*, prompt-* and prefix-* in cli/src/test/resources/cases were made so. Needs torch, transformers 5.18, peft 0.21 and safetensors.
"""

import copy
import json
import sys
import zlib
from pathlib import Path

import torch
import transformers
from peft import LoraConfig, PrefixTuningConfig, PromptTuningConfig, get_peft_model
from safetensors.torch import load_file, save_file

ADAMW = {"name": "AdamW", "lr": 0.01, "betas": [0.9, 0.999], "eps": 1e-4, "weight_decay": 0.1,
         "decay_all_parameters": True, "steps": 3}
LLAMA = transformers.LlamaConfig(vocab_size=32, hidden_size=16, intermediate_size=20, num_hidden_layers=2,
                                 num_attention_heads=2, num_key_value_heads=1, max_position_embeddings=32,
                                 tie_word_embeddings=False)
TIED = transformers.LlamaConfig(vocab_size=32, hidden_size=16, intermediate_size=20, num_hidden_layers=2,
                                num_attention_heads=2, num_key_value_heads=1, max_position_embeddings=32,
                                tie_word_embeddings=True)
GPT2 = transformers.GPT2Config(vocab_size=32, n_embd=16, n_layer=2, n_head=2, n_positions=32, bos_token_id=1,
                               eos_token_id=2)
BERT = transformers.BertConfig(vocab_size=32, hidden_size=16, intermediate_size=20, num_hidden_layers=2,
                               num_attention_heads=2, max_position_embeddings=32, num_labels=3)
# PEFT 0.21 asks for this method, which generation alone uses, by the name it had in transformers 4.
transformers.T5ForConditionalGeneration._prepare_encoder_decoder_kwargs_for_generation = None
T5 = transformers.T5Config(vocab_size=32, d_model=16, d_kv=6, d_ff=20, num_layers=2, num_decoder_layers=3, num_heads=2,
                           decoder_start_token_id=0, dropout_rate=0.0)
CASES = {
    "lora-patterns": ("LlamaForCausalLM", LLAMA, dict(
        r=3, lora_alpha=5, target_modules=["q_proj", "v_proj", "down_proj"], rank_pattern={"v_proj": 2, "layers.1.mlp.down_proj": 4},
        alpha_pattern={"q_proj": 7}, use_rslora=True, exclude_modules=["layers.0.mlp.down_proj"])),
    "lora-all-linear": ("LlamaForCausalLM", LLAMA, dict(r=2, lora_alpha=4, target_modules="all-linear")),
    "lora-layers": ("LlamaForCausalLM", LLAMA, dict(r=2, lora_alpha=3, target_modules=["gate_proj", "o_proj"],
                                               layers_to_transform=[1])),
    "lora-expression": ("LlamaForCausalLM", LLAMA, dict(r=2, lora_alpha=3, target_modules=r".*\.1\.self_attn\.(k|v)_proj")),
    "lora-dora": ("LlamaForCausalLM", LLAMA, dict(r=2, lora_alpha=4, target_modules=["q_proj", "up_proj"], use_dora=True)),
    "lora-gpt2": ("GPT2LMHeadModel", GPT2, dict(r=2, lora_alpha=4, target_modules=["c_attn", "c_proj"], fan_in_fan_out=True)),
    "lora-gpt2-dora": ("GPT2LMHeadModel", GPT2, dict(r=2, lora_alpha=4, target_modules=["c_fc", "c_attn"], use_dora=True,
                                                fan_in_fan_out=True)),
    "lora-bias": ("GPT2LMHeadModel", GPT2, dict(r=2, lora_alpha=4, target_modules=["c_fc"], bias="all", fan_in_fan_out=True)),
    "lora-saved": ("BertForSequenceClassification", BERT, dict(r=2, lora_alpha=4, target_modules=["query", "dense"],
                                                          task_type="SEQ_CLS")),
    "lora-resized": ("LlamaForCausalLM", LLAMA, dict(r=2, lora_alpha=4, target_modules=["q_proj"], vocabulary=35)),
    "lora-resized-tied": ("GPT2LMHeadModel", GPT2, dict(r=2, lora_alpha=4, target_modules=["c_attn"], vocabulary=35,
                                                        fan_in_fan_out=True)),
    "lora-resized-trained": ("LlamaForCausalLM", LLAMA, dict(r=2, lora_alpha=4, target_modules=["q_proj"], vocabulary=35,
                                                             modules_to_save=["embed_tokens", "lm_head"])),
    "lora-head-of-tied": ("LlamaForCausalLM", TIED, dict(r=2, lora_alpha=4, target_modules=["q_proj"],
                                                         modules_to_save=["lm_head"])),
    "lora-on-head-of-tied": ("LlamaForCausalLM", TIED, dict(r=2, lora_alpha=4, target_modules=["q_proj", "lm_head"])),
    "lora-embedding-of-tied": ("LlamaForCausalLM", TIED, dict(r=2, lora_alpha=4, target_modules=["q_proj"],
                                                              modules_to_save=["embed_tokens"])),
    "lora-both-of-tied": ("LlamaForCausalLM", TIED, dict(r=2, lora_alpha=4, target_modules=["q_proj"],
                                                         modules_to_save=["embed_tokens", "lm_head"])),
    "lora-all-linear-classifier": ("BertForSequenceClassification", BERT, dict(r=2, lora_alpha=4,
                                                                               target_modules="all-linear", task_type="SEQ_CLS")),
    "prompt-gpt2": ("GPT2LMHeadModel", GPT2, dict(kind="PROMPT_TUNING", task_type="CAUSAL_LM", num_virtual_tokens=3)),
    "prompt-llama": ("LlamaForCausalLM", LLAMA, dict(kind="PROMPT_TUNING", task_type="CAUSAL_LM", num_virtual_tokens=2,
                                                     prompt_tuning_init="SAMPLE_VOCAB")),
    "prompt-bert": ("BertForSequenceClassification", BERT, dict(kind="PROMPT_TUNING", task_type="SEQ_CLS",
                                                                num_virtual_tokens=3)),
    "prompt-t5": ("T5ForConditionalGeneration", T5, dict(kind="PROMPT_TUNING", task_type="SEQ_2_SEQ_LM",
                                                         num_virtual_tokens=2)),
    "prefix-gpt2": ("GPT2LMHeadModel", GPT2, dict(kind="PREFIX_TUNING", task_type="CAUSAL_LM", num_virtual_tokens=3)),
    "prefix-llama": ("LlamaForCausalLM", LLAMA, dict(kind="PREFIX_TUNING", task_type="CAUSAL_LM", num_virtual_tokens=2)),
    "prefix-projected": ("GPT2LMHeadModel", GPT2, dict(kind="PREFIX_TUNING", task_type="CAUSAL_LM", num_virtual_tokens=3,
                                                       prefix_projection=True, encoder_hidden_size=10)),
    "prefix-t5": ("T5ForConditionalGeneration", T5, dict(kind="PREFIX_TUNING", task_type="SEQ_2_SEQ_LM",
                                                         num_virtual_tokens=2, num_layers=3, token_dim=12)),
}


def plain(name, projected):
    """The name in the adapter's file of a parameter."""
    if name == "prompt_encoder.default.embedding.weight" and not projected:
        return "prompt_embeddings"
    return name.replace(".modules_to_save.default", "").replace("lora_magnitude_vector.default.weight", "lora_magnitude_vector").replace(".default", "")


def make(folder, name, architecture, config, lora):
    config = copy.deepcopy(config)
    torch.manual_seed(zlib.crc32(name.removeprefix("lora-").encode()))
    for key in ("attention_dropout", "attn_pdrop", "resid_pdrop", "embd_pdrop", "hidden_dropout_prob", "attention_probs_dropout_prob"):
        if hasattr(config, key):
            setattr(config, key, 0.0)
    config._attn_implementation = "eager"
    base = getattr(transformers, architecture)(config).eval()
    with torch.no_grad():
        for weight in base.parameters():
            weight.add_(torch.randn_like(weight) * (0.2 if weight.dim() < 2 else 0.15))
    base.tie_weights()
    folder.mkdir(parents=True, exist_ok=True)
    base.save_pretrained(folder)
    before = {key: value.clone() for key, value in base.state_dict().items()}
    settings = dict(lora)
    vocabulary = settings.pop("vocabulary", None)
    if vocabulary:
        base.resize_token_embeddings(vocabulary)
    kind = {"LORA": LoraConfig, "PROMPT_TUNING": PromptTuningConfig, "PREFIX_TUNING": PrefixTuningConfig}[
        settings.pop("kind", "LORA")]
    adapts_weights = kind is LoraConfig
    model = get_peft_model(base, kind(**settings, **({"lora_dropout": 0.0} if adapts_weights else {}))).eval()
    with torch.no_grad():
        for weight in model.parameters():
            if weight.requires_grad:
                weight.add_(torch.randn_like(weight) * 0.2)
    model.save_pretrained(folder / "adapter", save_embedding_layers=bool(vocabulary))
    (folder / "adapter" / "README.md").unlink(missing_ok=True)
    saved = json.loads((folder / "adapter" / "adapter_config.json").read_text())
    saved["base_model_name_or_path"] = ".."
    if isinstance(saved.get("target_modules"), list):
        saved["target_modules"].sort()
    (folder / "adapter" / "adapter_config.json").write_text(json.dumps(saved, indent=2, sort_keys=True) + "\n")

    ids = torch.randint(3, config.vocab_size, (2, 6))
    mask = torch.ones_like(ids)
    labels = torch.tensor([2, 0]) if architecture.endswith("Classification") else ids.clone()
    if not adapts_weights:
        mask[1, 4:] = 0
        if labels.dim() == 2:
            labels[1, 4:] = -100
    tensors = {"in.input_ids": ids, "in.attention_mask": mask, "in.labels": labels.clone()}
    inputs = {"input_ids": "in.input_ids", "attention_mask": "in.attention_mask", "labels": "in.labels"}
    result = model(input_ids=ids, attention_mask=mask, labels=labels)
    tensors["out.logits"], tensors["out.loss"] = result.logits.detach().clone(), result.loss.detach().clone()

    whole = copy.deepcopy(model).merge_and_unload().state_dict() if adapts_weights else {}
    head = config.tie_word_embeddings and "lm_head" in settings.get("target_modules", [])
    for key, value in whole.items():
        # PEFT merges a detour of the head into the embedding too, since they are one tensor; the model that was trained has two.
        if not (head and key == "model.embed_tokens.weight") and not (value.shape == before[key].shape and torch.equal(value, before[key])) and not (
                key == "lm_head.weight" and config.tie_word_embeddings and not head and "lm_head" not in settings.get("modules_to_save", [])):
            tensors["merged." + key] = value.clone()

    projected = settings.get("prefix_projection", False)
    trained = {plain(key, projected): weight for key, weight in model.named_parameters() if weight.requires_grad}
    if projected:
        # PEFT's file has what comes out of the projection; Weft's has what goes into it as well, and trains that.
        file = folder / "adapter" / "adapter_model.safetensors"
        save_file(load_file(file) | {key: weight.detach().clone() for key, weight in trained.items()}, file)
    optimizer = torch.optim.AdamW(trained.values(), lr=ADAMW["lr"], betas=ADAMW["betas"], eps=ADAMW["eps"],
                                  weight_decay=ADAMW["weight_decay"])
    losses = []
    for step in range(ADAMW["steps"] + 1):
        loss = model(input_ids=ids, attention_mask=mask, labels=labels).loss
        losses.append(loss.item())
        if step == ADAMW["steps"]:
            break
        optimizer.zero_grad()
        loss.backward()
        if step == 0:
            tensors |= {"grad." + key: weight.grad.clone() for key, weight in trained.items()}
        optimizer.step()
    tensors |= {"step3." + key: weight.detach().clone() for key, weight in trained.items()}
    tensors["out.losses"] = torch.tensor(losses)
    save_file({key: value.contiguous() for key, value in tensors.items()}, folder / "expected.safetensors")
    checks = [
        {"id": "adapted", "kind": "forward", "adapter": "adapter", "inputs": inputs, "options": {},
         "outputs": {"logits": {"tensor": "out.logits"}, "loss": {"tensor": "out.loss"}}},
        {"id": "train", "kind": "train", "adapter": "adapter", "trainable": "adapter", "inputs": inputs,
         "optimizer": ADAMW, "gradients": "grad.", "parameters_after": "step3.",
         "outputs": {"losses": {"tensor": "out.losses"}}},
    ] + [
        {"id": "merge", "kind": "merge", "adapter": "adapter", "merged": "merged.", "outputs": {}},
    ][:adapts_weights]
    case = {"case": folder.name, "format": "weft-conformance-1", "model_class": architecture,
            "model_type": config.model_type, "checks": checks}
    (folder / "case.json").write_text(json.dumps(case, indent=2, sort_keys=True) + "\n")


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    torch.set_num_threads(1)
    for name, (architecture, config, lora) in CASES.items():
        if len(sys.argv) == 2 or name in sys.argv[2:]:
            make(Path(sys.argv[1]) / name, name, architecture, config, lora)
            print(name)
