#!/usr/bin/env python3
"""Renders the templates of a JSON list on standard input with jinja2, set up as chat templates are; the other half of a test.

Reads {"variables": {...}, "templates": [...]}, writes a JSON list: the text, or null where jinja2 refuses.
"""

import copy
import json
import sys

from jinja2.ext import loopcontrols
from jinja2.sandbox import ImmutableSandboxedEnvironment


def main():
    asked = json.load(sys.stdin)
    environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[loopcontrols])
    environment.filters["tojson"] = lambda x, ensure_ascii=False, indent=None, separators=None, sort_keys=False: \
        json.dumps(x, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)
    texts = []
    for source in asked["templates"]:
        try:
            text = environment.from_string(source).render(**copy.deepcopy(asked["variables"]))
            text.encode("utf-8")
            texts.append(text)
        except Exception:
            texts.append(None)
    json.dump(texts, sys.stdout)


if __name__ == "__main__":
    main()
