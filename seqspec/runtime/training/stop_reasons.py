"""Why training stops by itself."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from seqspec.schema.diagnostic import Exit, RunError


class NotFinite(RunError):
    """A loss or a gradient is not a finite number.  ``lowered``: the arithmetic was float16."""

    def __init__(
        self,
        step: int,
        batches: list[tuple[int, Tensor]],
        *,
        phase: str | None = None,
        task: str = "",
        lowered: bool = False,
    ) -> None:
        self.step = step
        self.phase = phase
        self.task = task
        self.remedy = "lower the learning rate, clip the gradient, or set `train.skip_non_finite`"
        if lowered:
            self.remedy += "; float16 ends at 65,504, and `precision: bfloat16` does not"
        self.rows = [(micro, index.tolist()) for micro, index in batches]
        where = f"phase `{phase}` of step {step}" if phase else f"step {step}"
        where += f" (task `{task}`)" if task else ""
        super().__init__(self._told(where), exit=Exit.NON_FINITE)

    def _told(self, where: str) -> str:
        return f"the loss or the gradient of {where} is not finite"


class ScaleCollapsed(NotFinite):
    """Gradients leave float16 however little the loss is scaled."""

    def __init__(
        self,
        step: int,
        batches: list[tuple[int, Tensor]],
        *,
        scale: float,
        least: float,
        phase: str | None = None,
        task: str = "",
    ) -> None:
        """``scale``: what would come next, below ``least``."""
        self._tried, self._least = 2 * scale, least
        super().__init__(step, batches, phase=phase, task=task)
        self.remedy = "use `precision: bfloat16`, lower the learning rate, or begin with more warm-up"

    def _told(self, where: str) -> str:
        return (
            f"the gradient of {where} leaves float16 even where the loss is scaled by {self._tried:g}, "
            f"and `train.loss_scale.least` is {self._least:g}"
        )


class NothingLearned(RunError):
    """No loss has counted a target since the run began."""

    def __init__(self, step: int, why: Sequence[str]) -> None:
        reasons = "; ".join(why) or "no example has a target that the loss counts"
        super().__init__(
            f"nothing could be learned in the first {step:,} steps: {reasons}",
            exit=Exit.DATA,
            help="look at the corpus with `seqspec data inspect`; leave out what does not fit by "
            "`data.filter`, or give the source more states",
        )
