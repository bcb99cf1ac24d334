"""Moving MNIST: Srivastava, Mansimov and Salakhutdinov (2015), "Unsupervised Learning of Video
Representations using LSTMs", arXiv:1502.04681.
"""

from typing import Annotated

from pydantic import Field

from seqspec.schema.adapter._adapter import AdapterConfig, Download, SplitName
from seqspec.schema.config import Mismatch
from seqspec.schema.types import Clip, Type
from seqspec.schema.units import Positive

FRAMES, SIDE = 20, 64


class MovingMnistConfig(AdapterConfig):
    """Read ``mnist_test_seq.npy``, ``[20, N, 64, 64]``: the first ``given`` frames of each of N clips are the
    source, the others the target.

    The file is one list of clips; ``cut`` says which share of them, in their order, is each split.  Public
    loaders of the file read the same layout, time first.
    """

    given: Positive = 10
    """Frames that are read; the other ones of 20 are predicted."""
    cut: dict[SplitName, Annotated[float, Field(gt=0, le=1)]] = {"train": 0.8, "dev": 0.1, "test": 0.1}
    """Share of the clips that each split has, in this order; together no more than 1."""

    def roles(self) -> dict[str, Type]:
        if self.given >= FRAMES:
            raise Mismatch(
                f"clips have {FRAMES} frames, and {self.given} of them are given",
                at=("given",),
                help=f"give at most {FRAMES - 1}",
            )
        if sum(self.cut.values()) > 1 + 1e-9:
            raise Mismatch(
                "the shares of the splits are more than 1 together", at=("cut",), help="make them smaller"
            )
        clip = Clip(SIDE * SIDE, height=SIDE, width=SIDE)
        return {"source": clip, "target": clip}

    def downloads(self) -> tuple[Download, ...]:
        address = "http://www.cs.toronto.edu/~nitish/unsupervised_video/mnist_test_seq.npy"
        return (Download(address, "820 MB", unpack=False),)
