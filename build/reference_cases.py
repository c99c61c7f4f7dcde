#!/usr/bin/env python3
"""Makes small conformance cases with the reference library, Hugging Face transformers.

    python build/reference_cases.py OUT [NAME...]

writes each case (or those named; a trailing * matches any ending) as a directory OUT/NAME: a tiny checkpoint with
random weights and what the reference computes with it, in the format "weft-conformance-1". `weft parity OUT` then
compares Weft with it. The cases in cli/src/test/resources/cases were made so.

Needs torch, transformers 5.18 and safetensors. Everything is seeded by the name of the case and runs on one thread, so
a second run on the same kind of machine gives the same files; all take some ten minutes. A case is refused, with the reason, when float32 strays from float64, when weights
do not survive the way through the file, or when a generated id is a near tie.

Before this: nothing. Read `cases/making.py` for how a case is made, then `cases/decoders.py`, `cases/encoders.py` and
`cases/encoder_decoders.py` for which there are.
"""

import fnmatch
import sys
import time
from pathlib import Path

import torch
from cases import decoders, encoder_decoders, encoders
from cases.making import make


def main(out, *names):
    torch.set_num_threads(1)
    cases = [*decoders.cases(), *encoders.cases(), *encoder_decoders.cases()]
    wanted = [one for one in cases if not names or any(fnmatch.fnmatch(one.name, name) for name in names)]
    if not wanted:
        sys.exit(f"No case is called {' or '.join(names)}.")
    refused = 0
    for one in wanted:
        begun = time.monotonic()
        try:
            report = make(one, Path(out))
            print(f"{one.name}: {report}, {time.monotonic() - begun:.1f} s", flush=True)
        except Exception as refusal:
            refused += 1
            print(f"{one.name}: REFUSED, {type(refusal).__name__}: {refusal}", flush=True)
    sys.exit(1 if refused else 0)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    main(*sys.argv[1:])
