"""The frames that follow those of a clip: Shi et al. (2015), "Convolutional LSTM Network: A Machine Learning
Approach for Precipitation Nowcasting", arXiv:1506.04214.
"""

from collections.abc import Mapping
from typing import Annotated, ClassVar

from pydantic import Field

from seqspec.schema.config import Config, Flow, Mismatch
from seqspec.schema.types import Clip, Nothing, Outputs, Poison, Type
from seqspec.schema.units import Dim, Positive


class NextFrameConfig(Config):
    """A stack of convolutional LSTM reads the frames that are given, then its own predictions, one after
    another; a frame is cut into patches, whose pixels are the channels that the first layer reads.
    """

    usual_metric: ClassVar[str] = "psnr"

    widths: Annotated[list[Dim], Field(min_length=1, max_length=16)] = [128, 64, 64]
    """Channels of each layer's state."""
    kernel: Positive = 5
    """Height and width of the convolutions; odd."""
    patch: Positive = 4
    """Height and width of a patch, in pixels."""

    def wire(self, source: Mapping[str, Type], flow: Flow) -> Outputs:
        """``frames``, the pixels of those that follow."""
        given, target = source.get("source", Nothing()), source.get("target", Nothing())
        if isinstance(given, Poison) or isinstance(target, Poison):
            return Outputs({"frames": Poison()})
        if not isinstance(given, Clip) or not isinstance(target, Clip):
            raise Mismatch(
                f"`next_frame` reads clips and goes on with them, and the corpus gives {given} and {target}",
                help="use adapter `frame_folder`, or `moving_mnist`",
            )
        if self.kernel % 2 == 0:
            raise Mismatch(f"a kernel of {self.kernel} has no middle", at=("kernel",), help="use an odd one")
        if given.height % self.patch or given.width % self.patch:
            raise Mismatch(
                f"{given.height} × {given.width} pixels are no whole number of patches of {self.patch}",
                at=("patch",),
            )
        return Outputs({"frames": Clip(given.dim, height=given.height, width=given.width)})

    def parameters(self, takes: Mapping[str, Type]) -> int:
        """Trainable parameters: each layer has four gates of what it reads and of its state."""
        read, total, pixels = self.patch**2, 0, self.patch**2
        for width in self.widths:
            total += 4 * width * ((read + width) * self.kernel**2 + 1)
            read = width
        return total + (sum(self.widths) + 1) * pixels
