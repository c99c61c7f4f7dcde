"""Decoder-only families: language models, and heads upon them."""

import torch
from transformers import (
    BloomConfig,
    Cohere2Config,
    CohereConfig,
    FalconConfig,
    Gemma2Config,
    Gemma3TextConfig,
    GemmaConfig,
    Glm4Config,
    GlmConfig,
    GPT2Config,
    GPTJConfig,
    GPTNeoConfig,
    GPTNeoXConfig,
    GraniteConfig,
    LlamaConfig,
    MistralConfig,
    MixtralConfig,
    Olmo2Config,
    Olmo3Config,
    OPTConfig,
    Phi3Config,
    PhiConfig,
    Qwen2Config,
    Qwen3Config,
    Qwen3MoeConfig,
    SmolLM3Config,
    StableLmConfig,
    Starcoder2Config,
)

from cases.making import (
    Case,
    forward,
    generate,
    one_of,
    one_of_each,
    place,
    place_or_outside,
    same_ids,
    text,
    train,
    version4,
    without_prefix,
)

SPECIAL = dict(pad_token_id=0, bos_token_id=1, eos_token_id=2)
SMALL = dict(vocab_size=47, hidden_size=16, intermediate_size=20, num_hidden_layers=2, num_attention_heads=4,
             max_position_embeddings=40, **SPECIAL)
GROUPED = SMALL | dict(num_key_value_heads=2)
TINY = dict(vocab_size=41)


def language(*more, rows=(12, 9), positions=True, steps=12, **options):
    """Loss and logits of a text padded right, logits of one padded left, greedy search."""
    return [forward(text(*rows, labels=same_ids), **options),
            forward(text(9, 6, side="left", positions=positions), id="left_padded", attentions=False),
            generate(steps=steps), *more]


def training(*rows):
    return train(text(*(rows or (8, 6)), labels=same_ids))


def cases():
    return [*older(), *rotary(), *grouped(), *stretched(), *heads()]


def older():
    """Learned positions and ALiBi."""
    opt = dict(vocab_size=47, hidden_size=16, ffn_dim=20, num_hidden_layers=2, num_attention_heads=4,
               max_position_embeddings=40, pad_token_id=1, bos_token_id=2, eos_token_id=2)
    opt_files = version4("enable_bias", "layer_norm_elementwise_affine", "_remove_final_layer_norm",
                         "tie_word_embeddings", prefix="</s>")
    neo = dict(vocab_size=47, hidden_size=16, num_layers=3, num_heads=4, attention_types=[[["global", "local"], 1],
               [["global"], 1]], window_size=4, max_position_embeddings=40, bos_token_id=2, eos_token_id=2)
    bloom = dict(vocab_size=47, hidden_size=16, n_layer=2, n_head=4, bos_token_id=1, eos_token_id=2, pad_token_id=3)

    def bloom_files(config):
        config = version4("tie_word_embeddings", "hidden_size", attention_softmax_in_fp32=True,
                          bias_dropout_fusion=True, masked_softmax_fusion=True, n_inner=None, offset_alibi=100,
                          seq_length=2048, skip_bias_add=True, skip_bias_add_qkv=False, unk_token_id=0)(config)
        return config | {"n_embed": 16, "num_attention_heads": 4}

    return [
        Case("opt", "OPTForCausalLM", OPTConfig(**opt | TINY), language(training(), positions=False),
             "positions counted from the mask, two places on; norm first; relu; config.json as opt-125m has it",
             opt_files),
        Case("opt-350m", "OPTForCausalLM",
             OPTConfig(**opt, word_embed_proj_dim=12, do_layer_norm_before=False), language(positions=False),
             "norm last, embeddings narrower than the layers, no final norm", opt_files),
        Case("gpt-neo", "GPTNeoForCausalLM", GPTNeoConfig(**neo), language(),
             "global, local, global; a window of 4; scores are not scaled; no bias in q, k, v",
             version4("tie_word_embeddings", gradient_checkpointing=False, tokenizer_class="GPT2Tokenizer"),
             scales={r"[qk]_proj": 0.6}),
        Case("bloom", "BloomForCausalLM", BloomConfig(**bloom), language(positions=False),
             "ALiBi; fused q, k, v per head; norm behind the embeddings; names without `transformer.` and n_embed, "
             "as the published files have", bloom_files, without_prefix("transformer.")),
        Case("bloom-post-layernorm", "BloomForCausalLM",
             BloomConfig(**bloom | dict(n_head=6, hidden_size=24), apply_residual_connection_post_layernorm=True),
             language(positions=False, attentions=False),
             "the residual is what comes out of the norm; six heads, not a power of two"),
    ]


