"""A layer of experts against the plain layer of equal arithmetic: forward and backward pass, in turns.

python benchmarks/experts.py                       16 experts, top 2, each half as wide as the plain layer
python benchmarks/experts.py --router switch --dim 512
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from typing import Any

import torch
from torch import Tensor

from seqspec.components._layers.feed_forward import FeedForward
from seqspec.components.feed_forward.experts import Experts
from seqspec.schema.catalogue import Catalogue
from seqspec.schema.types import States


def main() -> None:
    """Prints the medians in CPU milliseconds and their ratio, a JSON line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--router", default="top_two")
    parser.add_argument("--experts", type=int, default=16)
    parser.add_argument("--dim", type=int, default=256)
    parser.add_argument("--rows", type=int, default=32, help="sequences of 64 positions")
    parser.add_argument("--rounds", type=int, default=20)
    given = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    plain = FeedForward(given.dim, inner=4 * given.dim, activation="relu", dropout=0.0)
    mixed = _experts(given)
    real_BT = torch.ones(given.rows, 64, dtype=torch.bool)
    x_BTD = torch.randn(given.rows, 64, given.dim)
    times: dict[str, list[float]] = {"plain": [], "experts": []}
    for _ in range(given.rounds):
        times["plain"].append(_timed(plain, x_BTD))
        times["experts"].append(_timed(mixed, x_BTD, real_BT))
    medians = {name: statistics.median(values) for name, values in times.items()}
    ratio = medians["plain"] / medians["experts"]
    told = {name: round(1000 * value, 2) for name, value in medians.items()}
    print(json.dumps({**vars(given), **told, "ratio": round(ratio, 3)}))


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
