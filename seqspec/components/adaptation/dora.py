"""DoRA beside linear layers."""

from __future__ import annotations

from collections.abc import Mapping

from seqspec.components._layers.linear import Linear
from seqspec.components._layers.low_rank import LowRank
from seqspec.schema.adaptation.dora import DoraConfig
from seqspec.schema.types import Type


class Dora:
    """``beside`` makes what stands beside one layer; ``peft`` is what peft calls it."""

    def __init__(self, config: DoraConfig, takes: Mapping[str, Type]) -> None:
        self.rank, self.scaling, self.dropout = config.rank, config.scaling, config.dropout
        self.peft = {"use_rslora": False, "use_dora": True, "lora_alpha": config.alpha}

    def beside(self, layer: Linear) -> LowRank:
        """The product and the lengths for a layer; they change nothing yet."""
        return LowRank(layer, rank=self.rank, scaling=self.scaling, dropout=self.dropout, with_length=True)