def rotary():
    """Rotary positions, one norm or two, before grouped heads became usual; and Falcon with ALiBi."""
    neox = SMALL | dict(num_attention_heads=2, pad_token_id=None, bos_token_id=0, eos_token_id=0)
    falcon = dict(vocab_size=47, hidden_size=16, num_hidden_layers=2, num_attention_heads=4, ffn_hidden_size=36,
                  bos_token_id=2, eos_token_id=2)
    phi = SMALL | dict(num_attention_heads=2)
    stable = GROUPED | dict(hidden_size=24, num_attention_heads=3, num_key_value_heads=1)

    def quarter(dims=0.25, theta=10000.0):
        return {"rope_type": "default", "rope_theta": theta, "partial_rotary_factor": dims}

    def neox_files(config):
        config = version4("attention_bias", "attention_dropout", "hidden_dropout", "classifier_dropout", "is_decoder",
                          "pad_token_id")(config)
        config["rotary_pct"] = config.pop("partial_rotary_factor")
        config["rotary_emb_base"] = int(config.pop("rope_theta"))
        del config["rope_scaling"]
        return config

    falcon_files = version4("num_kv_heads", "num_ln_in_parallel_attn", "ffn_hidden_size", "rope_theta", "rope_scaling",
                            "max_position_embeddings", "activation", "tie_word_embeddings", "pad_token_id",
                            apply_residual_connection_post_layernorm=False)
    falcon_plain = {key: value for key, value in falcon.items() if key != "ffn_hidden_size"}
    falcon_many = version4("num_ln_in_parallel_attn", "ffn_hidden_size", "rope_theta", "rope_scaling", "activation",
                           "max_position_embeddings", "tie_word_embeddings", "pad_token_id")
    return [
        Case("gpt-neox", "GPTNeoXForCausalLM",
             GPTNeoXConfig(**neox | dict(vocab_size=41), rope_parameters=quarter(0.5, 1000.0)),
             language(training()),
             "attention and MLP side by side; half of each head rotates; q, k, v interleaved per head; buffers; "
             "version-4 config.json as Pythia has it", neox_files, neox_buffers),
        Case("gpt-neox-sequential", "GPTNeoXForCausalLM",
             GPTNeoXConfig(**neox, rope_parameters=quarter(), use_parallel_residual=False,
                           hidden_act="gelu_fast", tie_word_embeddings=True), language(),
             "attention, then MLP; a quarter of each head rotates (2 of 8); tied head"),
        Case("gptj", "GPTJForCausalLM",
             GPTJConfig(vocab_size=47, n_embd=16, n_layer=2, n_head=2, n_positions=40, rotary_dim=4, n_inner=None,
                        bos_token_id=2, eos_token_id=2), language(),
             "interleaved rotary pairs over 4 of 8; attention and MLP share one norm; a head with a bias",
             version4(gradient_checkpointing=False, tokenizer_class="GPT2Tokenizer"), gptj_buffers),
        Case("falcon-7b", "FalconForCausalLM", FalconConfig(**falcon_plain, multi_query=True), language(),
             "one key head; attention and MLP side by side behind one norm; rotary; no biases", falcon_files),
        Case("falcon-rw", "FalconForCausalLM",
             FalconConfig(**falcon_plain | dict(vocab_size=41), multi_query=False, parallel_attn=False, alibi=True,
                          bias=True), language(training(), positions=False),
             "ALiBi, a key head for each query head (interleaved q, k, v), attention then MLP, biases", falcon_files),
        Case("falcon-new-decoder", "FalconForCausalLM",
             FalconConfig(**falcon_plain, new_decoder_architecture=True, num_kv_heads=2),
             language(),
             "two key heads, each behind its query heads in the fused tensor; two norms side by side", falcon_many),
        Case("falcon-11b", "FalconForCausalLM",
             FalconConfig(**falcon, new_decoder_architecture=True, num_kv_heads=2, num_ln_in_parallel_attn=1,
                          tie_word_embeddings=False,
                          rope_parameters={"rope_type": "default", "rope_theta": 500042.0}), language(),
             "the new decoder with one norm, an inner width of its own, an untied head"),
        Case("phi", "PhiForCausalLM", PhiConfig(**phi, rope_parameters=quarter(0.5)), language(),
             "half of each head rotates; one norm for both branches; biases everywhere, in the head too", version4()),
        Case("phi-qk-layernorm", "PhiForCausalLM",
             PhiConfig(**phi | dict(hidden_size=24, num_key_value_heads=1), rope_parameters=quarter(0.4),
                       qk_layernorm=True),
             language(), "layer norms on queries and keys, one for all heads; grouped keys; 4 of 12 (0.4) rotate"),
        Case("stablelm", "StableLmForCausalLM", StableLmConfig(**stable, rope_parameters=quarter()), language(),
             "layer norms with biases around SwiGLU; a quarter of each head rotates",
             version4("qk_layernorm", "use_parallel_residual", "hidden_dropout", "attention_dropout", "rope_scaling",
                      "pad_token_id")),
        Case("stablelm-parallel", "StableLmForCausalLM",
             StableLmConfig(**stable, rope_parameters=quarter(0.5), use_parallel_residual=True, qk_layernorm=True,
                            use_qkv_bias=True), language(),
             "attention and MLP side by side behind one norm; a norm for each head of queries and keys; q, k, v with "
             "biases"),
    ]


