"""Dot-product attention with projections: Luong et al. (2015), "Effective Approaches to Attention-based
Neural Machine Translation", arXiv:1508.04025 (``general``); with several heads, Vaswani et al. (2017),
arXiv:1706.03762.
"""

from seqspec.schema.attention._comparison import ComparisonConfig


class DotProductConfig(ComparisonConfig):
    """Projected queries and states are compared by their inner product."""
