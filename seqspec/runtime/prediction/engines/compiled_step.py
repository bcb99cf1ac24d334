"""A search's step as one call of machine code.

A step of few rows spends most of its time between products and on starting them.  Compiled, normalisation,
sums and activations run inside the products, and the choice of hypotheses inside the copy of their caches.
Where a search needs only the best candidates, they are found there too, and of a small model those of
several steps: which of them go on, the search tells in tensors.  The code stands for one example at a time,
up to ``rows`` hypotheses of it; several examples together the model answers itself.
"""

# N hypotheses, V vocabulary

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from seqspec.components.graphs import Function, TensorState
from seqspec.components.search._best import best_candidates
from seqspec.components.search._hypothesis import Candidates, GoesOn, Step
from seqspec.components.search._written import forbid, log_softmax_
from seqspec.runtime.prediction.engines.best_in_loops import best_in_loops
from seqspec.runtime.prediction.engines.compiled_encoder import CompiledRead
from seqspec.runtime.prediction.engines.machine_code import (
    FEW_ROWS,
    FEW_SMALL_ROWS,
    Arguments,
    MachineCode,
    code_key,
    is_small,
    machine_code,
    refused,
)

AHEAD = 4
"""Steps of a small model that are taken in one call: what a step costs beside the code becomes a fourth, and
those after the last that the search needs, one and a half on average, are worked out for nothing.
"""


def with_compiled_step(model: nn.Module, *, search: Any, digest: str) -> nn.Module:
    """The same model, whose ``step``, and ``read`` and ``start`` of one source of ids, are compiled, or read
    from the cache, when they are first used.  ``digest`` tells whatever decides the model's arithmetic beside
    its weights.

    Raises ``RunError`` where the model does not step, is not on a CPU, or the search has to see attention.
    """
    if not hasattr(model, "step") or search is None or getattr(search, "on", None):
        raise refused("this run's answers are not written step by step", "")
    if any(weight.device.type != "cpu" for weight in model.parameters()):
        raise refused("the model is not on a CPU", "use `--device cpu`, or ")
    if getattr(getattr(search, "penalty", None), "coverage", "none") != "none":
        raise refused("`coverage_penalty` has to see attention", "")
    steps: Any = model
    steps.step = CompiledStep(model, rows=_rows_of(search), digest=digest, plain=steps.step)
    if hasattr(model, "read"):
        read = CompiledRead(model, digest=digest, plain=steps.read, begin=steps.start)
        steps.read, steps.start = read, read.start
    return model


def _rows_of(search: Any) -> int:
    """Hypotheses of an example that a step takes."""
    rows: int = getattr(search, "size", getattr(search, "num_samples", 1))
    return rows


class CompiledState(NamedTuple):
    """What the hypotheses of one example carry from one compiled step to the next."""

    template: Any
    """The decoder's own state, which knows itself as tensors."""
    fixed: tuple[Tensor, ...]
    moving: tuple[Tensor, ...]
    rows_N: Tensor | None = None
    """Which hypotheses of ``moving`` go on, where not all do as they stand; the next step moves them."""
    sums_N: Tensor | None = None
    """Log-probabilities of the hypotheses; ``None`` for zeros."""
    attention: None = None

    def select(self, rows_N: Tensor) -> CompiledState:
        """The hypotheses in ``rows_N``."""
        rows_N = rows_N if self.rows_N is None else self.rows_N.index_select(0, rows_N)
        return CompiledState(self.template, self.fixed, self.moving, rows_N, self.sums_N)

    def scored(self, sums_N: Tensor) -> CompiledState:
        """The same hypotheses with their log-probabilities so far."""
        return CompiledState(self.template, self.fixed, self.moving, self.rows_N, sums_N)

    def keep(self, examples_B: Tensor) -> CompiledState:
        """There is one example."""
        return self

    def own(self) -> Any:
        """The decoder's state."""
        given: TensorState = self.template.tensors()
        moving = dict(zip(given.moving, self.moving, strict=True))
        if self.rows_N is not None:
            moving = _chosen(given, moving, self.rows_N)
        return self.template.restored({**dict(zip(given.fixed, self.fixed, strict=True)), **moving})


