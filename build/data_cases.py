"""Writes data/src/test/resources/dev/weft/data/collation.json: what the Python library makes of random examples.

Needs transformers, tokenizers and torch. Run from the project's folder: python build/data_cases.py

Batches are those of the library's data collators. For questions, tokens and their places are the tokenizer's; the
answer's tokens are found by the definition: the last token that begins at or before the answer, the first that ends at or
after it, if the window holds both.
"""

import json
import random
import string

from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import (DataCollatorForSeq2Seq, DataCollatorForTokenClassification, DataCollatorWithPadding,
                          PreTrainedTokenizerFast)

OUT = "data/src/test/resources/dev/weft/data/collation.json"
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
rng = random.Random(6)


def tokenizer():
    letters = string.ascii_lowercase + ".?,é😀"
    pieces = SPECIAL + list(letters) + ["##" + letter for letter in letters] + ["##ab", "the", "##ing"]
    built = Tokenizer(models.WordPiece({piece: i for i, piece in enumerate(pieces)}, unk_token="[UNK]"))
    built.normalizer = normalizers.BertNormalizer(strip_accents=False)
    built.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    built.post_processor = processors.BertProcessing(("[SEP]", pieces.index("[SEP]")), ("[CLS]", pieces.index("[CLS]")))
    return PreTrainedTokenizerFast(tokenizer_object=built, pad_token="[PAD]", unk_token="[UNK]", cls_token="[CLS]",
                                   sep_token="[SEP]", mask_token="[MASK]",
                                   model_input_names=["input_ids", "token_type_ids", "attention_mask"])


def word():
    return rng.choice(["the", "😀", "é", "?", ",", "".join(rng.choices(string.ascii_lowercase, k=rng.randint(1, 6)))])


def words(low, high):
    return [word() for _ in range(rng.randint(low, high))]


def questions(fast):
    cases = []
    for _ in range(60):
        context = (" " * rng.randint(1, 2)).join(words(1, 30))
        start = rng.randrange(len(context))
        end = rng.randint(start + 1, min(len(context), start + 12))
        case = {"question": " ".join(words(1, 4)), "context": context, "answer": context[start:end], "start": start,
                "length": rng.randint(30, 60), "stride": rng.randint(0, 8)}
        # Not by return_overflowing_tokens: tokenizers 0.23.2 drops what lies beyond max_length tokens of the context.
        encoded = fast(case["question"], context, return_offsets_mapping=True)
        ids, types, places = encoded["input_ids"], encoded["token_type_ids"], encoded["offset_mapping"]
        head = types.index(1)
        room = case["length"] - head - 1
        case["windows"] = []
        at = head
        while True:
            inside = range(at, min(at + room, len(ids) - 1))
            first = [k - at + head for k in inside if places[k][0] <= start]
            last = [k - at + head for k in inside if places[k][1] >= end]
            held = first and last
            case["windows"].append({"input_ids": ids[:head] + ids[inside.start:inside.stop] + ids[-1:],
                                    "token_type_ids": [0] * head + [1] * (len(inside) + 1),
                                    "start_positions": first[-1] if held else 0, "end_positions": last[0] if held else 0})
            if inside.stop == len(ids) - 1:
                break
            at += room - case["stride"]
        cases.append(case)
    return cases


def lists(batch):
    return {name: tensor.tolist() for name, tensor in sorted(batch.items())}


def batches(fast):
    cases = []
    for case in range(24):
        side = ["right", "left"][case % 2]
        fast.padding_side = side
        multiple = rng.choice([None, 8])
        kind = ["classes", "tokens", "pairs"][case % 3]
        if kind == "pairs":
            side = fast.padding_side = "right"
        examples = []
        for _ in range(rng.randint(1, 4)):
            ids = [rng.randint(5, 60) for _ in range(rng.randint(1, 9))]
            example = {"input_ids": ids}
            if kind == "classes":
                example["labels"] = rng.randint(0, 3)
            elif kind == "tokens":
                example["labels"] = [rng.choice([-100, 0, 1, 2]) for _ in ids]
            else:
                example["labels"] = [rng.randint(5, 60) for _ in range(rng.randint(1, 9))]
            examples.append(example)
        collator = {"classes": DataCollatorWithPadding, "tokens": DataCollatorForTokenClassification,
                    "pairs": DataCollatorForSeq2Seq}[kind](fast, pad_to_multiple_of=multiple)
        copies = [{name: list(v) if isinstance(v, list) else v for name, v in example.items()} for example in examples]
        cases.append({"side": side, "multiple": multiple or 1, "examples": examples, "batch": lists(collator(copies))})
    return cases


def main():
    fast = tokenizer()
    data = {"tokenizer": json.loads(fast.backend_tokenizer.to_str()), "questions": questions(fast),
            "batches": batches(fast)}
    with open(OUT, "w", encoding="utf-8") as out:
        json.dump(data, out, ensure_ascii=False, separators=(",", ":"))
        out.write("\n")


main()
