"""A trained SentencePiece model: text to ids and back, with the project's special ids."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from seqspec.components.tokenizer._pieces import encodable
from seqspec.components.tokenizer._vocabulary import SPECIAL
from seqspec.schema.diagnostic import DataError
from seqspec.schema.types import BOS, EOS, PAD, UNK

if TYPE_CHECKING:
    import sentencepiece


class SentencepieceModel:
    """Built in each process when first used; only the model's bytes travel between processes.

    A model that was trained elsewhere has special ids of its own; they become 0 to 3, and the other pieces
    follow in their order.
    """

    def __init__(self, artifact: bytes) -> None:
        self.artifact = artifact

    def __getstate__(self) -> dict[str, Any]:
        return {"artifact": self.artifact}

    @cached_property
    def processor(self) -> sentencepiece.SentencePieceProcessor:
        """The library's processor.  Raises ``DataError`` where the bytes are no model."""
        import sentencepiece

        try:
            return sentencepiece.SentencePieceProcessor(model_proto=self.artifact)
        except RuntimeError:
            help = "run `seqspec data prepare` again; a model from elsewhere is the `.model` file"
            raise DataError("the SentencePiece model is damaged", help=help, code="SQ431") from None

    @cached_property
    def _order(self) -> tuple[int, ...] | None:
        """The model's id of each of ours; ``None`` where they are the same, -1 where it lacks one."""
        held = self.processor
        special = (held.pad_id(), held.unk_id(), held.bos_id(), held.eos_id())
        if special == (PAD, UNK, BOS, EOS):
            return None
        return (*special, *(id for id in range(held.vocab_size()) if id not in special))

    @cached_property
    def _ours(self) -> tuple[int, ...]:
        """Our id of each of the model's."""
        order = self._order or ()
        found = [UNK] * self.processor.vocab_size()
        for ours, theirs in enumerate(order):
            if theirs >= 0:
                found[theirs] = ours
        return tuple(found)

    @cached_property
    def size(self) -> int:
        """Ids in all."""
        return len(self._order) if self._order is not None else int(self.processor.vocab_size())

    def encode(self, text: str) -> list[int]:
        """Ids of the best cut."""
        ids = self.processor.encode(encodable(text))
        return list(ids) if self._order is None else [self._ours[id] for id in ids]

    def encode_batch(self, texts: Sequence[str]) -> list[list[int]]:
        """Ids of many texts, in one call of the library, on one thread."""
        if not texts:
            return []
        rows = self.processor.encode([encodable(text) for text in texts], num_threads=1)
        return list(rows) if self._order is None else [[self._ours[id] for id in row] for row in rows]

    def decode(self, ids: Sequence[int]) -> str:
        """Text of ids; padding, begin and end leave nothing behind."""
        kept = [int(id) for id in ids if id not in (PAD, BOS, EOS)]
        self._require(kept)
        return str(self.processor.decode([self._theirs(id) for id in kept])) if kept else ""

    def pieces(self, ids: Sequence[int]) -> list[str]:
        """The pieces of ids, special ones by the project's names."""
        self._require(ids)
        return [
            SPECIAL[id] if id < len(SPECIAL) else self.processor.id_to_piece(self._theirs(id)) for id in ids
        ]

    def offsets(self, text: str) -> list[tuple[int, int]]:
        """The span of each id of ``encode(text)``, in code points.

        Each byte of a character that is spelt in bytes stands for the whole character.
        """
        found = self.processor.encode(encodable(text), return_type="offset_mapping")
        spans: list[tuple[int, int]] = [(begin, end) for begin, end in found["offsets"]]
        for i in range(len(spans) - 2, -1, -1):
            begin, end = spans[i]
            if begin == end == spans[i + 1][0] and self.processor.is_byte(found["ids"][i]):
                spans[i] = spans[i + 1]
        return spans

    def _theirs(self, id: int) -> int:
        return int(id) if self._order is None else self._order[id]

    def _require(self, ids: Sequence[int]) -> None:
        wrong = next((id for id in ids if not 0 <= id < self.size), None)
        if wrong is not None:
            raise IndexError(f"id {wrong} is outside a vocabulary of {self.size}")
