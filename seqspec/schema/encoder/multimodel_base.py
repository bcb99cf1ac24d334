"""The encoder of Tensor2Tensor's set ``multimodel_base`` (2017 to 2018), another than the paper's: Kaiser et
al. (2017), "One Model To Learn Them All", arXiv:1706.05137.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field

from seqspec.schema.config import Config, Flow, Mismatch
from seqspec.schema.slot import Slot
from seqspec.schema.types import Auxiliary, Frames, States, Type
from seqspec.schema.units import Dim, Layers, Positive, Probability

NEAR = 3
"""Width of the first two convolutions of a layer, in inputs."""
DILATION = 4
"""Of the last convolution of a layer."""


class MultimodelBaseConfig(Config):
    """Layers of separable convolutions with a mixture of experts beside them, both added to the input and
    normalised; sinusoids are added to the input once.
    """

    num_layers: Layers = 4
    """Layers of the stack."""
    dim: Dim = 512
    """Width of the model, in features."""
    inner_dim: Dim = 2048
    """Width between a layer's convolutions, and inside its experts where these do not say it."""
    kernel: Positive = 15
    """Width of the last two convolutions of a layer, in inputs; odd."""
    experts: Annotated[Config, Slot("feed_forward")] = Field(default="experts", validate_default=True)
    """The mixture of experts of each layer."""
    dropout: Probability = 0.1
    """Rate of dropout between the convolutions, and on what they and the experts give."""

    def wire(self, source: Type, flow: Flow) -> States:
        if not isinstance(source, Frames):
            raise Mismatch(
                f"this encoder reads a sequence of vectors, and this is {source}",
                help="for images and frames, set `embedding` to a network such as `xception_entry`",
            )
        if self.kernel % 2 == 0:
            message = f"a window of {self.kernel} inputs has no middle"
            raise Mismatch(message, at=("kernel",), help="use an odd number")
        follows = {
            "inner_dim": (self.inner_dim, "the layer's"),
            "activation": ("relu", "as in Tensor2Tensor"),
        }
        follows |= {"dropout": (0.0, "the layer drops already")}
        left_out = {key: value for key, value in follows.items() if getattr(self.experts, key, 0) is None}
        flow.node("experts", States(self.dim), **left_out)
        return States(self.dim, rate=source.rate)

    def auxiliary(self) -> dict[str, float | Auxiliary]:
        """What is trained beside the states: the experts' losses of balance, summed over layers."""
        experts: Any = self.experts
        return dict(experts.auxiliary())

    def repeats(self, weight: str) -> float:
        """How often a position goes through a weight of this name: a share of the experts' weights."""
        parts = weight.split(".")
        experts: Any = self.experts
        inside = parts[0] == "layers" and parts[2] == "experts"
        return float(experts.share(".".join(parts[3:]))) if inside else 1.0

    @property
    def widths(self) -> tuple[tuple[int, int, int, int], ...]:
        """Inputs, outputs, kernel and dilation of each convolution of a layer."""
        dim, inner = self.dim, self.inner_dim
        return (
            (dim, inner, NEAR, 1),
            (inner, inner, NEAR, 1),
            (inner, dim, self.kernel, 1),
            (dim, dim, self.kernel, DILATION),
        )

    def parameters(self, takes: Mapping[str, Type]) -> int:
        """Trainable parameters, those of the experts and their routers apart."""
        source = takes["source"]
        assert isinstance(source, Frames)
        project = (source.dim + 1) * self.dim if source.dim != self.dim else 0
        convolved = sum(a * kernel + a * b + 2 * b for a, b, kernel, _ in self.widths)
        return project + self.num_layers * (convolved + 2 * self.dim)
