"""One score a vocabulary entry, linear in the hidden state."""

from __future__ import annotations

from collections.abc import Mapping

from seqspec.schema.config import Config, Mismatch
from seqspec.schema.types import Logits, States, Tokens, Type


class LinearConfig(Config):
    """A linear layer; the model decides whether its weight is an embedding's."""

    bias: bool = True
    """Give every entry an offset of its own."""

    def output(self, source: Mapping[str, Type]) -> Logits:
        hidden, target = source["hidden"], source["target"]
        if not isinstance(hidden, States):
            raise Mismatch(f"a linear head reads hidden states, and this is {hidden}")
        if not isinstance(target, Tokens):
            raise Mismatch(f"a linear head scores a vocabulary, and the target is {target}")
        return Logits(target.vocab, hidden.stride)

    def parameters(self, takes: Mapping[str, Type]) -> int | None:
        """Trainable parameters of an untied head; ``None`` while the vocabulary is unknown."""
        hidden, target = takes["hidden"], takes["target"]
        assert isinstance(hidden, States)
        assert isinstance(target, Tokens)
        return target.vocab * (hidden.dim + self.bias) if isinstance(target.vocab, int) else None
