"""What a loss gives."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from torch import Tensor


class Loss(NamedTuple):
    """Sums over the targets of a batch, each a scalar tensor on the device; nothing waits for them."""

    total: Tensor
    """What training makes small, summed over the targets."""
    count: Tensor  # type: ignore[assignment]  # a tuple has a method of the name
    """How many targets there were."""
    terms: dict[str, Tensor]
    """Further sums by name, for logs and teacher-forced metrics: ``nll`` in nats, ``correct`` where it was
    counted.
    """


def real_rows(hidden_BUD: Tensor, labels_BU: Tensor, *, ignore: int) -> Tensor:
    """``[N, D]``: the states that have a label, in order; two models may leave different places out."""
    rows = (labels_BU.flatten() != ignore).nonzero().squeeze(1)
    return hidden_BUD.flatten(0, -2)[rows]
