"""Filters: which rows are left out, each under one reason, worked out from lengths and hashes alone."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING

import numpy as np

from seqspec.data.store.store import blocks
from seqspec.schema.types import Floats, Frames, Integers, Type, Waveform, in_order

if TYPE_CHECKING:
    from seqspec.schema.sections.data import Filter, Limits


def refusals(
    config: Filter, lengths: np.ndarray, roles: Mapping[str, Type], *, rates: Mapping[str, float]
) -> Iterator[tuple[str, np.ndarray]]:
    """Reason and mask of the rows that it takes out; ``lengths`` are ``[N, K]``, ``rates`` the frames a
    second of the fields that have them.
    """
    held = dict(zip(in_order(roles), lengths.T, strict=True))
    for role, rate in rates.items():
        name = f"{role} " if len(rates) > 1 else ""
        yield from _seconds(config.limits(role), held[role] / rate, name)
    for role, counts in held.items():
        yield from _counts(config.limits(role), counts, f"{role} {{}} than {{}} {_unit(roles[role])}")
    if config.max_length_ratio is not None and {"source", "target"} <= held.keys():
        longer = np.maximum(held["source"], held["target"])
        shorter = np.minimum(held["source"], held["target"])
        yield (
            f"one side over {config.max_length_ratio:g} times the other",
            longer > config.max_length_ratio * shorter,
        )


def _seconds(limits: Limits, seconds: np.ndarray, name: str) -> Iterator[tuple[str, np.ndarray]]:
    if limits.min_seconds is not None:
        yield f"{name}shorter than {limits.min_seconds:g} s", seconds < limits.min_seconds
    if limits.max_seconds is not None:
        yield f"{name}longer than {limits.max_seconds:g} s", seconds > limits.max_seconds


def _counts(limits: Limits, counts: np.ndarray, reason: str) -> Iterator[tuple[str, np.ndarray]]:
    if limits.min is not None:
        yield reason.format("shorter", limits.min), counts < limits.min
    if limits.max is not None:
        yield reason.format("longer", limits.max), counts > limits.max


def _unit(type_: Type) -> str:
    """What the length of a field counts."""
    if isinstance(type_, Waveform | Frames):
        return "frames"
    return "values" if isinstance(type_, Integers | Floats) else "tokens"


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
