"""How models that read a source embed it."""

from __future__ import annotations

from typing import Protocol

from seqspec.schema.config import Config, Flow
from seqspec.schema.types import Tokens, Type


class Embedding(Protocol):
    """A model with these two slots."""

    @property
    def embedding(self) -> Config | None:
        """Turns the source into vectors."""
        ...

    @property
    def encoder(self) -> Config:
        """Reads the vectors."""
        ...


def embed(model: Embedding, source: Type, flow: Flow, *, side: str = "") -> Type:
    """What the encoder reads: ids are looked up and anything else stays, unless an embedding is named.

    ``side`` goes before the names of the two slots where a model has another pair of them.
    """
    name = f"{side}embedding"
    embedding, encoder = getattr(model, name), getattr(model, f"{side}encoder")
    if embedding is None:
        if not isinstance(source, Tokens) or getattr(encoder, "reads_ids", False):
            return source
        flow.fill(name, "lookup", "ids are looked up")
    width = getattr(encoder, "dim", None)
    if width is None or getattr(embedding, "dim", None) is not None:
        return flow.node(name, source)
    return flow.node(name, source, dim=(width, "the encoder's width"))
