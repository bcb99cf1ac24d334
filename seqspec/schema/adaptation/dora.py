"""DoRA: Liu et al. (2024), "DoRA: Weight-Decomposed Low-Rank Adaptation", arXiv:2402.09353."""

from __future__ import annotations

from seqspec.schema.adaptation._low_rank import LowRankConfig


class DoraConfig(LowRankConfig):
    """As LoRA, with a learned length for each output; the product turns the weight's rows and no longer
    lengthens them.
    """
