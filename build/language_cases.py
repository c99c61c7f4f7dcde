"""Makes small folders of translators' tokenizers and what the Python library (transformers 4) makes of texts with them.

usage: language_cases.py OUT MODEL

MODEL gets a small model of M2M100 with random weights, the first tokenizer, and what it answers as the translation pipeline asks it.
Each folder OUT/NAME holds a tokenizer's files and expected.json: for each source language the ids of texts, and the text
of ids. Some pieces of SentencePiece are left out of vocab.json, and a word that SentencePiece lacks is put in.
"""
import io, json, shutil, sys
from pathlib import Path

import sentencepiece
import torch
from transformers import (M2M100Config, M2M100ForConditionalGeneration, M2M100Tokenizer, MBart50TokenizerFast, MBartTokenizerFast, NllbTokenizerFast, Speech2TextTokenizer)

CORPUS = """Paris is the capital of France. Ada Lovelace wrote to Charles Babbage about his engine in London.
The loom weaves wool, cotton and silk; the weaver throws the shuttle over and under the warp.
How long is the river? It is two hundred miles long, and it runs from the hills to the sea.
Ein Mann schläft. Wer schrieb den Brief? Der Fluss läuft zum Meer; das ist wahr und schön.""".splitlines()
TEXTS = ["The river runs to the sea.", "Ein Mann schläft", "  two  spaces \U0001F44B ", "wool</s> and __de__ silk", "loom"]


def model(folder, kind, size):
    made = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(sentence_iterator=iter(CORPUS), model_writer=made, vocab_size=size,
                                             model_type=kind, normalization_rule_name="identity", hard_vocab_limit=False, minloglevel=2)
    folder.mkdir(parents=True)
    (folder / "sentencepiece.bpe.model").write_bytes(made.getvalue())
    return sentencepiece.SentencePieceProcessor(model_proto=made.getvalue())


def vocabulary(folder, pieces, more=()):
    own = [pieces.id_to_piece(i) for i in range(3, pieces.get_piece_size())]
    kept = [piece for i, piece in enumerate(own) if i % 17 != 16]
    words = ["<s>", "<pad>", "</s>", "<unk>", *more, *kept, "▁nowhere"]
    (folder / "vocab.json").write_text(json.dumps({word: i for i, word in enumerate(words)}, ensure_ascii=False))


def write(folder, tokenizer, languages):
    shutil.rmtree(folder)
    tokenizer.save_pretrained(folder)
    for name in ["special_tokens_map.json", "sentencepiece.bpe.model"]:
        if (folder / "tokenizer.json").exists():
            (folder / name).unlink(missing_ok=True)
    expected = {}
    for language in languages:
        if language:
            setattr(tokenizer, "src_lang" if hasattr(tokenizer, "_src_lang") else "tgt_lang", language)
        expected[language] = [tokenizer(text)["input_ids"] for text in TEXTS]
    ids = tokenizer(TEXTS[0])["input_ids"]
    (folder / "expected.json").write_text(json.dumps(
        {"texts": TEXTS, "ids": expected, "text": tokenizer.decode(ids, skip_special_tokens=True)}, indent=1) + "\n")


def translator(folder, tokens):
    tokenizer = M2M100Tokenizer.from_pretrained(tokens)
    torch.manual_seed(4)
    made = M2M100ForConditionalGeneration(M2M100Config(
        vocab_size=len(tokenizer), d_model=16, encoder_layers=1, decoder_layers=1, encoder_attention_heads=2,
        decoder_attention_heads=2, encoder_ffn_dim=32, decoder_ffn_dim=32, max_position_embeddings=64, init_std=1.0,
        decoder_start_token_id=2, eos_token_id=2, pad_token_id=1, bos_token_id=0)).eval()
    made.save_pretrained(folder)
    for name in ["vocab.json", "sentencepiece.bpe.model", "tokenizer_config.json"]:
        shutil.copy(tokens / name, folder)
    # The translation pipeline, but for its own idea of how long an answer is.
    def translate(text, source, target):
        inputs = tokenizer._build_translation_inputs(text, return_tensors="pt", src_lang=source, tgt_lang=target)
        return tokenizer.decode(made.generate(**inputs, max_new_tokens=12)[0], skip_special_tokens=True)
    answers = {f"{source} {target}": [translate(text, source, target) for text in TEXTS]
               for source, target in [("en", "de"), ("de", "en")]}
    (folder / "expected.json").write_text(json.dumps({"texts": TEXTS, "answers": answers}, indent=1) + "\n")


def main(out, model_out):
    for kind in ["unigram", "bpe"]:
        folder = out / ("m2m100-" + kind)
        vocabulary(folder, model(folder, kind, 120))
        files = [str(folder / "vocab.json"), str(folder / "sentencepiece.bpe.model")]
        codes = "af am ar ast az ba be bg bn br bs ca ceb cs cy da de el en es et fa ff fi fr".split()
        write(folder, M2M100Tokenizer(*files, additional_special_tokens=[f"__{code}__" for code in codes]), ["en", "de"])
        settings = json.loads((folder / "tokenizer_config.json").read_text())
        if kind == "bpe":  # as older folders have it: the tokens are not listed with their ids
            del settings["added_tokens_decoder"]
            (folder / "added_tokens.json").unlink()
        (folder / "tokenizer_config.json").write_text(json.dumps(settings, indent=1) + "\n")
    translator(model_out, out / "m2m100-unigram")
    folder = out / "speech2text"
    languages = [f"<lang:{code}>" for code in ["pt", "fr", "ru", "nl", "ro", "it", "es", "de"]]
    made = io.BytesIO()
    folder.mkdir(parents=True)
    sentencepiece.SentencePieceTrainer.train(sentence_iterator=iter(CORPUS), model_writer=made, vocab_size=120,
                                             user_defined_symbols=languages, normalization_rule_name="identity", hard_vocab_limit=False, minloglevel=2)
    (folder / "sentencepiece.bpe.model").write_bytes(made.getvalue())
    pieces = sentencepiece.SentencePieceProcessor(model_proto=made.getvalue())
    (folder / "vocab.json").write_text(json.dumps(
        {pieces.id_to_piece(i): i for i in range(pieces.get_piece_size())} | {"<pad>": pieces.get_piece_size()}))
    write(folder, Speech2TextTokenizer(str(folder / "vocab.json"), str(folder / "sentencepiece.bpe.model"),
                                       lang_codes="mustc"), ["pt", "de"])
    for name, kind, languages in [("mbart", MBartTokenizerFast, ["en_XX", "de_DE"]),
                                  ("mbart50", MBart50TokenizerFast, ["en_XX", "de_DE"]),
                                  ("nllb", NllbTokenizerFast, ["eng_Latn", "deu_Latn"])]:
        folder = out / name
        model(folder, "bpe" if name == "nllb" else "unigram", 120)
        write(folder, kind(vocab_file=str(folder / "sentencepiece.bpe.model")), languages)


main(Path(sys.argv[1]), Path(sys.argv[2]))
