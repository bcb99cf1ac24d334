"""What characters, words and other closed vocabularies share: a table of symbols and how text is cut into
them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from seqspec.components.tokenizer._vocabulary import SPECIAL, ids_of
from seqspec.schema.types import UNK


class Cut(NamedTuple):
    """One symbol of a text and where it stands."""

    symbol: str
    start: int
    end: int


@dataclass(frozen=True)
class Table:
    """Symbols by id.  Text is cut by ``cut`` and joined by ``separator``."""

    symbols: tuple[str, ...]
    separator: str = ""
    unknown: str = "<unk>"
    """What stands in decoded text for an unknown symbol."""
    ids: dict[str, int] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "ids", ids_of(self.symbols))

    @property
    def size(self) -> int:
        """Ids in all."""
        return len(self.symbols) + len(SPECIAL)

    def encode(self, symbols: Sequence[str]) -> list[int]:
        """Ids of symbols."""
        get = self.ids.get
        return [get(symbol, UNK) for symbol in symbols]

    def piece(self, id: int) -> str:
        """The symbol of an id, special ones by their names.  Raises ``IndexError`` outside the vocabulary."""
        if not 0 <= id < self.size:
            raise IndexError(f"id {id} is outside a vocabulary of {self.size}")
        return SPECIAL[id] if id < len(SPECIAL) else self.symbols[id - len(SPECIAL)]

    def decode(self, ids: Sequence[int]) -> str:
        """Text of ids; padding, begin and end leave nothing behind."""
        kept = (
            self.unknown if id == UNK else self.piece(id) for id in ids if id == UNK or id >= len(SPECIAL)
        )
        return self.separator.join(kept)
