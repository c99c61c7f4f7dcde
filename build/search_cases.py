"""Makes tiny models and what the Python library's `generate` finds with them by its rarer ways of searching.

usage: search_cases.py OUT

Diverse beams, phrases that must appear and contrastive search are in the library up to version 4.55: with such a
version this makes the folders OUT/NAME, each a model with random weights, and OUT/NAME/removed.json. With a later version
it adds OUT/NAME/kept.json to them: log probabilities of beams, guidance and the like. Each file is a list of
{"options", "prompts", "texts"}, a text being {"ids", "score"?, "logs"?}; prompts have 0 where they are padded.
"""
import json, sys
from pathlib import Path

import torch
import transformers
from transformers import (AutoModelForCausalLM, AutoModelForSeq2SeqLM, BartConfig, GPT2Config, LlamaConfig,
                          MarianConfig, T5Config)

VOCAB, PAD = 40, 0
PROMPTS = [[7, 12, 30, 5, 9], [3, 17, 22], [25, 31, 8, 14]]


def models():
    """By name: which class, and its config. The end ids are such that these weights reach them."""
    narrow = dict(vocab_size=VOCAB, pad_token_id=PAD)
    coder = dict(narrow, d_model=16, encoder_layers=1, decoder_layers=2, encoder_attention_heads=2, init_std=0.9,
                 decoder_attention_heads=2, encoder_ffn_dim=24, decoder_ffn_dim=24, max_position_embeddings=40,
                 forced_eos_token_id=None)
    yield "gpt2", AutoModelForCausalLM, GPT2Config(**narrow, n_embd=16, n_layer=2, n_head=2, n_positions=40,
                                                   bos_token_id=2, eos_token_id=33, initializer_range=0.6)
    yield "llama", AutoModelForCausalLM, LlamaConfig(**narrow, hidden_size=16, intermediate_size=24, bos_token_id=2,
                                                     num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2,
                                                     max_position_embeddings=40, eos_token_id=33, initializer_range=0.6)
    yield "bart", AutoModelForSeq2SeqLM, BartConfig(**coder, bos_token_id=2, eos_token_id=19, decoder_start_token_id=1)
    yield "marian", AutoModelForSeq2SeqLM, MarianConfig(**coder, eos_token_id=34, decoder_start_token_id=PAD)
    yield "t5", AutoModelForSeq2SeqLM, T5Config(**narrow, d_model=16, d_kv=8, d_ff=24, num_layers=2, num_heads=2,
                                                eos_token_id=9, decoder_start_token_id=PAD, initializer_factor=4.0)


def removed():
    """Settings of what the library no longer has in itself."""
    for more in [dict(num_beam_groups=2, diversity_penalty=0.7), dict(num_beam_groups=4, diversity_penalty=1.5),
                 dict(num_beam_groups=2, diversity_penalty=3.0, repetition_penalty=1.4, no_repeat_ngram_size=2),
                 dict(force_words_ids=[[6, 11], [20]]),
                 # Alternatives that begin alike confuse it.
                 dict(force_words_ids=[[[6, 11], [13, 6], [21]], [4]]),
                 dict(force_words_ids=[[15, 16, 18]], no_repeat_ngram_size=2)]:
        for early, power in [(False, 1.0), (True, 0.6), ("never", 2.0)]:
            yield dict(num_beams=4, early_stopping=early, length_penalty=power, max_new_tokens=10,
                       num_return_sequences=1 if "force_words_ids" in more else 2 if power == 1.0 else 4, **more)
    yield dict(num_beams=6, num_beam_groups=3, diversity_penalty=0.2, max_new_tokens=12, num_return_sequences=6,
               min_new_tokens=6)
    for alpha, k in [(0.6, 4), (0.2, 2), (0.9, 10)]:
        yield dict(penalty_alpha=alpha, top_k=k, max_new_tokens=12)
    yield dict(penalty_alpha=0.5, top_k=3, max_new_tokens=12, repetition_penalty=1.3, min_new_tokens=8)


def kept(decoder):
    yield dict(max_new_tokens=8)
    yield dict(max_new_tokens=8, repetition_penalty=1.3, no_repeat_ngram_size=2, renormalize_logits=True)
    for early in [False, True, "never"]:
        yield dict(max_new_tokens=9, num_beams=3, num_return_sequences=3, early_stopping=early, length_penalty=0.8,
                   repetition_penalty=1.2, renormalize_logits=early is True)
    yield dict(max_new_tokens=6, num_beams=3, remove_invalid_values=True, suppress_tokens=[3, 4, 5])
    if decoder:
        yield dict(max_new_tokens=8, guidance_scale=1.8)
        yield dict(max_new_tokens=8, guidance_scale=0.4, repetition_penalty=1.2)


def answers(model, options, old):
    decoder = not model.config.is_encoder_decoder
    longest = max(map(len, PROMPTS))
    side = lambda row: [0] * (longest - len(row)) + row if decoder else row + [0] * (longest - len(row))
    ids = torch.tensor([side(row) for row in PROMPTS])
    out = model.generate(ids, attention_mask=(ids != 0).long(), do_sample=False, return_dict_in_generate=True,
                         output_scores=True, **options)
    begin = ids.shape[1] if decoder else 1
    texts = []
    beams = out.get("beam_indices")
    # Of groups the library's beam_indices are wrong, and of phrases they may be missing.
    logs = None if old and "num_beams" in options else model.compute_transition_scores(
        out.sequences, out.scores, beams, normalize_logits=True)
    for i, row in enumerate(out.sequences[:, begin:].tolist()):
        end = model.config.eos_token_id
        row = row[:row.index(end) + 1] if end in row else row
        text = {"ids": row}
        if out.get("sequences_scores") is not None:
            text["score"] = float(out.sequences_scores[i])
        if logs is not None:
            text["logs"] = [float(x) for x in logs[i][:len(row)]]
        texts.append(text)
    return {"options": options, "prompts": ids.tolist(), "texts": texts}


def complete(case, decoder):
    words = [each if isinstance(each[0], list) else [each] for each in case["options"].get("force_words_ids", [])]
    copies = len(case["texts"]) // len(PROMPTS)
    texts = [(PROMPTS[i // copies] if decoder else []) + text["ids"] for i, text in enumerate(case["texts"])]
    return all(any(phrase == text[i:i + len(phrase)] for phrase in phrases for i in range(len(text)))
               for phrases in words for text in texts)


def main(out):
    old = tuple(map(int, transformers.__version__.split(".")[:2])) < (4, 50)
    for name, kind, config in models():
        folder = out / name
        if old:
            torch.manual_seed(11)
            model = kind.from_config(config)
            model.generation_config.forced_eos_token_id = model.generation_config.bad_words_ids = None
            model.save_pretrained(folder)
        model = kind.from_pretrained(folder).eval()
        decoder = not model.config.is_encoder_decoder
        cases = []
        for options in removed() if old else kept(decoder):
            try:
                case = answers(model, options, old)
            except RuntimeError:
                # It cannot tell the scores of texts that lack a phrase.
                assert "force_words_ids" in options
                continue
            # Nor does it always put those last that lack one, as Weft does.
            if complete(case, decoder):
                cases.append(case)
        (folder / ("removed.json" if old else "kept.json")).write_text(json.dumps(cases) + "\n")


main(Path(sys.argv[1]))
