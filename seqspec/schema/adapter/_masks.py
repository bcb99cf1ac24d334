"""What adapters of images with masks share."""

from __future__ import annotations

from typing import ClassVar

from seqspec.schema.adapter._adapter import AdapterConfig
from seqspec.schema.types import Image, Mask, Type
from seqspec.schema.units import Dim

VOID = 255
"""What stands in a prepared mask at pixels without a class."""


class MaskCorpusConfig(AdapterConfig):
    """Images in colour as ``source``, masks as ``target``."""

    classes: ClassVar[int]

    height: Dim
    """Pixels."""
    width: Dim
    """Pixels."""
    resize: bool = False
    """Scale the shorter side to fit and cut out the middle, the mask by nearest pixels; without it an image
    of another size is a bad row.
    """

    def roles(self) -> dict[str, Type]:
        mask = Mask(self.classes, self.height, self.width, ignore=VOID)
        return {"source": Image(3, self.height, self.width), "target": mask}
