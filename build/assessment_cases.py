"""What the Python library's models say of a few rows, and their losses: the cases of AssessmentTest.

usage: assessment_cases.py PIPELINES OUT.json      (the folders of pipeline_cases.py; transformers 4)

Each row goes alone through the model, so that nothing here depends on padding.
"""
import json, sys
from pathlib import Path

import torch
from transformers import (AutoModel, AutoModelForCausalLM, AutoModelForMultipleChoice, AutoModelForQuestionAnswering,
                          AutoModelForSeq2SeqLM, AutoModelForSequenceClassification, AutoModelForTokenClassification,
                          AutoTokenizer)

TEXTS = ["Ada Lovelace lives in Paris!", "great film, wonderful acting", "a waste of time",
         "The river runs from the hills to the sea; it is two hundred miles long.", "Wool?",
         "How long is the loom? It weaves wool, cotton and silk."]
PAIRS = ["the capital of France", "terrible ending", "a waste of wool", "How long is the river?", "silk", "the weaver"]
CONTEXT = ("Paris is the capital of France. Ada Lovelace wrote to Charles Babbage \U0001F44B about his engine in London. "
           "The loom weaves wool, cotton and silk; the weaver throws the shuttle over and under the warp.")
QUESTIONS = [("Who wrote the letter?", "Ada Lovelace"), ("What weaves wool?", "The loom"), ("Where?", "in London"),
             ("How long is the river?", None)]
SENTENCES = [("Ada Lovelace lives in Paris".split(), "B-PER I-PER O O B-LOC".split()),
             ("Charles Babbage wrote to Ada about wonderful engines in London and Paris".split(),
              "B-PER I-PER O O B-PER O O O O B-LOC O B-LOC".split()),
             (["the", "sea", "\u200b", "runs"], ["O", "B-LOC", "O", "O"])]
LONGEST = 12
WINDOW, STRIDE, ANSWER, BEST = 28, 8, 6, 20


def opened(folder, kind):
    return kind.from_pretrained(folder).eval(), AutoTokenizer.from_pretrained(folder)


def tensors(encoding):
    return {name: torch.tensor([encoding[name]]) for name in ("input_ids", "attention_mask", "token_type_ids")
            if name in encoding}


def classes(out, pipelines):
    model, words = opened(pipelines / "text-classification-single-label", AutoModelForSequenceClassification)
    rows, said, losses = [], [], []
    for i, (text, pair) in enumerate(zip(TEXTS, PAIRS)):
        label = ["bad", "good", "mixed"][i % 3]
        got = model(**tensors(words(text, pair)), labels=torch.tensor([model.config.label2id[label]]))
        rows.append({"text": text, "text_pair": pair, "label": label})
        said.append(model.config.id2label[got.logits.argmax(-1).item()])
        losses.append(got.loss.item())
    out["text-classification"] = dict(model="text-classification-single-label", rows=rows, predicted=said,
                                      loss=sum(losses) / len(losses))

    model, words = opened(pipelines / "text-classification-multi-label", AutoModelForSequenceClassification)
    rows, said, losses = [], [], []
    for i, text in enumerate(TEXTS):
        held = [[], ["film"], ["film", "wool"], ["place", "wool", "film"], ["wool"], ["place"]][i]
        flags = torch.tensor([[float(model.config.id2label[j] in held) for j in range(3)]])
        got = model(**tensors(words(text)), labels=flags)
        rows.append({"text": text, "labels": held})
        said.append(sorted(model.config.id2label[j] for j in range(3) if got.logits[0, j] > 0))
        losses.append(got.loss.item())
    out["multi-label-classification"] = dict(model="text-classification-multi-label", rows=rows, predicted=said,
                                             loss=sum(losses) / len(losses))

    model, words = opened(pipelines / "text-classification-regression", AutoModelForSequenceClassification)
    rows, said, losses = [], [], []
    for i, text in enumerate(TEXTS):
        got = model(**tensors(words(text)), labels=torch.tensor([i / 2]))
        rows.append({"text": text, "label": i / 2})
        said.append(got.logits.item())
        losses.append(got.loss.item())
    out["regression"] = dict(model="text-classification-regression", rows=rows, predicted=said,
                             loss=sum(losses) / len(losses))

    model, words = opened(pipelines / "multiple-choice", AutoModelForMultipleChoice)
    rows, said, losses = [], [], []
    for i, text in enumerate(TEXTS):
        choices = PAIRS[: 2 + i % 2]
        each = words([text] * len(choices), choices, padding=True, return_tensors="pt")
        got = model(**{name: value[None] for name, value in each.items()}, labels=torch.tensor([i % 2]))
        rows.append({"text": text, "choices": choices, "label": i % 2})
        said.append(str(got.logits.argmax(-1).item()))
        losses.append(got.loss.item())
    out["multiple-choice"] = dict(model="multiple-choice", rows=rows, predicted=said, loss=sum(losses) / len(losses))


def tags(out, pipelines):
    model, words = opened(pipelines / "token-classification", AutoModelForTokenClassification)
    rows, said, total, count = [], [], 0.0, 0
    for tokens, expected in SENTENCES:
        encoding = words(tokens, is_split_into_words=True, truncation=True, max_length=LONGEST)
        ids = encoding.word_ids()
        first = {word: i for i, word in reversed(list(enumerate(ids))) if word is not None}
        labels = torch.full((1, len(ids)), -100)
        for word, place in first.items():
            labels[0, place] = model.config.label2id[expected[word]]
        got = model(**tensors(encoding), labels=labels)
        said.append([model.config.id2label[got.logits[0, first[word]].argmax().item()] if word in first else "O"
                     for word in range(len(tokens))])
        total += got.loss.item() * len(first)
        count += len(first)
        rows.append({"tokens": tokens, "tags": expected})
    out["token-classification"] = dict(model="token-classification", rows=rows, predicted=said, loss=total / count,
                                       max_length=LONGEST)


