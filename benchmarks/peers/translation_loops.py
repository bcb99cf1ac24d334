"""Bare training loops over the run's own batches, metered: our step, a tuned model's, a plain model's; and the
machine's matrix products.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from translation_corpus import experiment, shape
from translation_meter import Meter, peak_mb, the_line
from tuned_transformer import PlainTransformer, TunedTransformer


def main() -> None:
    given = json.loads(sys.argv[1])
    torch.set_num_threads(given["threads"])
    torch.manual_seed(given["seed"])
    if given["loop"] == "products":
        _products()
        return
    found = experiment(given["sets"], cache=Path(given["cache"]))
    program = found.build()
    batches: Iterator[Any] = iter(found.batches(stop=10**6))
    if given["loop"] == "plain":
        model: Any = PlainTransformer(**shape(program))
        _train(model, _teacher_forced(model), _at_random(batches))
        return
    from seqspec.runtime.devices.machine import keep_freed_memory

    keep_freed_memory()
    if given["loop"] == "ours":
        model = program.model.train()
        _train(model, lambda batch: model.loss(batch, program.criterion).total, batches)
    else:
        model = TunedTransformer(**shape(program))
        _train(model, _teacher_forced(model), batches)


def _teacher_forced(model: Any) -> Callable[[Any], Any]:
    def loss(batch: Any) -> Any:
        inputs = torch.nn.functional.pad(batch.target, (1, 0), value=2)
        labels = torch.nn.functional.pad(batch.target, (0, 1)).scatter(1, batch.target_lengths[:, None], 3)
        return model.loss(batch.source, batch.source_lengths, inputs, labels)

    return loss


def _train(model: Any, loss: Callable[[Any], Any], batches: Iterator[Any]) -> None:
    meter = Meter()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, betas=(0.9, 0.98), fused=True)
    for batch in batches:
        targets = int(batch.target_lengths.sum()) + len(batch.index)
        cells = batch.source.numel() + batch.target.numel() + len(batch.index)
        meter.saw(targets=targets, real=int(batch.source_lengths.sum()) + targets, cells=cells)
        optimizer.zero_grad(set_to_none=True)
        (loss(batch) / batch.loss_normalizer).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()


def _at_random(batches: Iterator[Any], *, pool: int = 12) -> Iterator[Any]:
    """The pairs of a pool of batches dealt out at random, as many batches as before, padded to the longest."""
    generator = torch.Generator().manual_seed(0)
    while chosen := [batch for _, batch in zip(range(pool), batches, strict=False)]:
        pairs = [
            (b.source[i, : b.source_lengths[i]], b.target[i, : b.target_lengths[i]])
            for b in chosen
            for i in range(len(b.index))
        ]
        order = torch.randperm(len(pairs), generator=generator).tolist()
        for number, batch in enumerate(chosen):
            yield _padded(batch, [pairs[place] for place in order[number :: len(chosen)]])


def _padded(batch: Any, rows: list[Any]) -> Any:
    source, target = ([row[side] for row in rows] for side in (0, 1))
    return batch._replace(
        source=torch.nn.utils.rnn.pad_sequence(source, batch_first=True),
        source_lengths=torch.tensor([len(x) for x in source]),
        target=torch.nn.utils.rnn.pad_sequence(target, batch_first=True),
        target_lengths=torch.tensor([len(x) for x in target]),
        index=torch.arange(len(rows)),
    )


def _products() -> None:
    """Operations a CPU second and a second of a square product, the best of twenty."""
    line, a = the_line(), torch.randn(1024, 1024)
    line.say(peak_mb=peak_mb())
    while not line.hear().get("stop"):
        cpu, wall = [], []
        for _ in range(20):
            began = time.process_time(), time.perf_counter()
            a @ a
            cpu.append(time.process_time() - began[0])
            wall.append(time.perf_counter() - began[1])
        work = 2 * 1024**3
        line.say(per_cpu=work / min(cpu), per_wall=work / min(wall))


if __name__ == "__main__":
    main()
