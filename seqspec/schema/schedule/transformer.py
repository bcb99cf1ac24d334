"""The Transformer's schedule: Vaswani et al. (2017), "Attention Is All You Need", arXiv:1706.03762.

factor · dim^-½ · min(step · warmup_steps^-3⁄2, step^-½).  Lingvo's TransformerSchedule and Tensor2Tensor's
``constant*linear_warmup*rsqrt_decay*rsqrt_hidden_size`` are this curve.
"""

from collections.abc import Mapping
from typing import Annotated

from seqspec.schema.config import Flow, Mismatch
from seqspec.schema.schedule._schedule import ScheduleConfig
from seqspec.schema.schedule._warmup import power
from seqspec.schema.types import Nothing, States, Type
from seqspec.schema.units import Dim, InferredMark, Positive, PositiveFloat


class TransformerConfig(ScheduleConfig):
    """factor · dim^-½ · min(step · warmup_steps^-3⁄2, step^-½)."""

    factor: PositiveFloat = 1.0
    """Multiplies the whole curve."""
    warmup_steps: Positive = 4000
    """Steps of linear rise."""
    dim: Annotated[Dim | None, InferredMark()] = None
    """Width of the model that the curve is scaled by."""

    def wire(self, source: Type | Mapping[str, Type], flow: Flow) -> Type:
        model = source.get("model") if isinstance(source, Mapping) else source
        if isinstance(model, States):
            if self.dim is None:
                flow.derive("dim", model.dim, "the model's width")
        elif self.dim is None:
            raise Mismatch(
                "the schedule `transformer` needs the model's width", at=("dim",), help="state `dim`"
            )
        return Nothing()

    def rate(self, step: int) -> float:
        assert self.dim is not None  # inference has filled it in
        return (
            self.factor
            * power(self.dim, -0.5)
            * min(step * power(self.warmup_steps, -1.5), power(step, -0.5))
        )
