"""What models that make images ask of a corpus."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from seqspec.schema.config import Mismatch
from seqspec.schema.types import Classes, Image, Nothing, Poison, Type


def images_of(source: Mapping[str, Type], *, model: str) -> Image | Poison:
    """The images; raises ``Mismatch`` where the corpus gives none."""
    image = source.get("source", Nothing())
    if not isinstance(image, Image | Poison):
        raise Mismatch(f"`{model}` learns to make images, and the corpus gives {image} as its source")
    return image


def classes_for(source: Mapping[str, Type], condition: Literal["none", "class"]) -> Type:
    """The classes that a conditional model is told; ``Nothing`` for any other."""
    if condition == "none":
        return Nothing()
    target = source.get("target", Nothing())
    if not isinstance(target, Classes | Poison):
        raise Mismatch(
            f"a model is told classes, and the corpus gives {target} as its target",
            at=("condition",),
            help="write `condition: none`, or choose a corpus with labels",
        )
    return target
