"""Layouts of large splits, kept in the cache: making one costs time in proportion to the split, opening one
does not.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryFile

import numpy as np

from seqspec.data.batching.lanes import Lanes
from seqspec.data.batching.layout import Layout, make_layout
from seqspec.data.batching.mixing import mixture_of
from seqspec.data.stages.examples import Split
from seqspec.data.stages.packing import PackedSplit
from seqspec.data.stages.parts import DataParts
from seqspec.data.store.cache import Cache
from seqspec.data.store.store import Column, Ragged, Store, StoreWriter, ragged

LARGE = 500_000
"""Examples from which a layout is worth a place on disk."""


def stored_layout(split: Split | PackedSplit, parts: DataParts) -> Layout:
    """The layout of a split for training: from the cache that the split lies in, where it is large."""
    config = parts.config.batch
    measured = config.measured(split.roles)
    rate, lengths = split.rates.get(measured or ""), split.sides(measured)
    if isinstance(split, PackedSplit) and split.lanes is not None:
        return Lanes(len(split), split.lanes).layout()
    if isinstance(split, PackedSplit):
        return make_layout(lengths, config)
    if len(split) < LARGE or parts.config.source.component == ("adapter", "mix"):
        mixture = mixture_of(split, parts.config.source)
        return make_layout(lengths, config, frames_per_second=rate, mixture=mixture)

    def build(folder: Path) -> None:
        with TemporaryFile(dir=folder) as file:
            out = np.memmap(file, np.int32, "w+", shape=len(split))
            _write(folder, make_layout(lengths, config, frames_per_second=rate, out=out))

    index = split.index.folder
    key = {"index": index.name, "batch": config.model_dump(mode="json", exclude={"workers"}), "rate": rate}
    return _read(Cache(index.parents[1]).store("layout", key, build))


def _write(folder: Path, layout: Layout) -> None:
    """Row 0 holds the examples and the cells, each further row the bounds of one phase."""
    rows = [layout.cells, *layout.cuts]
    examples = Ragged(layout.examples, np.array([len(layout.examples), *(0 for _ in layout.cuts)]))
    with StoreWriter(folder, {"examples": Column("int32"), "bounds": Column("int64")}) as writer:
        if not writer.resumed:
            writer.append({"examples": examples, "bounds": ragged(rows, "int64")})
            writer.commit()


def _read(store: Store) -> Layout:
    cells, *cuts = (store.row("bounds", row) for row in range(store.rows))
    return Layout(store.row("examples", 0), cells, tuple(cuts))
