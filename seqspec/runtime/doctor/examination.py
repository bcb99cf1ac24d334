"""All checks over one experiment."""

from __future__ import annotations

import importlib
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from seqspec.data.inspect.finding import Finding
from seqspec.data.inspect.inspection import Inspection
from seqspec.data.progress import Progress, silent
from seqspec.runtime.devices.torch_compiler import plain_bookkeeping
from seqspec.runtime.doctor.subject import Patient

OF_LABELS = {"evaluation", "isolation", "learning", "start"}
"""What only holds of models that learn labels or tokens: what guessing costs, examples known by heart."""
NOT_CHECKS = {"__init__", "examination", "subject", "trained"}


def examine(patient: Patient, *, name: str, progress: Progress = silent) -> Inspection:
    """Run every check."""
    plain_bookkeeping()
    begun = time.monotonic()
    found: list[Finding] = []
    with progress("examining", len(topics())) as advance:
        for topic in topics():
            if patient.labelled or topic not in OF_LABELS:
                found += _checked(topic, patient)
            advance(1)
    return Inspection(name, tuple(sorted(found, key=lambda f: f.check)), time.monotonic() - begun)


@cache
def topics() -> tuple[str, ...]:
    """The modules with checks: the folder listing."""
    return tuple(sorted(f.stem for f in Path(__file__).parent.glob("*.py") if f.stem not in NOT_CHECKS))


def _checked(topic: str, patient: Patient) -> Iterator[Finding]:
    found: Iterator[Finding] = importlib.import_module(f"seqspec.runtime.doctor.{topic}").check(patient)
    return found
