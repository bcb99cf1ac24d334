"""What a search finds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from torch import Tensor


class Hypothesis(NamedTuple):
    """One output of a model; searches give them best first."""

    ids: tuple[int, ...]
    """Token ids without BOS and EOS."""
    score: float
    """What hypotheses are ranked by: the log-probability after length and coverage terms."""
    log_prob: float
    """Log-probability in nats, the end symbol's included where the model has one."""


@dataclass(frozen=True)
class Continuation:
    """What a search that writes token after token is given: where each example stands and how to go on."""

    first_B: Tensor
    """The id that each example begins with."""
    state: Any
    """The decoder's state before anything is read; ``select`` and ``keep`` choose among hypotheses and examples."""
    step: Callable[..., tuple[Tensor, Any]]
    """``step(ids_N, state, look=False)``: logits ``[N, V]`` and the state after reading one more id a hypothesis."""
    limits_B: Tensor
    """The longest answer that the model allows each example, in ids."""
    memory_lengths_B: Tensor | None = None
    """How many encoder states each example has, where there is an encoder."""