def answers(out, pipelines):
    model, words = opened(pipelines / "question-answering", AutoModelForQuestionAnswering)
    for name, asked in (("question-answering", QUESTIONS[:3]), ("question-answering-2", QUESTIONS)):
        rows, said, losses = [], [], []
        may_be_none = any(answer is None for _, answer in asked)
        for question, answer in asked:
            start = CONTEXT.index(answer) if answer else None
            rows.append({"question": question, "context": CONTEXT,
                         "answers": {"text": [answer] if answer else [], "answer_start": [start] if answer else []}})
            asks = words(question, add_special_tokens=False)["input_ids"]
            page = words(CONTEXT, add_special_tokens=False, return_offsets_mapping=True)
            size = WINDOW - len(asks) - 3
            spans, none = [], None
            # Windows by hand: tokenizers 0.23 gives the first two only.
            for begin in range(0, max(1, len(page["input_ids"]) - STRIDE), size - STRIDE):
                ids = page["input_ids"][begin: begin + size]
                inside = range(len(asks) + 2, len(asks) + 2 + len(ids))
                offsets = [None] * inside[0] + page["offset_mapping"][begin: begin + size]
                window = {"input_ids": [words.cls_token_id, *asks, words.sep_token_id, *ids, words.sep_token_id],
                          "token_type_ids": [0] * inside[0] + [1] * (len(ids) + 1)}
                first = last = 0
                if answer and offsets[inside[0]][0] <= start and offsets[inside[-1]][1] >= start + len(answer):
                    first = max(i for i in inside if offsets[i][0] <= start)
                    last = min(i for i in inside if offsets[i][1] >= start + len(answer))
                got = model(**tensors(window), start_positions=torch.tensor([first]), end_positions=torch.tensor([last]))
                losses.append(got.loss.item())
                starts, ends = got.start_logits[0].tolist(), got.end_logits[0].tolist()
                here = starts[0] + ends[0]
                none = here if none is None else min(none, here)
                best = lambda logits: sorted(range(len(logits)), key=lambda i: -logits[i])[:BEST]
                spans += [(starts[s] + ends[e], CONTEXT[offsets[s][0]:offsets[e][1]]) for s in best(starts)
                          for e in best(ends) if s in inside and e in inside and s <= e < s + ANSWER]
            score, text = max(spans)
            said.append("" if may_be_none and none > score else text)
        out[name] = dict(model="question-answering", rows=rows, predicted=said, loss=sum(losses) / len(losses),
                         max_length=WINDOW, stride=STRIDE, max_answer=ANSWER)


def language(out, pipelines):
    model, words = opened(pipelines / "chat", AutoModelForCausalLM)
    total, count, right = 0.0, 0, 0
    for text in TEXTS:
        ids = words(text, return_tensors="pt")["input_ids"]
        got = model(ids, labels=ids)
        total += got.loss.item() * (ids.shape[1] - 1)
        count += ids.shape[1] - 1
        right += (got.logits[0, :-1].argmax(-1) == ids[0, 1:]).sum().item()
    out["text-generation"] = dict(model="chat", rows=[{"text": text} for text in TEXTS], loss=total / count,
                                  tokens=count, accuracy=right / count)


def written(out, pipelines):
    model, words = opened(pipelines / "text-to-text", AutoModelForSeq2SeqLM)
    said, total, count = [], 0.0, 0
    for text, target in zip(TEXTS, PAIRS):
        # The folder's own settings for summaries: what stands before a text, and how long an answer is at least.
        inputs = words("how long: " + text, return_tensors="pt")
        inputs.pop("token_type_ids", None)
        labels = words(target, return_tensors="pt")["input_ids"]
        total += model(**inputs, labels=labels).loss.item() * labels.shape[1]
        count += labels.shape[1]
        ids = model.generate(**inputs, num_beams=3, max_new_tokens=8, min_length=4, length_penalty=0.5)[0]
        said.append(words.decode(ids, skip_special_tokens=True).strip())
    out["summarization"] = dict(model="text-to-text", predicted=said, loss=total / count,
                                rows=[{"source": s, "target": t} for s, t in zip(TEXTS, PAIRS)])


def alike(out, pipelines):
    model, words = opened(pipelines / "embeddings", AutoModel)
    vector = lambda text: model(**tensors(words(text))).last_hidden_state[0].mean(0)
    out["sentence-similarity"] = dict(
        model="embeddings", rows=[{"text": s, "text_pair": t, "label": i * i} for i, (s, t) in enumerate(zip(TEXTS, PAIRS))],
        predicted=[torch.cosine_similarity(vector(s), vector(t), dim=0).item() for s, t in zip(TEXTS, PAIRS)])


def main(pipelines, out):
    found = {}
    with torch.no_grad():
        for part in (classes, tags, answers, language, written, alike):
            part(found, Path(pipelines))
    Path(out).write_text(json.dumps(found, indent=1, ensure_ascii=True) + "\n")


main(*sys.argv[1:])
