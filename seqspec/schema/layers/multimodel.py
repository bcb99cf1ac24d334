"""What the encoder and the decoder of MultiModel share: Kaiser et al. (2017), "One Model To Learn Them All",
arXiv:1706.05137, section 2.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from seqspec.schema.config import Config, Flow, Mismatch
from seqspec.schema.layers.separable import SeparableLayers, Sizes
from seqspec.schema.slot import Slot
from seqspec.schema.types import Auxiliary, States
from seqspec.schema.units import InferredMark, Layers, Probability


class MultimodelLayers(SeparableLayers):
    """Convolutional blocks of separable convolutions, and a mixture of experts between two of them."""

    num_layers: Layers = 6
    """Convolutional blocks."""
    kernels: Sizes = [3, 3, 15, 15]
    """Width of each convolution of a block, in inputs; the third reads the sum of the block's input and the
    second.
    """
    dilations: Sizes = [1, 1, 1, 8]
    """Distance between the inputs of each convolution."""
    groups: Sizes = [1, 1, 1, 1]
    """Parts that the features of each convolution fall into; only those of one part are mixed."""
    residual: Literal["input", "input_and_first"] = "input"
    """What a block adds to its last convolution: its input, or also what its first two convolutions give
    (Tensor2Tensor).
    """
    dropout: Probability = 0.4
    """Rate of dropout, at the places that ``dropout_after`` says."""
    dropout_after: Literal["block", "stack"] = "block"
    """Drop after each block, or where a run of blocks ends, before the experts and at the end
    (Tensor2Tensor).
    """
    experts: Annotated[Config | None, Slot("feed_forward")] = None
    """A mixture of experts that stands once between the blocks, with a residual connection and layer
    normalisation; left out, there is none.
    """
    experts_after: Annotated[Layers | None, InferredMark()] = None
    """Blocks before the experts; left out, a third of an encoder's and half of a decoder's."""

    def wire_experts(self, flow: Flow, *, dim: int, causal: bool, share: int) -> None:
        """Infers the experts; ``share``: they stand after the ``share``-th part of the blocks."""
        if self.experts is None:
            if self.experts_after is not None:
                raise Mismatch("there are no experts to place", at=("experts_after",), help="set `experts`")
            return
        after = self.experts_after
        if after is None:
            reason = f"the {'third' if share == 3 else 'half'} of the blocks"
            after = flow.derive("experts_after", max(1, self.num_layers // share), reason)
        if after > self.num_layers:
            message = f"the experts would stand after block {after} of {self.num_layers}"
            raise Mismatch(message, at=("experts_after",), help=f"write at most {self.num_layers}")
        follows = {"inner_dim": (dim, "the model's width"), "activation": ("relu", "as in the paper")}
        follows |= {"dropout": (0.0, "the blocks drop already")}
        left_out = {key: value for key, value in follows.items() if getattr(self.experts, key, 0) is None}
        flow.node("experts", States(dim, causal=causal), **left_out)

    def auxiliary(self) -> dict[str, float | Auxiliary]:
        """What is trained beside the states: the experts' losses of balance."""
        experts: Any = self.experts
        return {} if experts is None else dict(experts.auxiliary())

    def repeats(self, weight: str) -> float:
        """How often a position goes through a weight of this name: a share of the experts' weights."""
        experts: Any = self.experts
        inside = weight.removeprefix("experts.experts.")
        return 1.0 if experts is None or inside == weight else float(experts.share(inside))
