"""What tokenizers share whose vocabulary is every symbol of the training text."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Any, Generic, TypeVar

from seqspec.components.tokenizer import _vocabulary
from seqspec.components.tokenizer._table import Table
from seqspec.schema.tokenizer.characters import CharactersConfig
from seqspec.schema.tokenizer.words import WordsConfig
from seqspec.schema.types import Type

C = TypeVar("C", bound=CharactersConfig | WordsConfig)


class LearnedSymbols(ABC, Generic[C]):
    """Ids in order of frequency."""

    trainable = True
    separator: str
    """What stands between symbols in decoded text."""

    def __init__(self, config: C, source: Type) -> None:
        self.config = config
        self.min_count, self.max_size = config.min_count, config.max_size
        self._artifact: bytes | None = None
        self._table = Table(())

    @abstractmethod
    def cut(self, text: str) -> Sequence[str]:
        """The symbols of a text."""

    @abstractmethod
    def offsets(self, text: str) -> list[tuple[int, int]]:
        """The span of each id of ``encode(text)``."""

    def train(self, texts: Iterable[str]) -> bytes:
        """Count and choose; gives the artifact and takes it."""
        return self.learn([self.count(texts)])

    def count(self, texts: Iterable[str]) -> Counter[str]:
        """How often each symbol stands."""
        return Counter(chain.from_iterable(map(self.cut, texts)))

    def learn(self, counts: Iterable[Counter[str]]) -> bytes:
        """Choose by the sum of the counts; gives the artifact and takes it."""
        total: Counter[str] = Counter()
        for one in counts:
            total.update(one)
        symbols = _vocabulary.choose(total, min_count=self.min_count, max_size=self.max_size)
        artifact = _vocabulary.dump(symbols)
        self.load(artifact)
        return artifact

    def load(self, artifact: bytes) -> None:
        """Take the vocabulary that ``train`` gave."""
        self._table = Table(_vocabulary.parse(artifact), separator=self.separator)
        self._artifact = artifact

    @property
    def vocab_size(self) -> int:
        """Ids in all."""
        return self._loaded().size

    def encode(self, text: str) -> list[int]:
        """One id a symbol."""
        return self._loaded().encode(self.cut(text))

    def encode_batch(self, texts: Sequence[str]) -> list[list[int]]:
        """Ids of many texts."""
        return [self.encode(text) for text in texts]

    def decode(self, ids: Sequence[int]) -> str:
        """Text of ids."""
        return self._loaded().decode(ids)

    def pieces(self, ids: Sequence[int]) -> list[str]:
        """The symbols of ids."""
        return [self._loaded().piece(id) for id in ids]

    def fingerprint(self) -> dict[str, Any]:
        """Settings and the vocabulary's hash."""
        return _vocabulary.fingerprint(self.config, self._artifact)

    def _loaded(self) -> Table:
        if self._artifact is None:
            raise RuntimeError("the vocabulary is neither trained nor loaded")
        return self._table
