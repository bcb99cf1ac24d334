"""Which checkpoints of a run are kept, and which one is used: the newest n, the best k, every m-th; the
newest sound one wins.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from seqspec.runtime.checkpoints.checkpoint import Checkpoint, folder_name, read_checkpoint
from seqspec.runtime.checkpoints.tensor_file import Damaged
from seqspec.runtime.run_folder.folder import steps_of as steps_of
from seqspec.schema.sections.train import Train


@dataclass(frozen=True)
class Retention:
    """How many are kept."""

    last: int = 2
    best: int = 1
    every_steps: int | None = None

    @classmethod
    def of(cls, train: Train) -> Retention:
        """What the spec says."""
        return cls(train.keep_last, train.keep_best, train.keep_every_steps)


def every_step(step: int) -> bool:
    """Every checkpoint counts."""
    return True


def newest_sound(parent: Path, say: Callable[[str], None]) -> Checkpoint | None:
    """The newest checkpoint that verifies; ``say`` hears which were passed over and why."""
    for step in reversed(steps_of(parent)):
        try:
            return read_checkpoint(parent / folder_name(step), step=step)
        except (Damaged, OSError) as error:
            say(f"checkpoint {folder_name(step)} is passed over: {error}")
    return None


def prune(
    parent: Path,
    *,
    retention: Retention,
    scores: Mapping[int, float],
    planned: Callable[[int], bool] = every_step,
    newest: int | None = None,
) -> None:
    """Remove what the rules do not keep.  ``scores``: the evaluation of each step, higher is better.

    The rules see only the checkpoints that the plan itself writes (``planned``), so that they keep the same
    ones whatever signals came.  One that a signal made is kept while it is the ``newest``; what lies beyond
    that step is not touched.
    """
    present = [step for step in steps_of(parent) if newest is None or step <= newest]
    ours = [step for step in present if planned(step)]
    kept = {*present[-1:], *ours[-max(1, retention.last) :]}
    kept.update(best_steps([step for step in ours if step in scores], scores)[: retention.best])
    if retention.every_steps:
        kept.update(step for step in ours if step % retention.every_steps == 0)
    for step in set(present) - kept:
        # Renamed first, so that a half-removed checkpoint is never taken for a whole one.
        doomed = parent / f".writing-doomed-{folder_name(step)}"
        (parent / folder_name(step)).rename(doomed)
        shutil.rmtree(doomed, ignore_errors=True)


def best_steps(steps: list[int], scores: Mapping[int, float]) -> list[int]:
    """Steps from best to worst; the earlier one where two are equal."""
    return sorted(steps, key=lambda step: (-scores[step], step))
