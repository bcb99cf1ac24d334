"""What augmentation of images shares."""

from __future__ import annotations

from typing import ClassVar

from seqspec.schema.config import Config, Mismatch
from seqspec.schema.types import Image, Type


class ImageAugmentConfig(Config):
    """Changes an image and keeps its size."""

    reads_pixels: ClassVar[str | None] = None
    """What values must mean, as a setting of ``normalize``; ``None`` where any will do."""

    def output(self, source: Type) -> Type:
        if not isinstance(source, Image):
            raise Mismatch(f"`{self.component[1]}` changes images, and gets {source}")
        return source
