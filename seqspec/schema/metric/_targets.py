"""What metric configs share: which targets they can score."""

from __future__ import annotations

from collections.abc import Mapping

from seqspec.schema.config import Mismatch
from seqspec.schema.types import Classes, Likelihood, Logits, Nothing, Tokens, Type


def require_text(takes: Mapping[str, Type], *, metric: str) -> Type:
    """The metric compares texts: the target must be a sequence of tokens."""
    target = takes["target"]
    if not isinstance(target, Tokens):
        raise Mismatch(
            f"`{metric}` compares texts, and the target here is {_named(target)}",
            help="for labels, use `accuracy`",
        )
    return Nothing()


def require_scored_text(takes: Mapping[str, Type], *, metric: str) -> Type:
    """The metric counts what the loss sums over tokens: the model's main output must score each."""
    given = takes.get("given")
    if isinstance(given, Likelihood):
        raise Mismatch(
            f"`{metric}` counts tokens, and the model gives the likelihood of whole texts",
            help="use `elbo` or `importance_bound`",
        )
    return require_text(takes, metric=metric)


def require_whole_text(takes: Mapping[str, Type], *, metric: str) -> Type:
    """The metric divides by all of the text: every token of it must be scored."""
    given = takes.get("given")
    if isinstance(given, Logits) and given.counted:
        raise Mismatch(
            f"`{metric}` divides by all of the text, and only its answers are scored", help="use `perplexity`"
        )
    return require_scored_text(takes, metric=metric)


def require_labels(takes: Mapping[str, Type], *, metric: str) -> Type:
    """The metric counts labels: the target must be one of a set of classes."""
    target = takes["target"]
    if not isinstance(target, Classes):
        raise Mismatch(
            f"`{metric}` counts labels, and the target here is {_named(target)}",
            help="for sequences, use `token_accuracy` or `sequence_accuracy`",
        )
    given = takes.get("given")
    if isinstance(given, Logits) and given.image:
        raise Mismatch(
            f"`{metric}` counts labels, and the model tells images", help="for images, use `bits_per_dim`"
        )
    return Nothing()


def _named(target: Type) -> str:
    match target:
        case Classes():
            return "labels"
        case Tokens():
            return "a sequence of tokens"
        case _:
            return str(target)