def neox_buffers(tensors):
    """The masks and frequencies that older files of GPT-NeoX carry along."""
    for layer in range(2):
        name = f"gpt_neox.layers.{layer}.attention."
        tensors[name + "bias"] = torch.ones(40, 40, dtype=torch.bool).tril()[None, None]
        tensors[name + "masked_bias"] = torch.tensor(-1e9)
        tensors[name + "rotary_emb.inv_freq"] = 1000.0 ** -torch.tensor([0.0, 0.5])
    return tensors


def gptj_buffers(tensors):
    """The masks that older files of GPT-J carry along."""
    for layer in range(2):
        name = f"transformer.h.{layer}.attn."
        tensors[name + "bias"] = torch.ones(40, 40, dtype=torch.bool).tril()[None, None]
        tensors[name + "masked_bias"] = torch.tensor(-1e9)
    return tensors


def grouped():
    """Llama's descendants."""
    gemma = GROUPED | dict(num_key_value_heads=1, head_dim=8, eos_token_id=1, bos_token_id=2)
    gemma_files = version4("tie_word_embeddings", "use_bidirectional_attention", "rope_scaling")
    gemma3 = gemma | dict(num_hidden_layers=7, hidden_size=16, intermediate_size=20, num_attention_heads=2,
                          sliding_window=4, query_pre_attn_scalar=6, max_position_embeddings=64)

    def gemma3_files(config):
        rope = config["rope_parameters"]
        config = version4("tie_word_embeddings", "rope_parameters", "use_bidirectional_attention",
                          "_sliding_window_pattern", cache_implementation="hybrid")(
            config | {"rope_parameters": None})
        return config | {"rope_theta": rope["full_attention"]["rope_theta"], "rope_scaling": None,
                         "rope_local_base_freq": rope["sliding_attention"]["rope_theta"], "sliding_window_pattern": 6}

    gemma3_rope = {"full_attention": {"rope_type": "default", "rope_theta": 1000000.0},
                   "sliding_attention": {"rope_type": "default", "rope_theta": 10000.0}}
    moe = GROUPED | dict(head_dim=6, num_experts=4, num_experts_per_tok=2, moe_intermediate_size=12)

    def moe_files(config):
        config = version4(max_window_layers=2)(config)
        config["num_experts"] = config.pop("num_local_experts")
        return config

    return [
        Case("phi3", "Phi3ForCausalLM", Phi3Config(**GROUPED, sliding_window=5, original_max_position_embeddings=40),
             language(), "fused q, k, v and fused gate and up; a window of 5",
             version4("partial_rotary_factor", attention_bias=False)),
        Case("gemma2", "Gemma2ForCausalLM",
             Gemma2Config(**gemma | dict(num_key_value_heads=2, num_hidden_layers=3, vocab_size=41), sliding_window=4,
                          query_pre_attn_scalar=6, attn_logit_softcapping=3.0, final_logit_softcapping=4.0),
             language(training()),
             "scores and logits capped; every other layer with a window of 4; norms before and behind each part; "
             "version-4 config.json",
             version4("tie_word_embeddings", "use_bidirectional_attention", "rope_scaling",
                      cache_implementation="hybrid", hidden_act="gelu_pytorch_tanh")),
        Case("gemma3-text", "Gemma3ForCausalLM", Gemma3TextConfig(**gemma3, rope_parameters=gemma3_rope), language(),
             "five local layers with theta 1e4 and a window of 4, then a global one with theta 1e6; norms on queries "
             "and keys"),
        Case("gemma3-text-v4", "Gemma3ForCausalLM",
             Gemma3TextConfig(**gemma3 | dict(num_key_value_heads=2), rope_parameters=gemma3_rope),
             language(attentions=False),
             "the same in version 4: rope_theta, rope_local_base_freq, sliding_window_pattern", gemma3_files),
        Case("gemma-v4", "GemmaForCausalLM", GemmaConfig(**gemma), language(),
             "version-4 config.json as gemma-2b has it: hidden_act, no tie_word_embeddings", gemma_files),
        Case("qwen3", "Qwen3ForCausalLM", Qwen3Config(**GROUPED, head_dim=6, tie_word_embeddings=True), language(),
             "norms on queries and keys per head; head_dim is not hidden/heads; tied head",
             version4(max_window_layers=2, sliding_window=None)),
        Case("qwen3-moe", "Qwen3MoeForCausalLM",
             Qwen3MoeConfig(**moe | dict(vocab_size=41, head_dim=4), norm_topk_prob=True), language(training()),
             "two of four experts, their weights normed to 1; version-4 config.json", moe_files),
        Case("qwen3-moe-mixed", "Qwen3MoeForCausalLM",
             Qwen3MoeConfig(**moe | dict(num_hidden_layers=4, intermediate_size=20), norm_topk_prob=False,
                            decoder_sparse_step=2, mlp_only_layers=[3]), language(),
             "experts only in layer 1 (every second layer, but not layer 3); weights of experts as they come"),
        Case("olmo2", "Olmo2ForCausalLM", Olmo2Config(**GROUPED), language(),
             "norms only behind each part; norms over all heads of queries and keys", version4()),
        Case("olmo3", "Olmo3ForCausalLM",
             Olmo3Config(**GROUPED | dict(num_hidden_layers=4), sliding_window=4, rope_parameters=dict(
                 sliding_attention=dict(rope_type="default", rope_theta=5000.0),
                 full_attention=dict(rope_type="yarn", rope_theta=5000.0, factor=4.0,
                                     original_max_position_embeddings=16))), language(),
             "three local layers, then a global one whose positions are stretched"),
        Case("cohere", "CohereForCausalLM",
             CohereConfig(**GROUPED, use_qk_norm=True, logit_scale=0.3, rope_parameters=dict(
                 rope_type="default", rope_theta=9000.0)), language(),
             "side by side behind one norm, neighbours turned, a norm of its own on each head, scaled logits"),
        Case("cohere2", "Cohere2ForCausalLM",
             Cohere2Config(**GROUPED | dict(num_hidden_layers=4), sliding_window=4, logit_scale=0.5, rope_parameters=dict(
                 rope_type="default", rope_theta=9000.0)), language(), "the global layer knows no positions"),
        Case("glm4", "Glm4ForCausalLM",
             Glm4Config(**GROUPED, head_dim=8, attention_bias=True, rope_parameters=dict(
                 rope_type="default", rope_theta=10000.0, partial_rotary_factor=0.5)), language(),
             "norms before and behind each part, half of each head turned, gate and up in one"),
        Case("glm", "GlmForCausalLM",
             GlmConfig(**GROUPED, head_dim=8, attention_bias=True, rope_parameters=dict(
                 rope_type="default", rope_theta=10000.0, partial_rotary_factor=0.5)), language(),
             "the same with norms before each part only"),
        Case("granite", "GraniteForCausalLM",
             GraniteConfig(**GROUPED, embedding_multiplier=3.0, residual_multiplier=0.7, attention_multiplier=0.3,
                           logits_scaling=0.6, attention_bias=True, mlp_bias=True), language(),
             "four multipliers, biases", version4()),
        Case("starcoder2", "Starcoder2ForCausalLM", Starcoder2Config(**GROUPED, sliding_window=4), language(),
             "layer norms and biases, a plain feed-forward part, a window", version4()),
        Case("smollm3", "SmolLM3ForCausalLM",
             SmolLM3Config(**GROUPED | dict(num_hidden_layers=4), no_rope_layer_interval=2), language(),
             "every second layer knows no positions"),
        Case("mistral-plain", "MistralForCausalLM", MistralConfig(**GROUPED, sliding_window=None), language(),
             "no window", version4()),
        Case("qwen2-sliding", "Qwen2ForCausalLM",
             Qwen2Config(**GROUPED | dict(num_hidden_layers=3), use_sliding_window=True, sliding_window=4,
                         max_window_layers=1), language(),
             "layers from max_window_layers on have the window; version-4 config.json", version4()),
        Case("mixtral-eight", "MixtralForCausalLM",
             MixtralConfig(**GROUPED | dict(intermediate_size=12), num_local_experts=8, num_experts_per_tok=3,
                           sliding_window=6), language(rows=(14, 12)),
             "three of eight experts; a window of 6"),
    ]


