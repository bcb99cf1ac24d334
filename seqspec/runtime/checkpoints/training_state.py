"""What a checkpoint holds besides tensors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from seqspec.schema.sections.evaluate import Evaluate, Stop


@dataclass
class TrainingState:
    """How the run stands: what a checkpoint holds besides tensors, and what resuming starts from."""

    scores: dict[int, float] = field(default_factory=dict)
    evaluated_at: int = 0
    journal: int = 0
    patience: int = 0
    stopped: bool = False
    """Ended before ``max_steps`` because nothing improved."""
    checkpoint_every_steps: int = 1
    """Period of the checkpoints of the plan."""
    max_steps: int | None = None
    """Last step of the plan."""
    journal_before_end: int | None = None
    """Length of the journal before what stands in it only because the run has come to its last step."""
    end_lines: str = ""
    """What a longer run would have written at that step."""
    task_scores: dict[str, dict[int, float]] = field(default_factory=dict)
    """Of several tasks, the scores of each."""

    def waited(self, tasks: Mapping[str, Evaluate]) -> tuple[int, bool]:
        """Evaluations without improvement, and whether that ends the run: when every task that stops early
        has stalled.  Where there are no tasks, there is one without a name.
        """
        scores = self.task_scores or {"": self.scores}
        stops = {name: one.stop for name, one in tasks.items() if one.stop is not None}
        since = {name: stalled(scores.get(name, {}), stop) for name, stop in stops.items()}
        ended = bool(stops) and all(since[name] >= stop.after for name, stop in stops.items())
        return min(since.values(), default=0), ended

    def planned(self, step: int) -> bool:
        """Whether the plan itself writes a checkpoint at ``step``: only these may be chosen, so that a
        signal, which writes one wherever it finds the run, changes no result.
        """
        last = step == self.max_steps or (self.stopped and step == self.evaluated_at)
        return last or step % self.checkpoint_every_steps == 0

    def as_json(self) -> dict[str, Any]:
        return {
            "scores": {str(step): score for step, score in self.scores.items()},
            "judged_at": self.evaluated_at,
            "journal": self.journal,
            "patience": self.patience,
            "stopped": self.stopped,
            "checkpoint_every_steps": self.checkpoint_every_steps,
            "max_steps": self.max_steps,
            "journal_before_end": self.journal_before_end,
            "end_lines": self.end_lines,
            **({"task_scores": _named(self.task_scores)} if self.task_scores else {}),
        }

    @classmethod
    def from_json(cls, state: Mapping[str, Any]) -> TrainingState:
        scores = {int(step): score for step, score in state["scores"].items()}
        # Runs of earlier versions did not write down which checkpoints were planned.
        later = {
            "checkpoint_every_steps": state.get("checkpoint_every_steps", 1),
            "max_steps": state.get("max_steps"),
            "journal_before_end": state.get("journal_before_end"),
            "end_lines": state.get("end_lines", ""),
            "task_scores": {
                task: {int(step): score for step, score in scores.items()}
                for task, scores in state.get("task_scores", {}).items()
            },
        }
        known = (state["judged_at"], state["journal"], state["patience"], state["stopped"])
        return cls(scores, *known, **later)

    def for_plan(
        self, max_steps: int, evaluate: Evaluate, tasks: Mapping[str, Evaluate] | None = None
    ) -> TrainingState:
        """The same point of a run that is to end at ``max_steps``: without what the step did only because it
        was the last one.  ``tasks`` are those of several.
        """
        if self.max_steps in (None, max_steps):
            return replace(self, end_lines="")
        period = evaluate.every_steps

        def kept(scores: Mapping[int, float]) -> dict[int, float]:
            due = (step for step in scores if period and (not step % period or step == max_steps))
            return {step: scores[step] for step in due}

        scores = kept(self.scores)
        journal = self.journal if self.journal_before_end is None else self.journal_before_end
        found = replace(
            self, scores=scores, evaluated_at=max(scores, default=0), max_steps=max_steps,
            journal=journal, journal_before_end=None,
            task_scores={task: kept(one) for task, one in self.task_scores.items()},
        )  # fmt: skip
        return replace(found, patience=found.waited(tasks or {"": evaluate})[0])


def _named(task_scores: Mapping[str, Mapping[int, float]]) -> dict[str, dict[str, float]]:
    return {task: {str(step): score for step, score in one.items()} for task, one in task_scores.items()}


def stalled(scores: Mapping[int, float], stop: Stop | None) -> int:
    """Evaluations, by step, since the last that improved on all before it."""
    best, since = float("-inf"), 0
    for step in sorted(scores) if stop else ():
        assert stop is not None
        since = 0 if scores[step] > best + stop.min_delta else since + 1
        best = max(best, scores[step])
    return since
