"""What encoders share that tell the parts of sets of points."""

from __future__ import annotations

from collections.abc import Mapping

from seqspec.schema.config import Mismatch
from seqspec.schema.types import Classes, Points, Type


def points_and_categories(name: str, source: Type | Mapping[str, Type]) -> tuple[Points, int]:
    """The points that encoder ``name`` reads, and how many categories there are, 0 where none is told.

    Raises ``Mismatch``.
    """
    points = source.get("points") if isinstance(source, Mapping) else source
    category = source.get("category") if isinstance(source, Mapping) else None
    if not isinstance(points, Points):
        raise Mismatch(f"`{name}` reads sets of points, and this is {points}", help="for images use `unet`")
    return points, category.num if isinstance(category, Classes) and isinstance(category.num, int) else 0
