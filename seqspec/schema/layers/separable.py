"""What SliceNet's encoder and decoder share."""

from typing import Annotated

from pydantic import Field

from seqspec.schema.config import Config, Mismatch
from seqspec.schema.units import Layers, Positive, Probability

Sizes = Annotated[list[Positive], Field(min_length=3, max_length=64)]


class SeparableLayers(Config):
    """Residual layers of depthwise-separable convolutions: Kaiser et al. (2017), "Depthwise Separable
    Convolutions for Neural Machine Translation", arXiv:1706.03059.
    """

    num_layers: Layers = 4
    """Layers of the stack."""
    kernels: Sizes = [3, 7, 15, 31]
    """Width of each convolution of a layer, in inputs; the third reads the sum of the layer's input and the
    second.
    """
    dilations: Sizes = [1, 1, 1, 1]
    """Distance between the inputs of each convolution."""
    groups: Sizes = [3, 2, 3, 2]
    """Parts that the features of each convolution fall into; only those of one part are mixed."""
    dropout: Probability = 0.5
    """Rate of dropout on what the last layer gives."""

    def check(self, *, dim: int, middles: bool) -> None:
        """Refuses lists of different lengths, and groups that do not divide the width.  ``middles``: windows
        reach to both sides, so each needs a middle.
        """
        for name, values in (("dilations", self.dilations), ("groups", self.groups)):
            if len(values) != len(self.kernels):
                raise Mismatch(
                    f"{len(values)} {name} do not fit {len(self.kernels)} kernels",
                    at=(name,),
                    help="give one for each kernel",
                )
        for index, parts in enumerate(self.groups):
            if dim % parts:
                help = f"use a width that {parts} divides"
                message = f"{parts} groups do not divide a width of {dim}"
                raise Mismatch(message, at=("groups", index), help=help)
        for index, kernel in enumerate(self.kernels):
            if middles and kernel % 2 == 0:
                message = f"a window of {kernel} inputs has no middle"
                raise Mismatch(message, at=("kernels", index), help="use an odd number")

    def stack_parameters(self, *, dim: int) -> int:
        """Trainable parameters of the layers' convolutions."""
        convolutions = zip(self.kernels, self.groups, strict=True)
        return self.num_layers * sum(separable(dim, kernel, parts) for kernel, parts in convolutions)


def separable(dim: int, kernel: int, groups: int) -> int:
    """Weights of one convolution and of the normalisation after it."""
    return dim * kernel + dim * dim // groups + 2 * dim
