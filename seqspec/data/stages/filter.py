"""Filters: which rows are left out, each under one reason, worked out from lengths and hashes alone."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING

import numpy as np

from seqspec.data.store.store import blocks

if TYPE_CHECKING:
    from seqspec.schema.data import Filter


def refusals(
    config: Filter, lengths: np.ndarray, *, frames_per_second: float | None
) -> Iterator[tuple[str, np.ndarray]]:
    """Reason and mask of the rows that it takes out; ``lengths`` are ``[N, 2]``, source and target."""
    source, target = lengths[:, 0], lengths[:, 1]
    if frames_per_second is not None:
        seconds = source / frames_per_second
        if config.min_seconds is not None:
            yield f"shorter than {config.min_seconds:g} s", seconds < config.min_seconds
        if config.max_seconds is not None:
            yield f"longer than {config.max_seconds:g} s", seconds > config.max_seconds
    for side, counts in (("source", source), ("target", target)):
        least = getattr(config, f"min_{side}_tokens")
        most = getattr(config, f"max_{side}_tokens")
        if least is not None:
            yield f"{side} shorter than {least} tokens", counts < least
        if most is not None:
            yield f"{side} longer than {most} tokens", counts > most
    if config.max_length_ratio is not None:
        longer, shorter = np.maximum(source, target), np.minimum(source, target)
        yield (
            f"one side over {config.max_length_ratio:g} times the other",
            longer > config.max_length_ratio * shorter,
        )


def repeated(hashed: Iterable[tuple[np.ndarray, np.ndarray]], *, rows: int, folder: Path) -> np.ndarray:
    """True for each of ``rows`` rows that stood before.

    ``hashed`` are numbers and hashes of the rows that count, in order.  Equal hashes come to stand in one of
    several files in ``folder``, so that memory holds a part of them at a time.
    """
    count = max(1, sum(1 for _ in blocks(rows)))
    mask = np.zeros(rows, bool)
    with contextlib.ExitStack() as stack:
        files = [stack.enter_context(TemporaryFile(dir=folder)) for _ in range(count)]
        for numbers, hashes in hashed:
            place = hashes % np.uint64(count)
            for number, file in enumerate(files):
                chosen = place == number
                held = np.empty(int(chosen.sum()), _SEEN)
                held["row"], held["hash"] = numbers[chosen], hashes[chosen]
                file.write(held.tobytes())
        for file in files:
            file.seek(0)
            held = np.frombuffer(file.read(), _SEEN)
            first = np.unique(held["hash"], return_index=True)[1]
            again = np.ones(len(held), bool)
            again[first] = False
            mask[held["row"][again]] = True
    return mask


_SEEN = np.dtype([("hash", "<u8"), ("row", "<i8")])
