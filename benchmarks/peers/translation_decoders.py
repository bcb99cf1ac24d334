"""Our decoding, one way a process: the cached search under a stopping rule, the same search without a cache, and
CTranslate2 behind our search's settings.
"""

# B examples, N hypotheses, U target time, S source time, D width

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from translation_corpus import experiment, load_weights
from translation_meter import ids_of, serve

RULES = {
    "exact": "exact",
    "after_n_finished": "after 5 ended answers",
    "best_finished": "the best ended answer is above every open one",
}


def main() -> None:
    from seqspec.components._layers.linear import prepacked
    from seqspec.components.search.beam import Beam
    from seqspec.runtime.devices.machine import pin
    from seqspec.schema.search.beam import BeamConfig

    given = json.loads(sys.argv[1])
    pin(threads=given["threads"], exact=False)
    program = experiment(given["sets"], cache=Path(given["cache"])).build()
    load_weights(program, Path(given["run"]))
    model = program.model.eval()
    rule = given["stop"]
    config = BeamConfig(size=given["beam"], max_tokens=given["longest"], stop=rule)
    search = Beam(config, program.plan.node("model").gives)
    decode = model.decode
    if given["way"] == "no cache":
        decode = _without_cache(model)
    elif given["way"] != "ours":
        from seqspec.runtime.prediction.engines.ctranslate2 import Ctranslate2

        config = program.plan.experiment.model
        decode = Ctranslate2(model, config, arithmetic=given["way"], threads=given["threads"]).decode
    sources = [ids_of(line) for line in (Path(given["corpus"]) / "decode.source").read_text().splitlines()]
    batches = [
        _batch(sources[at : at + given["sentences"]]) for at in range(0, len(sources), given["sentences"])
    ]

    def run() -> list[list[int]]:
        return [list(best.ids) for batch in batches for best, *_ in decode(batch, search)]

    with prepacked():
        serve(run, rule=RULES[rule])


def _batch(rows: list[list[int]]) -> Any:
    from seqspec.data.batching.batch import Batch

    tensors = [torch.tensor(row) for row in rows]
    lengths = torch.tensor([len(row) for row in rows])
    source = torch.nn.utils.rnn.pad_sequence(tensors, batch_first=True)
    nothing = torch.zeros(len(rows), 0, dtype=torch.int64)
    return Batch.pair(source, lengths, nothing, torch.zeros_like(lengths), torch.arange(len(rows)), 0, 1.0)


@dataclass(frozen=True)
class Prefix:
    """All that was written; everything else is worked out anew at every step."""

    ids_NU: torch.Tensor
    memory_BSD: torch.Tensor
    lengths_B: torch.Tensor
    attention: None = None

    def select(self, rows_N: torch.Tensor) -> Prefix:
        return replace(self, ids_NU=self.ids_NU[rows_N])

    def keep(self, examples_B: torch.Tensor) -> Prefix:
        return replace(self, memory_BSD=self.memory_BSD[examples_B], lengths_B=self.lengths_B[examples_B])


def _without_cache(model: Any) -> Callable[[Any, Any], Any]:
    from seqspec.components.search._hypothesis import Continuation

    def step(ids_N: torch.Tensor, state: Prefix, *, look: bool = False) -> tuple[torch.Tensor, Prefix]:
        ids_NU = torch.cat([state.ids_NU, ids_N[:, None]], 1)
        beam = len(ids_NU) // len(state.memory_BSD)
        memory, lengths = (part.repeat_interleave(beam, 0) for part in (state.memory_BSD, state.lengths_B))
        hidden_ND = model.decoder(ids_NU, memory, lengths)[:, -1]
        return model.head(hidden_ND), replace(state, ids_NU=ids_NU)

    def decode(batch: Any, search: Any) -> Any:
        memory_BSD, lengths_B = model.encode(batch)
        count = len(lengths_B)
        empty = torch.zeros(count, 0, dtype=torch.int64)
        limits_B = torch.full((count,), torch.iinfo(torch.int64).max)
        start = Prefix(empty, memory_BSD, lengths_B)
        return search(Continuation(torch.full((count,), 2), start, step, limits_B, lengths_B, batch.index))

    return decode


if __name__ == "__main__":
    main()
