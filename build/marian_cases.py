"""Gives a folder with a tokenizer of Marian (weft tokenizer train --format marian) a small model with random weights, and
writes what the Python library (transformers 4) makes of texts with both.

usage: marian_cases.py FOLDER

expected.json holds for each text its ids, its translation by five beams, and for each layer of the decoder the weights of
the cross-attention, averaged over heads, when the model reads that translation.
"""
import json, sys
from pathlib import Path

import torch
from transformers import MarianConfig, MarianMTModel, MarianTokenizer

TEXTS = ["The river runs to the sea.", "  two  spaces \U0001F44B ", "wool</s> and <unk> silk", "Größe, schön", "loom"]

folder = Path(sys.argv[1])
tokenizer = MarianTokenizer.from_pretrained(folder)
pad = tokenizer.pad_token_id
torch.manual_seed(4)
model = MarianMTModel(MarianConfig(
    vocab_size=len(tokenizer), d_model=16, encoder_layers=2, decoder_layers=2, encoder_attention_heads=2,
    decoder_attention_heads=2, encoder_ffn_dim=24, decoder_ffn_dim=24, max_position_embeddings=64, init_std=0.7,
    activation_function="relu", scale_embedding=True, pad_token_id=pad, eos_token_id=0, bos_token_id=0,
    decoder_start_token_id=pad, forced_eos_token_id=0, attn_implementation="eager"))
model.eval()
model.generation_config.update(num_beams=5, max_length=14, length_penalty=0.6, no_repeat_ngram_size=2, bad_words_ids=[[pad]])
model.save_pretrained(folder)

cases = []
for text in TEXTS:
    ids = tokenizer(text, return_tensors="pt")
    with torch.no_grad():
        answer = model.generate(**ids)
        seen = model(**ids, decoder_input_ids=answer[:, :-1], output_attentions=True).cross_attentions
    cases.append({"text": text, "ids": ids["input_ids"][0].tolist(), "answer": tokenizer.decode(answer[0], skip_special_tokens=True),
                  "answer_ids": answer[0].tolist(), "weights": [[[round(x, 6) for x in row] for row in layer[0].mean(0).tolist()] for layer in seen]})
(folder / "expected.json").write_text(json.dumps(cases, ensure_ascii=False) + "\n")
