"""How fast batches come, and how much of them is padding: text and speech, beside a plain DataLoader.

    python benchmarks/loader.py                                 synthetic corpora
    python benchmarks/loader.py --text FOLDER --speech FOLDER   train.ja and train.en; LibriSpeech's layout

The plain loader reads the same prepared examples in random order, takes as many a batch as ours on average,
and pads them with torch's ``pad_sequence``.  CPU time of this process, median of three passes in both orders;
one JSON line a corpus.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

MOST_BATCHES = 200


def text_parts(root: Path | None) -> Any:
    """A translation experiment's data part."""
    source: dict[str, Any] = {"type": "bitext", "source_language": "ja", "target_language": "en"}
    source |= {"splits": {"train": "train"}, **({"root": str(root)} if root else {"synthetic": 20_000})}
    pipelines = {"source": {"tokenizer": "characters"}, "target": {"tokenizer": "words"}}
    return built({"source": source, "text": pipelines, "batch": {"unit": "tokens", "size": 4096.0}})


def speech_parts(root: Path | None, *, cached: bool) -> Any:
    """A recogniser's data part."""
    source: dict[str, Any] = {"type": "librispeech", "parts": {"train": ["train-clean-100"]}}
    source |= {"root": str(root)} if root else {"synthetic": 400}
    audio = {"features": "log_mel", "cache_gigabytes": 8.0 if cached else 0.0}
    text = {"target": {"tokenizer": "characters"}}
    filters = {"max_seconds": 30.0}
    batch = {"unit": "seconds", "size": 60.0}
    return built({"source": source, "text": text, "audio": audio, "filter": filters, "batch": batch})


def built(data: dict[str, Any]) -> Any:
    """The parts of a ``data`` tree, built as the compiler would."""
    from seqspec.data.stages.parts import DataParts
    from seqspec.data.text.text_pipeline import TextProcessor
    from seqspec.schema.catalogue import Catalogue
    from seqspec.schema.sections.data import Data

    catalogue = Catalogue()
    config: Any = Data.model_validate(data, context=catalogue)
    roles = config.source.roles()

    def make(slot: str, node: Any, source: Any) -> Any:
        return catalogue.module(slot, node.component[1])(node, source)

    text = {
        role: TextProcessor(tokenizer=make("tokenizer", getattr(config.text, role).tokenizer, roles[role]))
        for role in roles
        if getattr(config.text, role) is not None
    }
    feature = make("feature", config.audio.features, roles["source"]) if config.audio else None
    adapter = make("adapter", config.source, None)
    return DataParts(config=config, adapter=adapter, roles=roles, text=text, feature=feature, seed=1)


def ours(prepared: Any, *, batches: int, workers: int) -> Iterable[Any]:
    """The training loader."""
    from seqspec.data.batching.loader import training_loader

    return training_loader(prepared.parts, prepared.splits["train"], stop=batches, workers=workers)


def plain(prepared: Any, *, size: int, batches: int) -> Iterable[Any]:
    """Shuffled examples, padded by ``pad_sequence``."""
    import numpy as np
    import torch
    from torch.nn.utils.rnn import pad_sequence
    from torch.utils.data import DataLoader

    split = prepared.splits["train"]
    kinds = {role: np.int64 if role in split.ids else np.float32 for role in split.roles}
    order = list(range(len(split)))
    random.Random(1).shuffle(order)
    order = (order * (1 + size * batches // len(order)))[: size * batches]

    def collate(rows: list[int]) -> Any:
        sides = [
            [torch.from_numpy(np.array(split.value(role, row), kinds[role])) for row in rows]
            for role in split.roles
        ]
        lengths = [[len(value) for value in side] for side in sides]
        return [pad_sequence(side, batch_first=True) for side in sides], lengths

    return DataLoader(order, batch_size=size, collate_fn=collate)


def drain(loader: Iterable[Any], measure: Callable[[Any], tuple[int, int]]) -> dict[str, float]:
    """CPU and wall seconds of one pass, and what was in the batches."""
    real = cells = count = 0
    wall, cpu = time.perf_counter(), time.process_time()
    for batch in loader:
        held, padded = measure(batch)
        real, cells, count = real + held, cells + padded, count + 1
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return {"real": real, "cells": cells, "batches": count, "wall": wall, "cpu": cpu}


def of_ours(batch: Any) -> tuple[int, int]:
    """Ids and frames, without and with padding."""
    real = int(batch.source_lengths.sum() + batch.target_lengths.sum())
    return real, batch.source.shape[0] * (batch.source.shape[1] + batch.target.shape[1])


def of_plain(batch: Any) -> tuple[int, int]:
    """The same of a plain batch."""
    tensors, lengths = batch
    return sum(map(sum, lengths)), sum(tensor.shape[0] * tensor.shape[1] for tensor in tensors)


def compare(name: str, prepared: Any, *, workers: int) -> dict[str, Any]:
    """Both loaders in turn, three times, in both orders."""
    from seqspec.data.batching.loader import training_order

    split = prepared.splits["train"]
    order = training_order(prepared.parts, split)
    batches = min(order.batches(0), MOST_BATCHES)
    size = max(1, len(split) // order.batches(0))
    loaders: dict[str, tuple[Callable[[], Iterable[Any]], Callable[[Any], tuple[int, int]]]] = {
        "ours": (lambda: ours(prepared, batches=batches, workers=0), of_ours),
        "plain": (lambda: plain(prepared, size=size, batches=batches), of_plain),
    }
    if workers:
        loaders[f"ours_{workers}_workers"] = (
            lambda: ours(prepared, batches=batches, workers=workers),
            of_ours,
        )
    passes: dict[str, list[dict[str, float]]] = {label: [] for label in loaders}
    for turn in range(3):
        for label in sorted(loaders, reverse=bool(turn % 2)):
            make, measure = loaders[label]
            passes[label].append(drain(make(), measure))
    return {
        "corpus": name,
        "examples": len(split),
        **{label: summary(held) for label, held in passes.items()},
    }


def summary(passes: list[dict[str, float]]) -> dict[str, float]:
    """Medians."""
    first = passes[0]
    cpu = statistics.median(one["cpu"] for one in passes)
    wall = statistics.median(one["wall"] for one in passes)
    return {
        "padding": round(1 - first["real"] / first["cells"], 4),
        "cpu_milliseconds_a_batch": round(cpu / first["batches"] * 1e3, 3),
        "wall_milliseconds_a_batch": round(wall / first["batches"] * 1e3, 3),
        "ids_or_frames_a_cpu_second": round(first["real"] / max(cpu, 1e-9)),
    }


def main() -> None:
    """Measure text, speech from the cache, and speech from files."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--text", type=Path, help="folder with train.ja and train.en")
    parser.add_argument("--speech", type=Path, help="folder that holds LibriSpeech/train-clean-100")
    parser.add_argument("--cache", type=Path, help="where prepared data go; left out, a folder of their own")
    parser.add_argument("--workers", type=int, default=1, help="loader processes of the third row")
    given = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    import torch

    from seqspec.data.stages.prepare import prepare

    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        cache = given.cache or Path(folder)
        for name, parts in (
            ("text", text_parts(given.text)),
            ("speech, cached frames", speech_parts(given.speech, cached=True)),
            ("speech, from files", speech_parts(given.speech, cached=False)),
        ):
            prepared = prepare(parts, cache=cache, splits=["train"], processes=1)
            print(json.dumps(compare(name, prepared, workers=given.workers)), flush=True)


if __name__ == "__main__":
    main()
