"""Ids of texts of which only some spans are learned from.

A text is cut where answers begin and end, and each piece is encoded alone: what stands before an answer has
the same ids in training, where the answer follows, and in prediction, where it is still to be written.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from seqspec.schema.types import BOS, EOS

if TYPE_CHECKING:
    from seqspec.data.text.conversation import AnsweredText


class TextSteps(Protocol):
    """What turns a piece of a text into ids."""

    @property
    def vocab_size(self) -> int: ...

    def encode_batch(self, texts: Sequence[str]) -> list[list[int]]: ...


class AnswerIds:
    """Stands where text steps do, for answered texts.  Picklable.

    Begin and end of a whole text are put there by the model, so that a template's own are taken off.
    """

    trainable = False

    def __init__(self, steps: TextSteps) -> None:
        self.steps = steps

    @property
    def vocab_size(self) -> int:
        """Ids, the special ones included."""
        return self.steps.vocab_size

    def encode(self, text: AnsweredText) -> list[int]:
        """The ids of one text."""
        return encoded(self.steps, text)[0]

    def encode_batch(self, texts: Sequence[AnsweredText]) -> list[list[int]]:
        """The ids of each text."""
        return [self.encode(text) for text in texts]


class AnswerPlaces:
    """Stands where text steps do: the "ids" of an answered text are places among its real ids.  Picklable."""

    vocab_size = 2**31
    """More than any place."""
    trainable = False

    def __init__(self, steps: TextSteps) -> None:
        self.steps = steps

    def encode_batch(self, texts: Sequence[AnsweredText]) -> list[list[int]]:
        """Of each text, the places of the ids that are learned; that of the end is the number of ids."""
        return [encoded(self.steps, text)[1] for text in texts]


def encoded(steps: TextSteps, text: AnsweredText) -> tuple[list[int], list[int]]:
    """The ids of a text, and the places of those that are learned."""
    pieces = text.pieces()
    ids: list[int] = []
    learned: list[bool] = []
    for found, (_, answer) in zip(steps.encode_batch([piece for piece, _ in pieces]), pieces, strict=True):
        ids += found
        learned += [answer] * len(found)
    if ids[:1] == [BOS]:
        ids, learned = ids[1:], learned[1:]
    if ids[-1:] == [EOS]:
        ids, learned = ids[:-1], learned[:-1]
    learned.append(bool(pieces) and pieces[-1][1])
    return ids, [place for place, one in enumerate(learned) if one]
