"""A linear layer over states, and the mean of what it gives: how classifiers over wav2vec 2.0 pool, Yang et
al. (2021), "SUPERB: Speech processing Universal PERformance Benchmark", arXiv:2105.01051, section 3.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import Annotated, Any, ClassVar

from seqspec.schema.config import Flow, Mismatch
from seqspec.schema.hugging_face_folder import Layout, affine
from seqspec.schema.pretrained import Pretrained
from seqspec.schema.types import States, Type, Vector
from seqspec.schema.units import Dim, InferredMark

_USUAL = 256


class ProjectedMeanConfig(Pretrained):
    """Every state counts the same."""

    model_types: ClassVar[tuple[str, ...]] = ("wav2vec2", "hubert", "wavlm")

    dim: Annotated[Dim | None, InferredMark()] = None
    """Width of the vector, in features; left out, 256."""

    def wire(self, source: Mapping[str, Type], flow: Flow) -> Vector:
        hidden = source["hidden"]
        if not isinstance(hidden, States):
            raise Mismatch(f"a mean is taken of states, and this is {hidden}")
        settings = self.told(flow)
        told = None
        if settings is not None:
            if settings.flag("use_weighted_layer_sum"):
                raise Mismatch("the folder's classifier reads the sum of all layers", at=("from",))
            told = {"dim": settings.integer("classifier_proj_size", _USUAL, most=1_048_576)}
        sized = self.settle_sizes(flow, told, {"dim": _USUAL})
        return Vector(sized.dim)

    def parameters(self, takes: Mapping[str, Type]) -> int:
        """Trainable parameters."""
        return sum(prod(n or 0 for n in weight.shape) for weight in self.layout(takes).weights)

    def write_settings(self) -> dict[str, Any]:
        """What config.json says of it."""
        return {"classifier_proj_size": self.dim, "use_weighted_layer_sum": False}

    def layout(self, takes: Mapping[str, Type]) -> Layout:
        """As transformers' classifiers of sound name it; all else belongs to other parts."""
        hidden: Any = takes["hidden"]
        return Layout(tuple(affine("projection", "projector", hidden.dim, self.dim or 0)), ("",))
