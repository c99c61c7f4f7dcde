#!/usr/bin/env python3
"""Records what Hugging Face's tokenizers library does to every character, for the tests of room `text`.

    python build/tokenizer_part_cases.py text/src/test/resources/parts.jsonl.gz

Each line is one `normalizer` and one `pre_tokenizer` with some texts of all planes of Unicode: the words the library
(0.23) cuts, and the place of every character of every word, in code points. The tests that run the library itself use
an older one, with older tables. Seeded: a second run gives the same file.
"""

import gzip
import json
import random
import sys

from tokenizers import Tokenizer, models

FRAGMENTS = ["the", " The", "don't", " ", "  ", "\n", "\r\n", "\t", "\u00a0", "\u2003", "\u3000", "\u2028", "12", " 3",
             "½", "Ⅷ", "٣", "é", "e\u0301", "\u0301", "\u0323\u0307", "q\u0323\u0307\u0323", "ß", "İ", "ﬁ", "Å", "ệ",
             "Ἀθῆναι", "мир", "שָׁ", "مرحبا", "नमस्ते", "\u0958", "你好", "。", "カ\u3099", "ｶﾞ", "한", "\u1112\u1161\u11ab",
             "ไทย", "👋", "👩\u200d👩\u200d👧", "🇩🇪", "👍🏽", "☃\ufe0f", "\u200d", "\ufeff", "\0", "\x01", "…", "«", "!?",
             "_x", "''", "``", "𝒳", "𐍈", "\U0001d15e", "\U00011131\U00011127", "\U00016d63\U00016d67", "\ue000",
             "\ufffd", "\u302e", "\u0344", "\u1dfa", "\u0897", "\U000105c9", "a", "E", "zz"]

NORMALIZERS = [None, *({"type": form} for form in ("NFC", "NFD", "NFKC", "NFKD", "Lowercase", "StripAccents", "Nmt")),
               {"type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True, "strip_accents": None,
                "lowercase": True},
               {"type": "BertNormalizer", "clean_text": False, "handle_chinese_chars": True, "strip_accents": True,
                "lowercase": False},
               {"type": "Prepend", "prepend": "▁"},
               {"type": "Strip", "strip_left": True, "strip_right": True},
               {"type": "Replace", "pattern": {"String": "''"}, "content": "\""},
               {"type": "Replace", "pattern": {"Regex": "\\s+"}, "content": " "},
               {"type": "Replace", "pattern": {"Regex": "[a-z]*"}, "content": "é"},
               {"type": "Sequence", "normalizers": [{"type": "NFD"}, {"type": "StripAccents"}, {"type": "Lowercase"},
                                                    {"type": "NFKC"}, {"type": "Prepend", "prepend": "_"}]}]

PRE_TOKENIZERS = [None, *({"type": words} for words in ("BertPreTokenizer", "Whitespace", "WhitespaceSplit",
                                                        "UnicodeScripts", "Punctuation")),
                  {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True},
                  {"type": "Digits", "individual_digits": True},
                  {"type": "FixedLength", "length": 3},
                  {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": True},
                  {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "first", "split": True},
                  {"type": "Split", "pattern": {"Regex": "\\w+|\\s"}, "behavior": "MergedWithNext", "invert": False},
                  {"type": "Split", "pattern": {"Regex": "(?i:'S|the)|[^\\w\\s]+|\\h"}, "behavior": "Contiguous",
                   "invert": True}]


def text():
    parts = []
    for _ in range(random.randrange(1, 14)):
        if random.random() < 0.25:
            c = random.randrange(random.choice([0x250, 0x3000, 0x20000, 0x110000]))
            parts.append("?" if 0xD800 <= c <= 0xDFFF else chr(c))
        else:
            parts.append(random.choice(FRAGMENTS))
    return "".join(parts)


def record(normalizer, pre_tokenizer, texts):
    tokenizer = Tokenizer(models.BPE(vocab={"<unk>": 0}, merges=[], unk_token="<unk>"))
    parts = json.loads(tokenizer.to_str()) | {"normalizer": normalizer, "pre_tokenizer": pre_tokenizer}
    tokenizer = Tokenizer.from_str(json.dumps(parts))
    cases = []
    for each in texts:
        encoding = tokenizer.encode(each)
        cut = tokenizer.normalizer.normalize_str(each) if normalizer else each
        words = [word for word, _ in tokenizer.pre_tokenizer.pre_tokenize_str(cut)] if pre_tokenizer else [cut]
        characters = "".join(words)
        # Every character is an unknown token of its own. Cutting the bare text differs from cutting in the pipeline
        # only where a word asks whether it is the first.
        if len(characters) == len(encoding.ids):
            cases.append({"text": each, "characters": characters, "words": encoding.word_ids,
                          "offsets": [at for place in encoding.offsets for at in place]})
    return {"normalizer": normalizer, "pre_tokenizer": pre_tokenizer, "cases": cases}


def main(out):
    random.seed(23)
    lines = []
    for normalizer in NORMALIZERS:
        for pre_tokenizer in PRE_TOKENIZERS:
            if normalizer is None or pre_tokenizer is None or random.random() < 0.2:
                lines.append(record(normalizer, pre_tokenizer, [text() for _ in range(14)]))
    with open(out, "wb") as raw, gzip.GzipFile("", "wb", 9, raw, 0) as file:
        for line in lines:
            file.write((json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n").encode())
    print(f"{sum(len(line['cases']) for line in lines)} cases in {len(lines)} lines")


if __name__ == "__main__":
    main(*sys.argv[1:])
