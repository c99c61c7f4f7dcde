#!/usr/bin/env python3
"""Makes the expected results of the tests of chat templates with the reference: jinja2, as transformers sets it up.

    python build/template_cases.py

reads src/test/resources/templates of two rooms: in jinja, expressions.txt (one small template a line, plain or as a JSON
string, after !! where Weft refuses what the reference renders); in text, each NAME.jinja with its conversations.json. It
writes expressions.json and NAME.json beside them. A case that the reference
refuses has "error" instead of "output": with the message of `raise_exception`, or else true.

Needs jinja2 3.1 and transformers 5.18. Before this: nothing; the templates and conversations are written by hand.
"""

import json
from datetime import datetime
from pathlib import Path

from jinja2.exceptions import TemplateError
from transformers.utils import chat_template_utils

ROOT = Path(__file__).parent.parent
SMALL = ROOT / "jinja/src/test/resources/templates"
FOLDER = ROOT / "text/src/test/resources/templates"
SPECIAL = {"bos_token": "<s>", "eos_token": "</s>", "pad_token": "<pad>", "unk_token": "<unk>"}


class FixedTime(datetime):
    """The tests' clock stands still."""

    @classmethod
    def now(cls, tz=None):
        return cls(2024, 7, 26, 9, 5, 3, 42)


def outcome(render):
    try:
        return {"output": render()}
    except TemplateError as refusal:
        return {"error": refusal.message if type(refusal) is TemplateError else True}
    except Exception:
        return {"error": True}


def expressions():
    variables = json.loads((SMALL / "variables.json").read_text(encoding="utf-8"))
    cases = []
    for line in (SMALL / "expressions.txt").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("##"):
            refused = line.startswith("!! ")
            line = line.removeprefix("!! ")
            source = json.loads(line) if line.startswith('"') else line
            case = {"template": source} | outcome(
                lambda: chat_template_utils._compile_jinja_template(source).render(**variables))
            if refused:
                case = {"template": source, "refused": "output" in case}
            cases.append(case)
    write(SMALL / "expressions.json", cases)
    print(len(cases), "expressions,", sum("error" in case for case in cases), "of them errors")


def write(path, cases):
    lines = ",\n".join(json.dumps(case, ensure_ascii=True) for case in cases)
    path.write_text(f"[\n{lines}\n]\n", encoding="utf-8")


def template(path):
    source = path.read_text(encoding="utf-8")
    cases = []
    for conversation in json.loads((FOLDER / "conversations.json").read_text(encoding="utf-8")):
        for prompt in (False, True):
            def render():
                texts, spans = chat_template_utils.render_jinja_template(
                    conversations=[conversation["messages"]], tools=conversation.get("tools"),
                    documents=conversation.get("documents"), chat_template=source, add_generation_prompt=prompt,
                    return_assistant_tokens_mask="{% generation" in source or "{%- generation" in source,
                    **SPECIAL, **conversation.get("variables", {}))
                places.extend(spans[0] if spans else [])
                return texts[0]

            places = []
            case = {"conversation": conversation["name"], "prompt": prompt} | outcome(render)
            if places:
                case["spans"] = places
            cases.append(case)
    write(path.with_suffix(".json"), cases)
    print(path.stem, len(cases), "cases,", sum("error" in case for case in cases), "of them errors")


if __name__ == "__main__":
    chat_template_utils.datetime = FixedTime
    expressions()
    for path in sorted(FOLDER.glob("*.jinja")):
        template(path)
