"""What losses over masks share."""

from __future__ import annotations

from seqspec.schema.config import Mismatch
from seqspec.schema.loss._loss import LossConfig
from seqspec.schema.types import PixelLogits, Type


class PixelLossConfig(LossConfig):
    """A mean over images."""

    def output(self, source: Type) -> Type:
        if not isinstance(source, PixelLogits):
            raise Mismatch(
                f"`{self.component[1]}` compares masks, and the model gives {source}",
                help="use model `segmentation`, or `cross_entropy` for labels and tokens",
            )
        return source
