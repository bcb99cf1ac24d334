"""An experiment with its data and its program, made from a spec or opened from a run directory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from seqspec.compile.build.program import Program
from seqspec.compile.plan.plan import Compiled
from seqspec.data.stages.normalize import Statistics
from seqspec.data.stages.parts import DataParts
from seqspec.data.stages.prepare import Prepared
from seqspec.runtime.assembly.initial_weights import Record


@dataclass(frozen=True)
class Assembled:
    """Everything that a run works with."""

    compiled: Compiled
    prepared: Prepared
    program: Program
    initialized: tuple[Record, ...] = ()
    """What its first weights were taken from."""


@dataclass(frozen=True)
class Reopened:
    """What a run directory holds of its run."""

    compiled: Compiled
    parts: DataParts
    program: Program
    labels: Mapping[str, tuple[str, ...]]
    statistics: Mapping[str, Statistics]
