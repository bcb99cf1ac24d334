"""Texts that are to be spoken and hold what the run has no symbol for, which would be left out unheard."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from seqspec.data.printable import show
from seqspec.schema.types import UNK

if TYPE_CHECKING:
    from seqspec.data.stages.parts import TextSteps

CODE = "SQ411"
HELP = "spell it in what the run has learned, or leave it out"
MOST_SHOWN = 5
"""Symbols that are named."""


def unspoken(steps: TextSteps) -> Callable[[str, np.ndarray], str | None]:
    """What is wrong with a text that has these ids; ``None`` where every symbol is known."""

    def wrong(text: str, ids: np.ndarray) -> str | None:
        if not (ids == UNK).any():
            return None
        found: dict[str, int] = {}
        spans = steps.offsets(text)
        if len(spans) != len(ids):
            return "the text holds what the run has no symbol for"
        for (start, end), id in zip(spans, ids.tolist(), strict=True):
            if id == UNK:
                found.setdefault(text[start:end], start + 1)
        named = [f"{_named(symbol)} at character {place}" for symbol, place in found.items()]
        more = f" and {len(named) - MOST_SHOWN} more" if len(named) > MOST_SHOWN else ""
        return f"the run has no symbol for {', '.join(named[:MOST_SHOWN])}{more}{_in_other_case(steps, text)}"

    return wrong


def _in_other_case(steps: TextSteps, text: str) -> str:
    """The text in capitals or without them, where the run has a symbol for all of that."""
    for other in (text.upper(), text.lower()):
        if UNK not in steps.encode(other):
            return f", but has all of `{show(other)}`"
    return ""


def _named(symbol: str) -> str:
    number = f" (U+{ord(symbol):04X})" if len(symbol) == 1 else ""
    return f"`{show(symbol)}`{number}"
