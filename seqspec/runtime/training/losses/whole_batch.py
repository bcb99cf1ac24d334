"""Losses that compare every example of a step's batch with every other, whatever its micro-batches are.

Gao et al. (2021), "Scaling Deep Contrastive Learning Batch Size under Memory Limited Setup",
arXiv:2101.06983, section 3: the outputs of all micro-batches are worked out without a graph; the loss of all
of them together gives each output its gradient; then each micro-batch is worked out once more and its
gradient flows back.  No more than one micro-batch's graph is held at a time.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Any, Protocol

import torch
from torch import Tensor

from seqspec.components.losses import Losses, LossSum
from seqspec.data.batching.batch import Batch

if TYPE_CHECKING:
    from seqspec.components.loss._loss import Loss

Gradients = dict[str, list[Tensor]]
"""By loss, the gradient of each tensor of the output that it reads."""
Seeded = Callable[[Batch], None]
"""Sets the random numbers of a micro-batch, so that both passes drop the same units."""


class Learning(Protocol):
    """A model and its losses, as a program has them."""

    @property
    def model(self) -> Any: ...

    @property
    def losses(self) -> Losses: ...


class WholeBatch:
    """Collects the micro-batches of one update and gives its objective with the last of them."""

    def __init__(
        self,
        program: Learning,
        *,
        micro_batches: int,
        seeded: Seeded,
        weight: float = 1.0,
        scale: Callable[[], float] | None = None,
    ) -> None:
        """``scale``: what a loss is multiplied with before its backward pass, where it is in float16; the
        objective that is given is not.
        """
        self.scale = scale
        self.losses, self.model = program.losses, program.model
        self.micro_batches, self.seeded, self.weight = micro_batches, seeded, weight
        self._held: list[Batch] = []

    def objective(self, batch: Batch, *, names: Collection[str] | None, step: int) -> LossSum | None:
        """``None`` until the last micro-batch of the update; then all losses of all of them.

        The gradients of the earlier ones have been added to the parameters when it returns; ``backward`` on
        the objective, divided by the number of micro-batches, adds those of the last.
        """
        self._held.append(batch)
        if len(self._held) < self.micro_batches:
            return None
        held, self._held = self._held, []
        real = [one for one in held if math.isfinite(one.loss_normalizer)]
        gradients, sums = self._compare(real, names, step)
        last = torch.zeros(())
        for one in held:
            last = self.weight * self._part(one, gradients.get(one.step, {}), names, step, sums)
            if one is not held[-1]:
                mean = last / self.micro_batches
                _backward(mean.float() * self.scale() if self.scale else mean)
        told = self.losses.weigh(sums, real[0], step=step)
        finite = torch.where(torch.isfinite(told.total.detach()), 1.0, math.nan)
        return told._replace(objective=last * finite, total=told.total.detach())

    def _compare(
        self, held: list[Batch], names: Collection[str] | None, step: int
    ) -> tuple[dict[int, Gradients], dict[str, Loss]]:
        """The gradients of the outputs of each micro-batch, and the losses that compare all of them."""
        chosen = self.losses.chosen(names, whole_batch=True)
        only = frozenset(one.on for one in chosen.values())
        outputs = []
        with torch.no_grad():
            for batch in held:
                self.seeded(batch)
                outputs.append(self.model.outputs(batch, only=only))
        gradients: dict[int, Gradients] = {batch.step: {} for batch in held}
        sums: dict[str, Loss] = {}
        factor = self.scale() if self.scale else None
        for name, one in chosen.items():
            leaves = [[_leaf(x, scaled=factor is not None) for x in given[one.on]] for given in outputs]
            criterion: Any = one.criterion
            loss = criterion(*(torch.cat(column) for column in zip(*leaves, strict=True)))
            mean = one.weight(step) * loss.total / self.losses.normalizer_of(held[0], name)
            _backward(mean if factor is None else mean.float() * factor)
            sums[name] = loss._replace(total=loss.total.detach())
            for batch, leaf in zip(held, leaves, strict=True):
                found = [x if x.grad is None else x.grad for x in leaf if x.numel()]
                gradients[batch.step][name] = found if factor is None else [x.float() / factor for x in found]
        return gradients, sums

    def _part(
        self,
        batch: Batch,
        gradients: Gradients,
        names: Collection[str] | None,
        step: int,
        sums: dict[str, Loss],
    ) -> Tensor:
        """What ``backward`` is called on for a micro-batch; losses that need no other join ``sums``."""
        self.seeded(batch)
        chosen = self.losses.chosen(names)
        outputs = self.model.outputs(batch, only=frozenset(one.on for one in chosen.values()))
        read = [x for one in chosen.values() for x in outputs[one.on] if isinstance(x, Tensor)]
        total = 0.0 * sum(x.sum() for x in read if x.is_floating_point())
        for name, held in gradients.items():
            given = [x for x in outputs[chosen[name].on] if x.numel()]
            total = total + sum((x * gradient).sum() for x, gradient in zip(given, held, strict=True))
        alone = self.losses.summed(outputs, self.losses.chosen(names, whole_batch=False), batch)
        if alone:
            total = total + self.losses.weigh(alone, batch, step=step).objective
            _add(alone, sums)
        return total  # type: ignore[return-value]  # `sum` begins with the int 0


def _leaf(x: Tensor, *, scaled: bool) -> Tensor:
    """What a gradient is asked for; a scaled one would leave float16 where the output is in it."""
    return (x.float() if scaled else x).detach().requires_grad_()


def _backward(total: Tensor) -> None:
    """Outside autocast, as the backward pass of every other loss: it would round products of float32."""
    with torch.autocast(total.device.type, enabled=False):
        total.backward()


def _add(found: dict[str, Loss], sums: dict[str, Loss]) -> None:
    """Add the losses of one micro-batch to those of the others."""
    for name, loss in found.items():
        before = sums.get(name)
        here = loss._replace(total=loss.total.detach())
        sums[name] = here if before is None else _sum(before, here)


def _sum(a: Loss, b: Loss) -> Loss:
    terms = {name: a.terms[name] + b.terms[name] for name in a.terms}
    return type(a)(a.total + b.total, a.count + b.count, terms)
