"""LoRA: Hu et al. (2022), "LoRA: Low-Rank Adaptation of Large Language Models", arXiv:2106.09685; with
``scale: sqrt_rank``, Kalajdzievski (2023), "A Rank Stabilization Scaling Factor for Fine-Tuning with LoRA",
arXiv:2312.03732.
"""

from __future__ import annotations

from typing import Literal

from seqspec.schema.adaptation._low_rank import LowRankConfig


class LoraConfig(LowRankConfig):
    """A linear layer gives x W + x A B · alpha / rank; B is zero at first, so that training begins at W."""

    scale: Literal["rank", "sqrt_rank"] = "rank"
    """What ``alpha`` is divided by."""

    @property
    def scaling(self) -> float:
        """What the product is multiplied by."""
        return self.alpha / (self.rank if self.scale == "rank" else self.rank**0.5)