class CompiledStep:
    """Stands in for a model's ``step``."""

    def __init__(
        self,
        model: Any,
        *,
        rows: int,
        digest: str,
        plain: Step,
        count: int = 0,
        goes_on: GoesOn | None = None,
    ) -> None:
        self.model = model
        self.rows = rows
        self.digest = digest
        self.plain = plain
        self.count = count
        """Candidates that it gives; 0 where it gives logits."""
        self.goes_on = goes_on
        self.steps = AHEAD if goes_on is not None and is_small(model) else 1
        """Steps of one call."""
        self.all_N, self.zero_N = torch.arange(rows), torch.zeros(rows)
        self.fillings: dict[int, tuple[Tensor, Tensor]] = {}
        """By the number of hypotheses, those that stand in the rows, and minus infinity for those that stand
        there again.
        """
        self.code: MachineCode | None = None
        self.ranked: CompiledStep | None = None

    def best(self, count: int, goes_on: GoesOn | None) -> CompiledStep:
        """The step that gives ``count`` candidates, and logits where the code does not serve."""
        if self.ranked is None or (self.ranked.count, self.ranked.goes_on) != (count, goes_on):
            self.ranked = CompiledStep(
                self.model,
                rows=self.rows,
                digest=self.digest,
                plain=self.plain,
                count=count,
                goes_on=goes_on,
            )
        return self.ranked

    def __call__(self, ids_N: Tensor, state: Any, *, look: bool = False) -> tuple[Any, Any]:
        """As the model's."""
        count = ids_N.numel()
        entered = self._entered(state) if count <= self.rows and not look else None
        if entered is None:
            return self.plain(ids_N, state.own() if isinstance(state, CompiledState) else state, look=look)
        if count < self.rows:
            return self._padded(ids_N, entered)
        given, moving = self._run(ids_N, entered)
        return given, CompiledState(entered.template, entered.fixed, moving)

    def _padded(self, ids_N: Tensor, state: CompiledState) -> tuple[Any, CompiledState]:
        """A step of fewer hypotheses, as the first is: the first of them stands in the other rows too, where
        nothing that it could go on with is a candidate.
        """
        count = len(ids_N)
        fill_N, barred_N = self._filling(count)
        rows_N = fill_N if state.rows_N is None else state.rows_N.index_select(0, fill_N)
        sums_N = barred_N if state.sums_N is None else state.sums_N.index_select(0, fill_N) + barred_N
        state = CompiledState(state.template, state.fixed, state.moving, rows_N, sums_N)
        given, moving = self._run(ids_N.index_select(0, fill_N), state)
        stands_N = self.all_N[:count] if self.steps == 1 else None  # After another step all rows are real.
        after = CompiledState(state.template, state.fixed, moving, stands_N)
        if not self.count:
            return given[:count], after
        # Of a small vocabulary they have to be named, where there are fewer candidates than are asked for.
        given.parent_AC[0].clamp_(max=count - 1)
        return given, after

    def _filling(self, count: int) -> tuple[Tensor, Tensor]:
        if count not in self.fillings:
            fill_N = torch.where(self.all_N < count, self.all_N, 0)
            self.fillings[count] = fill_N, torch.where(self.all_N < count, 0.0, -torch.inf)
        return self.fillings[count]

    def _run(self, ids_N: Tensor, state: CompiledState) -> tuple[Any, tuple[Tensor, ...]]:
        """Logits or ``Candidates``, and the moving tensors."""
        assert self.code is not None
        rows_N = self.all_N if state.rows_N is None else state.rows_N
        sums_N = self.zero_N if state.sums_N is None else state.sums_N
        found = self.code([ids_N, rows_N, sums_N, *state.fixed, *state.moving])
        if self.count:
            return Candidates(*found[:3]), tuple(found[3:])
        return found[0], tuple(found[1:])

    def _entered(self, state: Any) -> CompiledState | None:
        """The state as the code takes it; ``None`` for sizes that it was not made for."""
        if not isinstance(state, CompiledState):
            tensors = _tensors(state)
            if any(_sizes(tensors, "batch", tensors.fixed) - {1}):
                return None
            (count,) = _sizes(tensors, "batch", tensors.moving)
            # How hypotheses have scored is known of the first, which stands for nothing.
            if count > (1 if self.count else self.rows):
                return None
            state = self._begun(state, tensors, count)
            if self.code is None:
                self.code = self._compiled(state)
        given = (self.all_N, self.all_N, self.zero_N, *state.fixed, *state.moving)
        return state if self.code is not None and self.code.fits(given) else None

    def _begun(self, own: Any, tensors: TensorState, count: int) -> CompiledState:
        """The first of ``count`` hypotheses stands in the rows that they leave free."""
        moving = _chosen(tensors, tensors.moving, self._filling(count)[0])
        return CompiledState(
            own, tuple(x.contiguous() for x in tensors.fixed.values()), tuple(moving.values())
        )

    def _compiled(self, state: CompiledState) -> MachineCode:
        tensors = _tensors(state.template)
        vary = [
            [number for number, axis in enumerate(tensors.axes[name]) if axis not in (None, "batch")]
            for name in (*tensors.fixed, *tensors.moving)
        ]

        def step(ids_N: Tensor, rows_N: Tensor, *values: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
            fixed, moving = values[: len(state.fixed)], values[len(state.fixed) :]
            logits_NV, after = self.plain(ids_N, CompiledState(state.template, fixed, moving, rows_N).own())
            return logits_NV, (*fixed, *after.tensors().moving.values())

        def logits(ids_N: Tensor, rows_N: Tensor, sums_N: Tensor, *values: Tensor) -> tuple[Tensor, ...]:
            logits_NV, values = step(ids_N, rows_N, *values)
            return (logits_NV, *(x.contiguous() for x in values[len(state.fixed) :]))

        def best(ids_N: Tensor, rows_N: Tensor, sums_N: Tensor, *values: Tensor) -> tuple[Tensor, ...]:
            given: list[Candidates] = []
            for number in range(self.steps):
                if number and self.goes_on is not None:
                    sums_N, rows_N, ids_N = (x_AN[0] for x_AN in self.goes_on(given[-1]))
                logits_NV, values = step(ids_N, rows_N, *values)
                log_probs_NV = forbid(log_softmax_(logits_NV.float()))
                given.append(self._best(log_probs_NV, sums_N))
            candidates = (torch.cat(parts) for parts in zip(*given, strict=True))
            return (*candidates, *(x.contiguous() for x in values[len(state.fixed) :]))

        return machine_code(
            Function(self.model, best if self.count else logits),
            Arguments(
                [self.all_N, self.all_N, self.zero_N, *state.fixed, *state.moving], [[], [], [], *vary]
            ),
            key=self.key(),
            recipe=FEW_SMALL_ROWS if is_small(self.model) else FEW_ROWS,
            what="a step of the search",
        )

    def _best(self, log_probs_NV: Tensor, sums_N: Tensor) -> Candidates:
        if is_small(self.model):
            return best_in_loops(log_probs_NV, sums_N, count=self.count)
        return best_candidates(log_probs_NV, sums_N[None], count=self.count)

    def key(self) -> str:
        """SHA-256 of everything that decides the code."""
        return code_key(
            self.model, plan=self.digest, what="step", rows=self.rows, best=self.count, steps=self.steps
        )


def _chosen(tensors: TensorState, moving: Mapping[str, Tensor], rows_N: Tensor) -> dict[str, Tensor]:
    """The hypotheses in ``rows_N``."""
    return {name: x.index_select(tensors.axes[name].index("batch"), rows_N) for name, x in moving.items()}


def _tensors(state: Any) -> TensorState:
    if not hasattr(state, "tensors"):
        raise refused(f"`{type(state).__name__}`, which its decoder keeps, is more than tensors", "")
    tensors: TensorState = state.tensors()
    return tensors


def _sizes(tensors: TensorState, axis: str, names: Mapping[str, Tensor]) -> set[int]:
    return {
        x.shape[tensors.axes[name].index(axis)] for name, x in names.items() if axis in tensors.axes[name]
    }
