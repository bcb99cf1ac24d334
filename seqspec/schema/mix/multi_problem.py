"""A primary task and what the others get beside it, as in Tensor2Tensor's ``MultiProblem``:
github.com/tensorflow/tensor2tensor, docs/multi_problem.md.
"""

from collections.abc import Mapping
from typing import Any, Literal

from seqspec.schema.config import Config, Mismatch
from seqspec.schema.mix._mix import require_some
from seqspec.schema.types import Nothing, Type
from seqspec.schema.units import Fraction, NonNegative, Positive

FLOOR = 1e-4
"""What share of its limit ``exponential`` begins with (Tensor2Tensor)."""


class MultiProblemConfig(Config):
    """The other tasks share what the primary leaves; Tensor2Tensor counts examples, here it is batches."""

    primary: str
    """Name of the primary task."""
    schedule: Literal["constant", "exponential", "pretrain"] = "constant"
    """``constant``: the others have ``others_share`` from the first batch on; ``exponential``: their share
    grows to it by a constant factor a batch, from a ten-thousandth of it; ``pretrain``: the primary is alone
    for ``batches`` batches, and after them the others are.
    """
    others_share: Fraction = 0.5
    """Share of all batches that go to the other tasks together; not with ``pretrain``."""
    batches: Positive | None = None
    """Batches until ``exponential`` has reached the share, or ``pretrain`` changes over."""
    thresholds: dict[str, NonNegative] | None = None
    """How much of the others' share each of them gets, relative to the rest of them; left out, all alike."""

    def output(self, tasks: Mapping[str, Type]) -> Nothing:
        """Refuses names that are no tasks, and settings that do not go together."""
        others = [task for task in tasks if task != self.primary]
        if self.primary not in tasks:
            known = ", ".join(f"`{task}`" for task in tasks)
            message = f"there is no task `{self.primary}`"
            raise Mismatch(message, at=("primary",), help=f"the tasks are {known}")
        if not others:
            raise Mismatch("there is no task beside the primary one", at=("primary",), help="take `mix` out")
        if (self.batches is None) != (self.schedule == "constant"):
            verb, help = ("needs a", "set `batches`") if self.batches is None else ("has no", "take it out")
            at = ("schedule",) if self.batches is None else ("batches",)
            raise Mismatch(f"`{self.schedule}` {verb} number of batches", at=at, help=help)
        if self.schedule == "pretrain" and "others_share" in self.model_fields_set:
            message = "with `pretrain` the others have no batch at first and all of them later"
            raise Mismatch(message, at=("others_share",), help="take it out")
        if self.thresholds is not None:
            self._check_thresholds(self.thresholds, others)
        return Nothing()

    def _check_thresholds(self, thresholds: Mapping[str, float], others: list[str]) -> None:
        for name in {**thresholds, **dict.fromkeys(others)}:
            if name not in others or name not in thresholds:
                message = (
                    f"there is no other task `{name}`"
                    if name not in others
                    else f"`{name}` is not among them"
                )
                listed = ", ".join(f"`{task}`" for task in others)
                raise Mismatch(message, at=("thresholds",), help=f"give a number to each of {listed}")
        require_some(thresholds, at="thresholds")

    def at(self, step: Any, sizes: Mapping[str, int]) -> dict[str, Any]:
        """One curve for the primary, and parts of its rest for the others."""
        others = {task: 1.0 for task in sizes if task != self.primary}
        parts = {task: float(value) for task, value in (self.thresholds or others).items()}
        rest = self._rest(step)
        total = sum(parts.values())
        return {task: 1.0 - rest if task == self.primary else rest * parts[task] / total for task in sizes}

    def _rest(self, step: Any) -> Any:
        """The share of the others at a batch."""
        if self.batches is None:
            return self.others_share
        ended = step >= self.batches
        if self.schedule == "pretrain":
            return 1.0 * ended
        left = (self.batches - step) * (1 - ended) / self.batches
        return self.others_share * FLOOR**left
