"""Images moved about: padded on every side, then cut out anew at a random place; He et al. (2016), "Deep
Residual Learning for Image Recognition", section 4.2.
"""

from typing import Annotated, Literal

from pydantic import Field

from seqspec.schema.config import Config, Mismatch
from seqspec.schema.types import Image, Type


class PadCropConfig(Config):
    """Moves an image by up to ``padding`` pixels in each direction; its size stays."""

    padding: Annotated[int, Field(ge=1, le=4096)] = 4
    """Pixels added on every side before the cut."""
    fill: Literal["zero", "reflect", "edge"] = "zero"
    """What the added pixels hold: nothing, the image mirrored, or its outermost pixels."""

    def output(self, source: Type) -> Type:
        if not isinstance(source, Image):
            raise Mismatch(f"`pad_crop` moves images, and gets {source}")
        least = min(source.height, source.width)
        if self.fill == "reflect" and self.padding >= least:
            message = (
                f"{self.padding} pixels cannot be mirrored from an image of {source.height} × {source.width}"
            )
            raise Mismatch(message, at=("padding",), help=f"use at most {least - 1}, or another `fill`")
        return source
