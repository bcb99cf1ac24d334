"""What ByteNet's encoder and decoder share."""

from typing import Annotated

from pydantic import Field

from seqspec.schema.config import Config, Mismatch
from seqspec.schema.units import Layers, Positive, Probability


class DilatedLayers(Config):
    """Residual stacks of dilated convolutions: Kalchbrenner et al. (2016), "Neural Machine Translation in
    Linear Time", arXiv:1610.10099.
    """

    num_blocks: Layers = 4
    """How often the sequence of dilations is repeated."""
    dilations: Annotated[list[Positive], Field(min_length=1, max_length=64)] = [1, 2, 4, 8]
    """Distance between the inputs of each convolution of a block."""
    kernel: Positive = 3
    """Width of every convolution, in inputs."""
    dropout: Probability = 0.2
    """Rate of dropout on the output of each block."""

    def check(self) -> None:
        """Refuses a kernel without a middle, which would shift the encoder's output."""
        if self.kernel % 2 == 0:
            raise Mismatch(
                f"a window of {self.kernel} inputs has no middle", at=("kernel",), help="use an odd number"
            )
