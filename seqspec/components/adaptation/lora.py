"""LoRA beside linear layers."""

from __future__ import annotations

from collections.abc import Mapping

from seqspec.components._layers.linear import Linear
from seqspec.components._layers.low_rank import LowRank
from seqspec.schema.adaptation.lora import LoraConfig
from seqspec.schema.types import Type


class Lora:
    """``beside`` makes what stands beside one layer; ``peft`` is what peft calls it."""

    def __init__(self, config: LoraConfig, takes: Mapping[str, Type]) -> None:
        self.rank, self.scaling, self.dropout = config.rank, config.scaling, config.dropout
        self.peft = {"use_rslora": config.scale == "sqrt_rank", "use_dora": False, "lora_alpha": config.alpha}

    def beside(self, layer: Linear) -> LowRank:
        """The product for a layer; it changes nothing yet."""
        return LowRank(layer, rank=self.rank, scaling=self.scaling, dropout=self.dropout, with_length=False)
