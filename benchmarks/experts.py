"""A layer of experts against the plain layer of equal arithmetic: forward and backward pass, in turns.

python benchmarks/experts.py                       16 experts, top 2, each half as wide as the plain layer
python benchmarks/experts.py --router switch --dim 512

Peak memory is of a process for each: the most that it held, and above what it held before its first pass: activations,
gradients and what the backward pass makes beside them.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

sys.path.insert(0, str(Path(__file__).parent))

from harness.process_memory import OPTION, memory_of, memory_of_each

from seqspec.components._layers.feed_forward import FeedForward
from seqspec.components.feed_forward.experts import Experts
from seqspec.runtime.devices.machine import keep_freed_memory
from seqspec.schema.catalogue import Catalogue
from seqspec.schema.types import States

CONTENDERS = ("plain", "experts")


def main() -> None:
    """Prints the medians in CPU milliseconds and their ratio, a JSON line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--router", default="top_two")
    parser.add_argument("--experts", type=int, default=16)
    parser.add_argument("--dim", type=int, default=256)
    parser.add_argument("--rows", type=int, default=32, help="sequences of 64 positions")
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument(OPTION, choices=CONTENDERS, help=argparse.SUPPRESS)
    given = parser.parse_args()
    torch.set_num_threads(1)
    keep_freed_memory()
    torch.manual_seed(0)
    if given.memory_of:
        once = _contender(given.memory_of, given)
        print(json.dumps(memory_of(lambda: [once() for _ in range(3)])))
        return
    contenders = {name: _contender(name, given) for name in CONTENDERS}
    times: dict[str, list[float]] = {name: [] for name in contenders}
    for number in range(given.rounds):
        for name in CONTENDERS[:: 1 if number % 2 == 0 else -1]:
            times[name].append(contenders[name]())
    medians = {name: statistics.median(values) for name, values in times.items()}
    ratio = medians["plain"] / medians["experts"]
    told = {name: round(1000 * value, 2) for name, value in medians.items()}
    settings = {name: value for name, value in vars(given).items() if name != "memory_of"}
    options = [part for name, value in settings.items() for part in (f"--{name}", str(value))]
    memory = memory_of_each(CONTENDERS, (__file__, *options))
    print(json.dumps({**settings, **told, "ratio": round(ratio, 3), **memory}))


def _contender(name: str, given: argparse.Namespace) -> Callable[[], float]:
    """CPU seconds of one forward and backward pass."""
    x_BTD = torch.randn(given.rows, 64, given.dim)
    if name == "plain":
        return partial(
            _timed, FeedForward(given.dim, inner=4 * given.dim, activation="relu", dropout=0.0), x_BTD
        )
    return partial(_timed, _experts(given), x_BTD, torch.ones(given.rows, 64, dtype=torch.bool))


def _experts(given: argparse.Namespace) -> Experts:
    """Experts of such a width that a position goes through as many weights as in the plain layer."""
    catalogue = Catalogue()
    routing = {"type": given.router, "num_experts": given.experts}
    keys = {"num_experts": given.experts, "activation": "relu", "dropout": 0.0, "router": routing}
    config: Any = catalogue.config("feed_forward", "experts").model_validate(
        {**keys, "inner_dim": 1}, context=catalogue
    )
    inner = round(4 * given.dim / config.router.choices)
    config = config.model_copy(update={"inner_dim": inner})
    source = States(given.dim)
    router = catalogue.module("router", given.router)(config.router, source)
    return Experts(config, source, lambda name: router)


def _timed(layer: Any, x_BTD: Tensor, *more: Tensor) -> float:
    x_BTD = x_BTD.clone().requires_grad_()
    layer.zero_grad()  # As after every step: gradients are made anew.
    start = time.process_time()
    y_BTD = layer(x_BTD, *more)
    y_BTD.backward(torch.ones_like(y_BTD))
    return time.process_time() - start


if __name__ == "__main__":
    main()
