"""What tokenizers share that hand their texts to a library's model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Generic, Protocol, TypeVar


class Model(Protocol):
    """What is asked of the model."""

    @property
    def size(self) -> int:
        """Ids in all."""

    def encode(self, text: str) -> list[int]:
        """Ids of a text."""

    def encode_batch(self, texts: Sequence[str]) -> list[list[int]]:
        """Ids of many texts."""

    def decode(self, ids: Sequence[int]) -> str:
        """Text of ids."""

    def pieces(self, ids: Sequence[int]) -> list[str]:
        """The pieces of ids."""

    def offsets(self, text: str) -> list[tuple[int, int]]:
        """The span of each id of ``encode(text)``, in code points."""


M = TypeVar("M", bound=Model)


class ByModel(Generic[M]):
    """Nothing but ``train`` and ``load`` can be asked before one of them was."""

    trainable = True

    def __init__(self) -> None:
        self._model: M | None = None

    @property
    def vocab_size(self) -> int:
        """Ids in all."""
        return self._loaded().size

    def encode(self, text: str) -> list[int]:
        """Ids of a text."""
        return self._loaded().encode(text)

    def encode_batch(self, texts: Sequence[str]) -> list[list[int]]:
        """Ids of many texts."""
        return self._loaded().encode_batch(texts)

    def decode(self, ids: Sequence[int]) -> str:
        """Text of ids; special ones leave nothing behind."""
        return self._loaded().decode(ids)

    def pieces(self, ids: Sequence[int]) -> list[str]:
        """The pieces of ids."""
        return self._loaded().pieces(ids)

    def offsets(self, text: str) -> list[tuple[int, int]]:
        """The span of each id of ``encode(text)``, in code points."""
        return self._loaded().offsets(text)

    def _loaded(self) -> M:
        if self._model is None:
            raise RuntimeError("the tokenizer is neither trained nor loaded")
        return self._model
