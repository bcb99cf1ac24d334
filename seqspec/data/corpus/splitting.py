"""Cutting dev and test out of train: by the hash of ids, whole speakers, or stratified by label."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from seqspec.data.seeds import hash64, mixed
from seqspec.data.store.store import Store, blocks

if TYPE_CHECKING:
    from seqspec.schema.sections.data import Split as SplitConfig

PLACES = {"train": 0, "dev": 1, "test": 2}


def cut(records: Store, config: SplitConfig, *, label_role: str | None) -> np.ndarray:
    """For each row of the training records 0, 1 or 2: it stays, or goes to dev or to test.

    A row's place depends on its own id (speaker) only, so more rows move no row; ``label`` gives each label
    its exact share.
    """
    if config.by == "label":
        ids = mixed(np.asarray(records.values("id_hash")), seed=config.seed)
        return _by_rank(np.asarray(records.values(f"{label_role}_hash")), ids, config)
    places = np.empty(records.rows, np.uint8)
    for start, stop in blocks(records.rows):
        hashes = _hashes_of(records, config.by, start, stop)
        places[start:stop] = _by_share(mixed(hashes, seed=config.seed), config)
    return places


def _by_share(hashes: np.ndarray, config: SplitConfig) -> np.ndarray:
    share = hashes / 2.0**64
    places = np.zeros(len(hashes), np.uint8)
    places[share < config.dev + config.test] = PLACES["test"]
    places[share < config.dev] = PLACES["dev"]
    return places


def _by_rank(labels: np.ndarray, hashes: np.ndarray, config: SplitConfig) -> np.ndarray:
    """Within each label, the rows with the smallest hashes go to dev, the next to test."""
    order = np.lexsort((hashes, labels))
    _, starts, counts = np.unique(labels[order], return_index=True, return_counts=True)
    rank = np.arange(len(order)) - np.repeat(starts, counts)
    dev = np.repeat(np.rint(counts * config.dev), counts)
    test = np.repeat(np.rint(counts * (config.dev + config.test)), counts)
    places = np.zeros(len(order), np.uint8)
    places[order] = np.where(rank < dev, PLACES["dev"], np.where(rank < test, PLACES["test"], 0))
    return places


def _hashes_of(records: Store, by: Literal["hash", "speaker"], start: int, stop: int) -> np.ndarray:
    if by == "hash":
        return np.asarray(records.values("id_hash")[start:stop])
    speakers = records.texts("speaker", start, stop)
    hashes = (hash64(name.encode("utf-8", "surrogatepass")) for name in speakers)
    return np.fromiter(hashes, np.uint64, stop - start)
