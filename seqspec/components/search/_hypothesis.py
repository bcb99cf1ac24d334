"""What a search is given, and what it finds."""

# A, B examples, C candidates of one, N hypotheses (B times the beam), S memory time,
# U prompt time, V vocabulary

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    from torch import Tensor


class Hypothesis(NamedTuple):
    """One output of a model; searches give them best first."""

    ids: tuple[int, ...]
    """Token ids without BOS and EOS."""
    score: float
    """What hypotheses are ranked by: the log-probability after length and coverage terms."""
    log_prob: float
    """Log-probability in nats, the end symbol's included where the model has one; where a search listens to
    several models, their weighted sum.
    """


class State(Protocol):
    """What a decoder keeps between steps."""

    @property
    def attention(self) -> Tensor | None:
        """``[N, S]``: where the last step looked, where it was asked to tell."""
        ...

    def select(self, rows_N: Tensor) -> Any:
        """The hypotheses in ``rows_N``, each as often as it is named; those of one example stay together, in
        order.
        """
        ...

    def keep(self, examples_B: Tensor) -> Any:
        """Forget what belongs to other examples (their memories); their hypotheses are gone already."""
        ...


class Candidates(NamedTuple):
    """Continuations of each example, best first; or of one example, a row for each of several steps that were
    taken at once.
    """

    sums_AC: Tensor
    """Log-probabilities; minus infinity where there is none."""
    parent_AC: Tensor
    """The hypothesis that is continued."""
    token_AC: Tensor


GoesOn = Callable[[Candidates], Candidates]
"""Which candidates of one example are its next hypotheses."""


class Step(Protocol):
    """One step of a model.  One that finds candidates faster than a search could has a method ``best``:
    ``best(count, goes_on)`` is a step over the hypotheses of one example that may give ``Candidates`` for
    logits, ``count`` of them, of one step or, where the search says which of them go on, of several.  Its
    states have a method ``scored``, which takes the log-probabilities ``[N]`` so far.
    """

    def __call__(self, ids_N: Tensor, state: Any, *, look: bool = False) -> tuple[Any, Any]:
        """Logits ``[N, V]`` after one more id a hypothesis, and the state that knows it; ``look`` asks for
        attention.
        """
        ...


@dataclass(frozen=True)
class Continuation:
    """What a search that writes token after token is given: where each example stands and how to go on."""

    first_B: Tensor
    """The id that each example is to read next: BOS, or the last of a prompt."""
    state: Any
    """A ``State`` before that id, for one hypothesis an example."""
    step: Step
    """How the model goes on."""
    limits_B: Tensor
    """The longest answer that the model allows each example, in ids."""
    memory_lengths_B: Tensor | None = None
    """How many encoder states each example has, where there is an encoder."""
    index_B: Tensor | None = None
    """Rows of the split, which seed the random numbers of a search that draws them."""
    read_BU: Tensor | None = None
    """The ids before ``first_B``, which ``state`` has read: a prompt without its last id, after BOS."""
    ctc: Callable[[], Tensor] | None = None
    """Gives ``[B, S, V]``: log-probabilities of a CTC head at the encoder's states, where there is one."""

    def for_best(self, count: int, goes_on: GoesOn | None) -> Continuation:
        """The same for a search that makes ``count`` candidates of each example's logits: where an example is
        alone, steps may give ``Candidates`` for logits; with ``goes_on``, those of several steps together.
        """
        best = getattr(self.step, "best", None) if len(self.first_B) == 1 else None
        return self if best is None else replace(self, step=best(count, goes_on))
