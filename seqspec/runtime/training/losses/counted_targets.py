"""Whether training has anything to learn from: targets that losses count, examples that they leave out."""

from __future__ import annotations

from seqspec.compile.build.program import Program
from seqspec.runtime.training.journal_window import Windows
from seqspec.runtime.training.stop_reasons import NothingLearned


class CountedTargets:
    """Of a run since it began."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.learned = False
        """Some loss has counted a target."""
        self.left_out: set[str] = set()
        """Terms whose examples have been told to be left out."""

    def require(self, window: Windows, *, step: int) -> list[str]:
        """Why examples were left out that this was not told of before.

        Raises ``NothingLearned`` where the losses have counted no target since the run began; all processes
        must ask.
        """
        left_out = {
            name: text for one in self.program.each.values() for name, text in one.losses.left_out.items()
        }
        if self.learned and not left_out:
            return []
        totals = window.totals()
        self.learned = self.learned or totals.get("count", 0.0) > 0
        why = {name: text for name, text in left_out.items() if totals.get(name)}
        told = [f"{totals[name]:,.0f} {text}" for name, text in why.items()]
        if totals and not self.learned:
            raise NothingLearned(step, told)
        new = [line for name, line in zip(why, told, strict=True) if name not in self.left_out]
        self.left_out |= why.keys()
        return new
