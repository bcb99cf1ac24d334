"""What the checks look at: prepared splits, as far as ``limit`` examples of each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from seqspec.data.batching.cached_layouts import stored_layout
from seqspec.data.batching.layout import Layout
from seqspec.data.batching.order import Order
from seqspec.data.stages.examples import Split
from seqspec.data.stages.packing import PackedSplit
from seqspec.data.stages.parts import DataParts
from seqspec.data.stages.prepare import Prepared
from seqspec.data.store.store import blocks
from seqspec.schema.types import Classes, Image, Scalar, Text, Type, Waveform

BLOCK = 4096
"""Texts that are read at once."""


@dataclass(frozen=True)
class Subject:
    """Prepared data with what several checks ask of them."""

    prepared: Prepared
    limit: int = 200_000
    """Texts, utterances or images of one split that are read; counts that need no reading cover
    everything.
    """

    @property
    def parts(self) -> DataParts:
        """The built data part."""
        return self.prepared.parts

    @cached_property
    def splits(self) -> dict[str, Split]:
        """The splits that are there, train first."""
        found = {}
        for name in sorted(self.prepared.dropped, key=lambda name: (name != "train", name)):
            split = self.prepared.splits[name]
            found[name] = split.texts if isinstance(split, PackedSplit) else split
        return found

    @property
    def train(self) -> Split:
        """The training split."""
        return self.splits["train"]

    @property
    def roles(self) -> Mapping[str, Type]:
        """What the records hold."""
        return self.parts.roles

    def roles_of(self, *kinds: type[Type]) -> list[str]:
        """The roles that hold one of these."""
        return [role for role, type_ in self.roles.items() if isinstance(type_, kinds)]

    @property
    def text_roles(self) -> list[str]:
        """Roles of text."""
        return self.roles_of(Text)

    @property
    def label_roles(self) -> list[str]:
        """Roles of labels."""
        return self.roles_of(Classes)

    @property
    def value_roles(self) -> list[str]:
        """Roles whose values many examples share: labels and numbers."""
        return self.roles_of(Classes, Scalar)

    @property
    def audio_roles(self) -> list[str]:
        """Roles of sound."""
        return self.roles_of(Waveform)

    @property
    def image_roles(self) -> list[str]:
        """Roles of images."""
        return self.roles_of(Image)

    def language(self, role: str) -> str:
        """The language code of a text role."""
        type_ = self.roles[role]
        assert isinstance(type_, Text)
        return type_.language

    def seen(self, split: Split) -> range:
        """The examples of a split that are read."""
        return range(min(len(split), self.limit))

    def texts(self, split: Split, role: str) -> Iterator[str]:
        """Texts of a role, as far as they are read."""
        for start, stop in blocks(len(self.seen(split)), BLOCK):
            rows = split.rows[start:stop].tolist()
            if rows[-1] - rows[0] > 2 * len(rows):  # most rows are another split's
                yield from (split.records.text(role, row) for row in rows)
                continue
            held = split.records.texts(role, rows[0], rows[-1] + 1)
            yield from (held[row - rows[0]] for row in rows)

    def hashes(self, split: Split, role: str) -> np.ndarray:
        """The fingerprints of a role of every example of a split; of what follows from another field, that
        field's.
        """
        role = getattr(self.roles[role], "of", role)
        found: np.ndarray = np.asarray(split.records.values(f"{role}_hash"))[np.asarray(split.rows)]
        return found

    @cached_property
    def order(self) -> Order:
        """The order of training."""
        config = self.parts.config.batch
        return Order(self.layout, seed=self.parts.seed, shuffle=config.shuffle)

    @cached_property
    def layout(self) -> Layout:
        """The layout of the training split."""
        return stored_layout(self.prepared.splits["train"], self.parts)

    @property
    def root(self) -> Path:
        """The corpus folder."""
        found: Path = self.parts.adapter.root
        return found

    def steps(self, role: str) -> Any:
        """The text steps of a role."""
        return self.parts.text[role]


def spread(values: np.ndarray) -> dict[str, float]:
    """Least, median, high quantiles and greatest of some numbers."""
    if not len(values):
        return {}
    points = np.quantile(values, [0, 0.5, 0.95, 0.99, 1])
    return dict(zip(("min", "p50", "p95", "p99", "max"), (round(float(p), 3) for p in points), strict=True))
