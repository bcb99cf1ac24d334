"""All checks over one preparation, with what the spec says is known taken into account."""

from __future__ import annotations

import importlib
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from seqspec.data.inspect.finding import VERDICTS, Finding, Verdict
from seqspec.data.inspect.subject import Subject
from seqspec.data.progress import Progress, silent

NOT_CHECKS = {
    "__init__",
    "drawing",
    "finding",
    "html_page",
    "inspection",
    "media",
    "near_copies",
    "subject",
    "text_report",
}


@dataclass(frozen=True)
class Inspection:
    """What was found, in the order of the checks' ids."""

    name: str
    findings: tuple[Finding, ...]
    seconds: float

    @property
    def worst(self) -> Verdict:
        """The gravest verdict."""
        return min((finding.verdict for finding in self.findings), key=VERDICTS.index, default="ok")

    def count(self, verdict: Verdict) -> int:
        """Findings with a verdict."""
        return sum(finding.verdict == verdict for finding in self.findings)

    def as_data(self) -> dict[str, Any]:
        """As plain data, without figures."""
        return {
            "name": self.name,
            "worst": self.worst,
            "findings": [
                {
                    "check": f.check,
                    "verdict": f.verdict,
                    "message": f.message,
                    "advice": f.advice,
                    "numbers": dict(f.numbers),
                    "examples": list(f.examples),
                }
                for f in self.findings
            ],
        }


def inspect(subject: Subject, *, name: str, progress: Progress = silent) -> Inspection:
    """Run every check.  A finding that the spec accepts, with a reason, counts no more."""
    begun = time.monotonic()
    accepted = subject.parts.config.accept
    found: list[Finding] = []
    with progress("inspecting", len(topics())) as advance:
        for topic in topics():
            found += _checked(topic, subject)
            advance(1)
    known = [_accept(finding, accepted) for finding in found]
    return Inspection(name, tuple(sorted(known, key=lambda f: f.check)), time.monotonic() - begun)


@cache
def topics() -> tuple[str, ...]:
    """The modules with checks: the folder listing."""
    return tuple(sorted(f.stem for f in Path(__file__).parent.glob("*.py") if f.stem not in NOT_CHECKS))


def _checked(topic: str, subject: Subject) -> Iterator[Finding]:
    module = importlib.import_module(f"seqspec.data.inspect.{topic}")
    found: Iterator[Finding] = module.check(subject)
    return found


def _accept(finding: Finding, accepted: dict[str, str]) -> Finding:
    reason = accepted.get(finding.check)
    if reason is None or finding.verdict == "ok":
        return finding
    return replace(finding, verdict="accepted", advice=f"the spec accepts this: {reason}")
