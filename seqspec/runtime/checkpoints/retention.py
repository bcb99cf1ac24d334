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


@dataclass(frozen=True)
class Keep:
    """How many are kept."""

    last: int = 2
    best: int = 1
    every_steps: int | None = None


def steps_of(parent: Path) -> list[int]:
    """Steps that have a checkpoint, oldest first."""
    found = (entry.name.removeprefix("step-") for entry in parent.glob("step-*") if entry.is_dir())
    return sorted(int(number) for number in found if number.isdigit())


def newest_sound(parent: Path, say: Callable[[str], None]) -> Checkpoint | None:
    """The newest checkpoint that verifies; ``say`` hears which were passed over and why."""
    for step in reversed(steps_of(parent)):
        try:
            return read_checkpoint(parent / folder_name(step))
        except (Damaged, OSError) as error:
            say(f"checkpoint {folder_name(step)} is passed over: {error}")
    return None


def prune(parent: Path, *, keep: Keep, scores: Mapping[int, float]) -> None:
    """Remove what the rules do not keep.  ``scores``: the judgement of each step, higher is better."""
    present = steps_of(parent)
    kept = set(present[-max(1, keep.last) :])
    kept.update(best_steps([step for step in present if step in scores], scores)[: keep.best])
    if keep.every_steps:
        kept.update(step for step in present if step % keep.every_steps == 0)
    for step in set(present) - kept:
        # Renamed first, so that a half-removed checkpoint is never taken for a whole one.
        doomed = parent / f".writing-doomed-{folder_name(step)}"
        (parent / folder_name(step)).rename(doomed)
        shutil.rmtree(doomed, ignore_errors=True)


def best_steps(steps: list[int], scores: Mapping[int, float]) -> list[int]:
    """Steps from best to worst; the earlier one where two are equal."""
    return sorted(steps, key=lambda step: (-scores[step], step))
