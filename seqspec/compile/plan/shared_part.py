"""What several tasks share."""

from __future__ import annotations

from typing import NamedTuple

from seqspec.schema.source import Path


class SharedPart(NamedTuple):
    """A part of the model with one set of weights that several tasks use."""

    part: Path
    """Its own place, such as ``shared.body``."""
    places: tuple[tuple[str, Path], ...]
    """Where it stands: tasks, and places in their experiments."""
