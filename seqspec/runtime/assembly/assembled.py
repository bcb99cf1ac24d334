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
    own: Prepared | None
    """The data; ``None`` of several tasks, each of which has its own."""
    program: Program
    initialized: tuple[Record, ...] = ()
    """What its first weights were taken from."""
    teachers: Mapping[str, Record] = field(default_factory=dict)
    """What its teachers are, those that come from runs."""
    pretrained: Mapping[str, Record] = field(default_factory=dict)
    """Which files its first weights were taken from, by part."""
    feature_runs: Mapping[str, Record] = field(default_factory=dict)
    """Whose features its metrics compare images by, by the metric's place."""
    tasks: Mapping[str, Assembled] = field(default_factory=dict)
    """Of several tasks, each by name, as far as its data were asked for."""

    @property
    def each(self) -> Mapping[str, Assembled]:
        """The tasks; what has none is one itself, without a name."""
        return self.tasks or {"": self}

    @property
    def prepared(self) -> Prepared:
        """The data of one task."""
        assert self.own is not None, "several tasks have no data together: ask `each`"
        return self.own


@dataclass(frozen=True)
class Kept:
    """What a run directory holds of the data of one task."""

    parts: DataParts
    labels: Mapping[str, tuple[str, ...]]
    label_counts: Mapping[str, tuple[int, ...]]
    statistics: Mapping[str, Statistics]


@dataclass(frozen=True)
class Reopened:
    """What a run directory holds of its run."""

    compiled: Compiled
    program: Program
    own: Kept | None
    """Of the data; ``None`` of several tasks, each of which has its own."""
    tasks: Mapping[str, Reopened] = field(default_factory=dict)
    """Of several tasks, each by name."""

    @property
    def each(self) -> Mapping[str, Reopened]:
        """The tasks; what has none is one itself, without a name."""
        return self.tasks or {"": self}

    @property
    def kept(self) -> Kept:
        """What is held of the data of one task."""
        assert self.own is not None, "several tasks have no data together: ask `each`"
        return self.own

    @property
    def parts(self) -> DataParts:
        """The built ``data`` part of one task, vocabularies loaded."""
        return self.kept.parts
