"""When the softmax may use an embedding's table as its weight: Press & Wolf (2017), arXiv:1608.05859."""

from __future__ import annotations

from seqspec.schema.config import Config, Mismatch
from seqspec.schema.types import Logits, Poison, States, Tokens, Type


def check_tied_target(decoder: Config, *, hidden: Type, logits: Type) -> None:
    """Raises ``Mismatch`` where the decoder's embedding cannot serve the head."""
    embedding = getattr(decoder, "embedding", None)
    if embedding is None:
        raise _tie("this decoder has no embedding that the softmax could share", help="set `tie: none`")
    if getattr(embedding, "rows_multiple_of", 1) > 1:
        raise _tie(
            "a table with rows beyond the vocabulary cannot be the softmax's too",
            help="leave `rows_multiple_of` out, or set `tie: none`",
        )
    if isinstance(logits, Logits) and logits.factored:
        raise _tie("an adaptive softmax has no table that an embedding could share", help="set `tie: none`")
    width = getattr(embedding, "dim", None) or getattr(decoder, "output_dim", None)
    if isinstance(hidden, States) and width is not None and width != hidden.dim:
        raise _tie(
            f"the softmax reads {hidden.dim} features, and an embedding has {width}", help="set `tie: none`"
        )


def check_tied_source(source: Type, target: Type) -> None:
    """Raises ``Mismatch`` where one table cannot serve the source too."""
    if not isinstance(source, Tokens | Poison):
        raise _tie(f"the source is {source}: there is no source table to share", help="set `tie: target`")
    if isinstance(source, Tokens) and isinstance(target, Tokens) and source.vocab != target.vocab:
        raise _tie(
            f"one table cannot serve a source vocabulary of {source.vocab} and a target vocabulary of"
            f" {target.vocab}",
            help="give both sides one vocabulary with `data.text.shared`, or set `tie: target`",
        )


def _tie(message: str, *, help: str) -> Mismatch:
    return Mismatch(message, at=("tie",), help=help)