def stretched():
    """Rotary positions stretched beyond the context of the training."""
    def rope(kind, **more):
        return {"rope_type": kind, "rope_theta": 10000.0} | more

    longrope = dict(short_factor=[1.0, 1.1, 1.3, 1.7], long_factor=[1.2, 2.0, 3.5, 6.0],
                    original_max_position_embeddings=10)
    wide = GROUPED | dict(head_dim=8)
    long_text = forward(text(14, 9, labels=same_ids))
    short_text = forward(text(8, 6), id="short")
    return [
        Case("phi3-longrope", "Phi3ForCausalLM",
             Phi3Config(**SMALL | dict(num_attention_heads=2), rope_parameters=rope("longrope", **longrope),
                        original_max_position_embeddings=10),
             [long_text, short_text, generate("short_greedy", prompts=(4, 3), steps=5),
              generate("crossing", prompts=(7,), steps=8, min_new_tokens=8, use_cache=False)],
             "the long factors beyond 10 positions, the short ones up to there; a text that grows past 10 is computed "
             "anew (without a cache here: with one the reference forgets the text); scaled cosines", phi3_long_files),
        Case("llama-longrope", "LlamaForCausalLM",
             LlamaConfig(**wide, rope_parameters=rope("longrope", factor=4.0, **longrope)),
             [long_text, short_text],
             "longrope with its factor named; the original length stands inside and, for older readers, outside",
             version4(original_max_position_embeddings=10)),
        Case("llama-dynamic-rope", "LlamaForCausalLM",
             LlamaConfig(**GROUPED | dict(max_position_embeddings=8), rope_parameters=rope("dynamic", factor=2.0)),
             [long_text, forward(text(8, 6), id="short"),
              generate(prompts=(9, 7), steps=8, cached_only=True)],
             "theta grows with the text beyond 8 positions; in generation keys keep the theta of their step",
             version4()),
        Case("llama-yarn-rope", "LlamaForCausalLM",
             LlamaConfig(**wide, rope_parameters=rope("yarn", factor=4.0, original_max_position_embeddings=10)),
             language(), "YaRN; scaled cosines", version4()),
        Case("llama-yarn-settings", "LlamaForCausalLM",
             LlamaConfig(**wide, rope_parameters=rope(
                 "yarn", factor=4.0, original_max_position_embeddings=10, beta_fast=8.0, beta_slow=0.5,
                 mscale=0.8, mscale_all_dim=0.5)),
             language(), "YaRN with betas and mscale"),
    ]


