"""Why training stops by itself."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from seqspec.schema.diagnostic import Exit, RunError


class NotFinite(RunError):
    """A loss or a gradient is not a finite number."""

    def __init__(
        self, step: int, batches: list[tuple[int, Tensor]], *, phase: str | None = None, task: str = ""
    ) -> None:
        self.step = step
        self.phase = phase
        self.task = task
        self.rows = [(micro, index.tolist()) for micro, index in batches]
        where = f"phase `{phase}` of step {step}" if phase else f"step {step}"
        where += f" (task `{task}`)" if task else ""
        super().__init__(f"the loss or the gradient of {where} is not finite", exit=Exit.NON_FINITE)


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
