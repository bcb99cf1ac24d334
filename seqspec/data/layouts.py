"""Layouts of large splits, kept in the cache: making one costs time in proportion to the split, opening one
does not.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from seqspec.data.cache import Cache
from seqspec.data.examples import Split
from seqspec.data.layout import Layout, make_layout
from seqspec.data.pack import PackedSplit
from seqspec.data.store import Column, Ragged, Store, StoreWriter

if TYPE_CHECKING:
    from seqspec.schema.data import Batch

LARGE = 500_000
"""Examples from which a layout is worth a place on disk."""


def stored_layout(split: Split | PackedSplit, config: Batch) -> Layout:
    """The layout of a split: from the cache that the split lies in, where it is large."""
    if isinstance(split, PackedSplit) or len(split) < LARGE:
        return make_layout(split.lengths, config, frames_per_second=split.frames_per_second)

    def build(folder: Path) -> None:
        layout = make_layout(split.lengths, config, frames_per_second=split.frames_per_second)
        _write(folder, layout)

    index = split.index.folder
    parts = {
        "index": index.name,
        "batch": config.model_dump(mode="json", exclude={"workers"}),
        "rate": split.frames_per_second,
    }
    return _read(Cache(index.parents[1]).store("layout", parts, build))


def _write(folder: Path, layout: Layout) -> None:
    arrays = [layout.examples.astype(np.int64), layout.cells, *layout.cuts]
    lengths = np.array([len(array) for array in arrays], np.int64)
    with StoreWriter(folder, {"layout": Column("int64")}) as writer:
        writer.append({"layout": Ragged(np.concatenate(arrays), lengths)})
        writer.commit()


def _read(store: Store) -> Layout:
    examples, cells, *cuts = (store.row("layout", row) for row in range(store.rows))
    return Layout(examples, cells, tuple(cuts))
