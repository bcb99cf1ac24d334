"""Filters: which rows are left out, each under one reason, worked out from the length index alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

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


def repeated(hashes: np.ndarray) -> np.ndarray:
    """True for each row that stood before."""
    _, first = np.unique(hashes, return_index=True)
    mask = np.ones(len(hashes), bool)
    mask[first] = False
    return mask
