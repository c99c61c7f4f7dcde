"""Makes small model folders and what the Python library's pipelines say of texts with them.

usage: pipeline_cases.py OUT      (needs transformers 4, the last version that has all of these pipelines)

Each folder OUT/NAME holds a model with random weights, its tokenizer, and expected.json: {"texts": ..., "answers": ...}.
"""
import json, sys
from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import (T5Config, T5ForConditionalGeneration, BertConfig, BertForMaskedLM, BertForMultipleChoice, BertForQuestionAnswering, BertForSequenceClassification,
                          BertForTokenClassification, BertModel, PreTrainedTokenizerFast, pipeline)

CORPUS = """Paris is the capital of France. Ada Lovelace wrote to Charles Babbage about his engine in London.
The loom weaves wool, cotton and silk; the weaver throws the shuttle over and under the warp.
How long is the river? It is two hundred miles long, and it runs from the hills to the sea.
great film, a waste of time, wonderful acting, terrible ending, politics, sports, travel, cooking
This example is about something else. Who wrote the letter? Where does the river run?""".splitlines()
TEXTS = ["Ada Lovelace lives in Paris!", "great film, wonderful acting",
         "The river \U0001F44B\U0001F3FD runs from the hills to the sea; it is two hundred miles long.", "Wool?"]
CONTEXT = CORPUS[0] + " \U0001F44B " + CORPUS[1]


