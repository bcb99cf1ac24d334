"""What searches that make images of noise share."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from seqspec.schema.config import Config, Mismatch
from seqspec.schema.types import Denoising, Type
from seqspec.schema.units import NonNegative

Steps = Annotated[int, Field(ge=1, le=100_000)]


class ImageSearchConfig(Config):
    """Goes from noise to an image."""

    path: ClassVar[str] = "gaussian"
    """The process that it goes back along."""

    guidance: NonNegative = 1.0
    """How far a conditional network's answer is taken beyond that without a class: 1 is the answer itself."""

    def output(self, source: Type) -> Type:
        name = self.component[1]
        if not isinstance(source, Denoising):
            raise Mismatch(
                f"`{name}` makes images of noise, and the model gives {source}", help="use model `diffusion`"
            )
        if source.path != self.path:
            instead = "`euler` or `heun`" if source.path == "flow" else "`ddim` or `ddpm`"
            raise Mismatch(f"`{name}` is of another process than `{source.path}`", help=f"use {instead}")
        return source
