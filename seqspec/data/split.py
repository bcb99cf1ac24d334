"""Cutting dev and test out of train: by the hash of ids, whole speakers, or stratified by label."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from seqspec.data.seeds import hash64, mixed
from seqspec.data.store import Store

if TYPE_CHECKING:
    from seqspec.schema.data import Split as SplitConfig

PLACES = {"train": 0, "dev": 1, "test": 2}


def cut(records: Store, config: SplitConfig, *, label_role: str | None) -> np.ndarray:
    """For each row of the training records 0, 1 or 2: it stays, or goes to dev or to test.

    A row's place depends on its own id (speaker) only, so more rows move no row; ``label`` gives each label
    its exact share.
    """
    ids = np.asarray(records.values("id_hash"))
    match config.by:
        case "hash":
            return _by_share(mixed(ids, seed=config.seed), config)
        case "speaker":
            speakers = _hashes_of(records, "speaker")
            return _by_share(mixed(speakers, seed=config.seed), config)
        case "label":
            labels = np.asarray(records.values(f"{label_role}_hash"))
            return _by_rank(labels, mixed(ids, seed=config.seed), config)


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


def _hashes_of(records: Store, name: str) -> np.ndarray:
    texts = (records.text(name, row) for row in range(records.rows))
    return np.fromiter(
        (hash64(text.encode("utf-8", "surrogatepass")) for text in texts), np.uint64, records.rows
    )