def tokenizer():
    made = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    made.normalizer = normalizers.BertNormalizer(lowercase=True)
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    made.train_from_iterator(CORPUS, trainers.WordPieceTrainer(
        vocab_size=160, special_tokens=["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]))
    made.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    made.decoder = decoders.WordPiece()
    return PreTrainedTokenizerFast(tokenizer_object=made, pad_token="[PAD]", unk_token="[UNK]", cls_token="[CLS]",
                                   sep_token="[SEP]", mask_token="[MASK]", model_max_length=128)


def config(words, labels=(), **more):
    named = {"id2label": dict(enumerate(labels)), "label2id": {l: i for i, l in enumerate(labels)}} if labels else {}
    return BertConfig(vocab_size=len(words), hidden_size=16, intermediate_size=32, num_hidden_layers=2,
                      num_attention_heads=2, max_position_embeddings=128, initializer_range=0.5, **named, **more)


def write(out, name, model, words, texts, answers):
    folder = out / name
    model.save_pretrained(folder)
    words.save_pretrained(folder)
    (folder / "special_tokens_map.json").unlink(missing_ok=True)
    (folder / "expected.json").write_text(json.dumps({"texts": texts, "answers": answers}, indent=1, default=float) + "\n")


def main(out):
    words = tokenizer()
    # Settings with which padding and truncation are done belong to the call, not to the file.
    words._tokenizer.no_padding()
    for name, problem, labels in [("single-label", "single_label_classification", ["bad", "good", "mixed"]),
                                  ("multi-label", "multi_label_classification", ["film", "place", "wool"]),
                                  ("regression", "regression", ["LABEL_0"])]:
        torch.manual_seed(7)
        model = BertForSequenceClassification(config(words, labels, problem_type=problem)).eval()
        found = pipeline("text-classification", model=model, tokenizer=words, top_k=None)(TEXTS)
        write(out, "text-classification-" + name, model, words, TEXTS, found)

    torch.manual_seed(8)
    model = BertForSequenceClassification(config(words, ["contradiction", "neutral", "entailment"])).eval()
    classifier = pipeline("zero-shot-classification", model=model, tokenizer=words)
    labels = ["politics", "sports", "wool"]
    write(out, "zero-shot-classification", model, words, TEXTS,
          {"labels": labels, "one": classifier(TEXTS, labels),
           "several": classifier(TEXTS, labels, multi_label=True, hypothesis_template="It is about {}.")})

    torch.manual_seed(3)
    model = BertForTokenClassification(config(words, ["O", "B-PER", "I-PER", "B-LOC", "I-LOC"])).eval()
    write(out, "token-classification", model, words, TEXTS,
          {how: pipeline("token-classification", model=model, tokenizer=words, aggregation_strategy=how)(TEXTS)
           for how in ["none", "simple", "first", "average", "max"]})

    torch.manual_seed(5)
    model = BertForQuestionAnswering(config(words)).eval()
    answerer = pipeline("question-answering", model=model, tokenizer=words)
    # Short enough for one window: of several, tokenizers 0.23 loses the last (0.21 does not).
    ask = [{"question": "Who wrote the letter?", "context": CONTEXT},
           {"question": "How long is the river?", "context": TEXTS[2]}]
    plain = [answerer(**each, top_k=4) for each in ask]
    short = [answerer(**each, top_k=3, max_answer_len=3) for each in ask]
    none = [answerer(**each, top_k=3, handle_impossible_answer=True) for each in ask]
    write(out, "question-answering", model, words, ask, {"plain": plain, "short": short, "none": none})

    torch.manual_seed(6)
    model = BertForMultipleChoice(config(words)).eval()
    ask = [{"text": TEXTS[0], "choices": ["She writes.", "The river runs to the sea.", "Wool?"]},
           {"text": TEXTS[2], "choices": ["It is long.", "great film"]}]
    picked = []
    for each in ask:
        pairs = words([each["text"]] * len(each["choices"]), each["choices"], return_tensors="pt", padding=True)
        with torch.no_grad():
            logits = model(**{name: values[None] for name, values in pairs.items()}).logits[0]
        picked.append(logits.softmax(0).tolist())
    write(out, "multiple-choice", model, words, ask, picked)

    torch.manual_seed(2)
    model = BertForMaskedLM(config(words)).eval()
    filler = pipeline("fill-mask", model=model, tokenizer=words)
    masked = ["Paris is the [MASK] of France.", "the [MASK] runs to the [MASK]"]
    write(out, "fill-mask", model, words, masked,
          {"best": [filler(text, top_k=3) for text in masked],
           "among": filler(masked[0], targets=["river", "the"])})

    torch.manual_seed(4)
    model = T5ForConditionalGeneration(T5Config(
        vocab_size=len(words), d_model=16, d_kv=8, d_ff=32, num_layers=2, num_heads=2, initializer_factor=4.0,
        decoder_start_token_id=0, pad_token_id=0, eos_token_id=3, task_specific_params={
            "summarization": {"prefix": "how long: ", "max_length": 14, "min_length": 4, "num_beams": 3}})).eval()
    # The pipelines of version 4 overrule the lengths and beams that settings name; the model's own generation does not.
    def answer(text, **how):
        inputs = words(text, return_tensors="pt", return_token_type_ids=False)
        return words.decode(model.generate(**inputs, **how)[0], skip_special_tokens=True)
    answers = {"plain": [answer(text, max_new_tokens=12) for text in TEXTS],
               "summary": [answer("how long: " + text, max_length=14, min_length=4, num_beams=3) for text in TEXTS]}
    write(out, "text-to-text", model, words, TEXTS, answers)

    torch.manual_seed(1)
    model = BertModel(config(words)).eval()
    vectors = {}
    with torch.no_grad():
        hidden = [model(**words(text, return_tensors="pt")).last_hidden_state[0] for text in TEXTS]
    vectors["mean"] = [each.mean(0).tolist() for each in hidden]
    vectors["cls"] = [each[0].tolist() for each in hidden]
    vectors["max"] = [each.max(0).values.tolist() for each in hidden]
    vectors["last"] = [each[-1].tolist() for each in hidden]
    vectors["normalized"] = [torch.nn.functional.normalize(each.mean(0), dim=0).tolist() for each in hidden]
    vectors["tokens"] = [each.tolist() for each in hidden[3:]]
    write(out, "embeddings", model, words, TEXTS, vectors)


main(Path(sys.argv[1]))
