"""What metrics of masks ask for."""

from __future__ import annotations

from collections.abc import Mapping

from seqspec.schema.config import Mismatch
from seqspec.schema.types import Mask, Nothing, Poison, Type


def require_masks(takes: Mapping[str, Type], *, metric: str) -> Type:
    """The metric compares masks."""
    if not isinstance(takes["target"], Mask | Poison):
        raise Mismatch(
            f"`{metric}` compares masks, and the target here is {takes['target']}",
            help="for labels, use `accuracy`",
        )
    return Nothing()
