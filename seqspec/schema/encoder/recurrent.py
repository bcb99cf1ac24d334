"""A stack of LSTM or GRU layers over the source."""

from __future__ import annotations

from seqspec.schema.config import Flow, Mismatch
from seqspec.schema.layers.recurrent import RecurrentLayers
from seqspec.schema.streaming import Obstacle, Streams
from seqspec.schema.types import Frames, States, Type
from seqspec.schema.units import Dim


class RecurrentConfig(RecurrentLayers):
    """Reads the source in order, and backwards too if asked."""

    bidirectional: bool = True
    """Read backwards as well, and give both states side by side."""
    project: Dim | None = None
    """Width of a linear layer over the last layer's states; left out, there is none."""

    def wire(self, source: Type, flow: Flow) -> States:
        if not isinstance(source, Frames):
            raise Mismatch(f"a recurrent encoder reads a sequence of vectors, and this is {source}")
        self.check()
        wide = self.output_dim * (2 if self.bidirectional else 1)
        if self.residual_from == 1 and source.dim != wide:
            raise Mismatch(
                f"layer 1 reads vectors of {source.dim} and gives {wide}: they cannot be added",
                at=("residual_from",),
                help="begin residuals at layer 2",
            )
        return States(self.project or wide, rate=source.rate, causal=not self.bidirectional)

    def streaming(self, source: Type) -> Streams | Obstacle:
        """In one direction, a step at a time."""
        if not self.bidirectional:
            return Streams()
        return Obstacle("it reads backwards from the end", "set `bidirectional: false`", ("bidirectional",))
