"""An experiment with its data and its program, made from a spec or opened from a run directory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from seqspec.compile.build.program import Program
from seqspec.compile.plan.plan import Compiled
from seqspec.data.stages.normalize import Statistics
from seqspec.data.stages.parts import DataParts
from seqspec.data.stages.prepare import Prepared

Record = dict[str, Any]
"""What a lock says of one entry: digests and parts, not where the run lies."""


@dataclass(frozen=True)
class Assembled:
    """Everything that a run works with."""

    compiled: Compiled
    prepared: Prepared
    program: Program
    initialized: tuple[Record, ...] = ()
    """What its first weights were taken from."""
    pretrained: Mapping[str, Record] = field(default_factory=dict)
    """Which files its first weights were taken from, by part."""


@dataclass(frozen=True)
class Reopened:
    """What a run directory holds of its run."""

    compiled: Compiled
    parts: DataParts
    program: Program
    labels: Mapping[str, tuple[str, ...]]
    statistics: Mapping[str, Statistics]
