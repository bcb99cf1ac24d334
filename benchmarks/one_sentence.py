"""One sentence at a time: a run's own search beside CTranslate2 in float32, the same weights and stopping rule.

    CT2_USE_MKL=1 python benchmarks/one_sentence.py RUN INPUTS.txt --repeats 5 --engine compiled

CPU milliseconds a sentence, medians of turns in which both answer every line, each first in every other turn.
``CT2_USE_MKL=1``, which the engine sets itself, is what int8 needs on a processor of AMD; with ``CT2_USE_MKL=0`` CTranslate2
multiplies by oneDNN, which is faster there in float32.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from pathlib import Path
from statistics import median


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run", type=Path)
    parser.add_argument("inputs", type=Path)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--engine", choices=("torch", "compiled"), default="torch", help="ours")
    parser.add_argument("--lines", type=int, default=40)
    parser.add_argument("--set", action="append", default=[], help="as for `seqspec run`, for both")
    asked = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"
    from seqspec.compile.resolve.overlay import Overlay
    from seqspec.runtime.devices.launch import Launch
    from seqspec.runtime.prediction.opening import interactive, open_predictor

    lines = asked.inputs.read_text(encoding="utf-8").splitlines()[: asked.lines]
    over = [Overlay.set(one) for one in ("evaluate.search.stop=after_n_finished", *asked.set)]
    launch = Launch(device="cpu", threads=1)
    each = {
        engine: interactive(open_predictor(asked.run, launch=launch, engine=engine, over=over)).predictor
        for engine in (asked.engine, "ctranslate2")
    }
    answers = {name: [_best(one) for one in predictor(lines)] for name, predictor in each.items()}
    spent: dict[str, list[float]] = {name: [] for name in each}
    for turn in range(asked.repeats):
        for name in sorted(each, reverse=bool(turn % 2)):
            begun = time.process_time()
            list(each[name](lines))
            spent[name].append(1e3 * (time.process_time() - begun) / len(lines))
    ratios = [theirs / ours for ours, theirs in zip(spent[asked.engine], spent["ctranslate2"], strict=True)]
    same = sum(a == b for a, b in zip(*answers.values(), strict=True)) / len(lines)
    told = {f"{name}_ms": round(median(times), 2) for name, times in spent.items()}
    print(json.dumps({**told, "of_ctranslate2": round(median(ratios), 3), "same_answers": round(same, 3)}))


def _best(prediction: object) -> str:
    hypotheses = prediction.hypotheses  # type: ignore[attr-defined]
    return hypotheses[0].text if hypotheses else ""


if __name__ == "__main__":
    main()
