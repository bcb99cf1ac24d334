"""Adapters whose records are worked out where no folder holds them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import TypeVar

from seqspec.data.corpus.adapter import Adapter, synthetic_count
from seqspec.data.corpus.record import BadRow, Record
from seqspec.schema.adapter._adapter import AdapterConfig

C = TypeVar("C", bound=AdapterConfig, covariant=True)

NOWHERE = Path(os.devnull)
"""The folder of a corpus that has none."""


class Generated(Adapter[C]):
    """Without ``root``, each example is a pure function of the config, the split and its index."""

    @cached_property
    def root(self) -> Path:
        """The folder where one is named; examples are generated where none is."""
        return NOWHERE if self.config.root is None else super().root

    def files(self, split: str) -> Iterator[Path]:
        if self.root != NOWHERE:
            yield self.found((self.file(split),), split)[0]

    def examples(self, split: str) -> Iterator[Record | BadRow]:
        if self.root != NOWHERE:
            yield from self.read(split)
            return
        for index in range(self.count(split)):
            yield {"id": f"{split}:{index}", **self.example(split, index, seed=self.seed)}

    def file(self, split: str) -> str:
        """Name of the file below ``root`` that holds a split."""
        return f"{split}.tsv"

    def count(self, split: str) -> int:
        """Examples of a split that are generated."""
        raise NotImplementedError

    @property
    def seed(self) -> int:
        """What decides the examples that are generated."""
        raise NotImplementedError

    def example(self, split: str, index: int, *, seed: int) -> dict[str, str]:
        """The values of one example."""
        raise NotImplementedError

    def read(self, split: str) -> Iterator[Record | BadRow]:
        """The records of a split as the files below ``root`` hold them."""
        raise NotImplementedError

    def written(self, split: str, *, count: int, seed: int) -> Iterator[dict[str, str]]:
        """The examples of a synthetic corpus, which are the first of those that would be generated."""
        for index in range(synthetic_count(split, count)):
            yield self.example(split, index, seed=seed + self.seed)
