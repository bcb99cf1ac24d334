"""Greedy search: the most probable token at each step."""

from __future__ import annotations

from seqspec.schema.search._limits import StepwiseSearch


class GreedyConfig(StepwiseSearch):
    """The most probable token at each step, until the end is the most probable."""
