"""What every denoiser declares: a noisy image, a time and maybe a class to as many numbers as the image
has.
"""

from __future__ import annotations

from collections.abc import Mapping

from seqspec.schema.config import Config, Mismatch
from seqspec.schema.types import Image, Type


class DenoiserConfig(Config):
    """Reads ``image`` and, of a conditional model, ``target``."""

    def output(self, source: Mapping[str, Type]) -> Image:
        image = source["image"]
        if not isinstance(image, Image):
            raise Mismatch(f"a denoiser reads images, and is given {image}")
        self.check(image)
        return image

    def check(self, image: Image) -> None:
        """Raises ``Mismatch`` where the image's size does not fit."""
