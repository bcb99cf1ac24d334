"""Teachers that are moving averages of the models that they teach."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, nn

from seqspec.compile.build.program import Program
from seqspec.runtime.assembly.teachers import MovingAverage


class FollowingTeachers:
    """Of all tasks of a program, each with the model that it follows."""

    def __init__(self, program: Program) -> None:
        self._each: dict[str, tuple[MovingAverage, nn.Module]] = {
            f"{task}.{name}" if task else name: (teacher, one.module)
            for task, one in program.each.items()
            for name, teacher in one.losses.teachers.items()
            if isinstance(teacher, MovingAverage)
        }

    def follow(self) -> None:
        """Go after the models, once they have moved."""
        for teacher, model in self._each.values():
            teacher.follow(model)

    def tensors(self) -> dict[str, Mapping[str, Tensor]]:
        """What a checkpoint holds of them."""
        return {f"teacher_{name}": teacher.tensors() for name, (teacher, _) in self._each.items()}

    def load(self, tensors: Mapping[str, Mapping[str, Tensor]]) -> None:
        """Go back to where they stood in a checkpoint."""
        for name, (teacher, _) in self._each.items():
            teacher.load(tensors[f"teacher_{name}"])
