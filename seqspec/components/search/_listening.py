"""What a language model says of a prefix that grows by one id at a time, each prefix by itself.

A state is worked out when it is first asked, so that prefixes which fall out of a beam cost nothing.
"""

# V vocabulary

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

import torch

from seqspec.components.search._ngram import BEGIN, END, NgramModel, Words

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from seqspec.components.search._joint import FusedLanguageModel


class Heard(Protocol):
    """Where a language model stands after a prefix."""

    @property
    def most_gain(self) -> float:
        """What no id's gain exceeds."""
        ...

    def gain(self, token: int) -> float:
        """What one more id adds to the prefix's log-probability, as far as the model can tell yet."""
        ...

    def after(self, token: int) -> Heard:
        """Where it stands after one more id."""
        ...

    def end_gain(self) -> float:
        """What the end adds."""
        ...


@dataclass(frozen=True)
class NgramPieces:
    """N-grams of the tokenizer's pieces."""

    model: NgramModel
    pieces: Sequence[str]
    """By id, as the model writes them."""
    context: Words = (BEGIN,)

    @property
    def most_gain(self) -> float:
        return self.model.most

    def gain(self, token: int) -> float:
        return self.model.log_prob(self.context, self.pieces[token])

    def after(self, token: int) -> NgramPieces:
        return NgramPieces(self.model, self.pieces, self.model.following(self.context, self.pieces[token]))

    def end_gain(self) -> float:
        return self.model.log_prob(self.context, END)


@dataclass(frozen=True)
class NgramWords:
    """N-grams of words: a word counts once the next one begins, or at the end."""

    model: NgramModel
    starts: Sequence[bool]
    """By id, whether it begins a new word (or is the space before one)."""
    texts: Sequence[str]
    """By id, what it adds to its word."""
    context: Words = (BEGIN,)
    word: str = ""
    """What is written of the word that is not finished."""

    @property
    def most_gain(self) -> float:
        return self.model.most

    def gain(self, token: int) -> float:
        if not (self.word and self.starts[token]):
            return 0.0
        return self.model.log_prob(self.context, self.word)

    def after(self, token: int) -> NgramWords:
        text = self.texts[token]
        if not (self.word and self.starts[token]):
            return NgramWords(self.model, self.starts, self.texts, self.context, self.word + text)
        context = self.model.following(self.context, self.word)
        return NgramWords(self.model, self.starts, self.texts, context, text)

    def end_gain(self) -> float:
        if not self.word:
            return self.model.log_prob(self.context, END)
        last = self.model.log_prob(self.context, self.word)
        return last + self.model.log_prob(self.model.following(self.context, self.word), END)


class NeuralLanguage:
    """A trained ``language_model`` over the same ids."""

    most_gain = 1e-3
    """A log-probability, and how far above 0 rounding may bring it."""

    def __init__(
        self, fused: FusedLanguageModel, *, end: int, before: NeuralLanguage | None = None, token: int = 0
    ) -> None:
        self.fused, self.end = fused, end
        self.before = before
        self.token = token if before is not None else fused.begin

    def gain(self, token: int) -> float:
        return float(self._heard[0][token])

    def after(self, token: int) -> NeuralLanguage:
        return NeuralLanguage(self.fused, end=self.end, before=self, token=token)

    def end_gain(self) -> float:
        return self.gain(self.end)

    @cached_property
    def _heard(self) -> tuple[NDArray[np.float32], Any]:
        """Log-probabilities ``[V]`` of the next id, and the model's own state."""
        model = self.fused.model
        device = next(model.parameters()).device
        state = model.decoder.start(None, None, examples=1) if self.before is None else self.before._heard[1]
        with torch.no_grad():
            logits_1V, state = model.step(torch.tensor([self.token], device=device), state)
        self.before = None  # What it said is worked in: the chain of prefixes need not be held.
        return logits_1V[0].float().log_softmax(-1).cpu().numpy(), state