def phi3_long_files(config):
    config = version4(original_max_position_embeddings=10, attention_bias=False)(config)
    config["rope_scaling"] = {key: config["rope_scaling"][key] for key in ("long_factor", "short_factor")} | {
        "type": "longrope"}
    config.pop("partial_rotary_factor", None)
    return config


def heads():
    """Other heads on decoders."""
    labels = dict(id2label={0: "red", 1: "green", 2: "blue"}, label2id={"red": 0, "green": 1, "blue": 2})
    small = GROUPED | dict(num_hidden_layers=1)
    gpt2 = dict(vocab_size=47, n_embd=16, n_layer=1, n_head=4, n_positions=40, bos_token_id=2, eos_token_id=2)
    return [
        Case("llama-sequence-classification", "LlamaForSequenceClassification", LlamaConfig(**small, **labels),
             [forward(text(12, 9, labels=one_of(3))),
              forward(text(9, 6, side="left", positions=True), id="left_padded", attentions=False)],
             "label read at the last id that is not padding; score has no bias", version4()),
        Case("llama-question-answering", "LlamaForQuestionAnswering", LlamaConfig(**small),
             [forward(text(12, 9, start_positions=place, end_positions=place)),
              forward(text(12, 9, start_positions=place_or_outside, end_positions=place), id="outside",
                      attentions=False)],
             "the backbone is called `transformer` here; a start beyond the text does not count"),
        Case("llama-token-classification", "LlamaForTokenClassification", LlamaConfig(**small, **labels),
             [forward(text(12, 9, labels=one_of_each(3)))], "score has a bias here", version4()),
        Case("gpt2-token-classification", "GPT2ForTokenClassification", GPT2Config(**gpt2, **labels),
             [forward(text(12, 9, labels=one_of_each(3)))]),
        Case("gpt-neo-sequence-classification", "GPTNeoForSequenceClassification",
             GPTNeoConfig(vocab_size=47, hidden_size=16, num_layers=2, num_heads=4, window_size=4,
                          attention_types=[[["global", "local"], 1]], max_position_embeddings=40, pad_token_id=0,
                          bos_token_id=2, eos_token_id=2, **labels),
             [forward(text(12, 9, labels=one_of(3)))], scales={r"[qk]_proj": 0.6}),
        Case("opt-sequence-classification", "OPTForSequenceClassification",
             OPTConfig(vocab_size=47, hidden_size=16, ffn_dim=20, num_hidden_layers=1, num_attention_heads=4,
                       max_position_embeddings=40, pad_token_id=1, bos_token_id=2, eos_token_id=2, **labels),
             [forward(text(12, 9, labels=one_of(3)))], "label read at the last id that is not padding"),
        Case("qwen2-sequence-classification", "Qwen2ForSequenceClassification", Qwen2Config(**small, **labels),
             [forward(text(12, 9, labels=one_of(3)))], "", version4()),
    ]
