"""What the built component of each slot offers; ``docs/architecture.md`` says the same in a table.

A component need not name its protocol: mypy checks where it is used.
"""

# B batch, S states, U target time, T time, D width, N hypotheses

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

    from seqspec.components.loss._loss import Loss
    from seqspec.components.outputs import Only, Output
    from seqspec.components.predictions import Predicted
    from seqspec.components.search._hypothesis import Hypothesis
    from seqspec.data.batching.batch import Batch
    from seqspec.schema.types import Type


class Learner(Protocol):
    """What every module offers, whatever it is: torch's own part that this package uses.

    A part may name in ``stacked`` the lists whose members each see the whole of a pass once, one after
    another, through ``forward``: where weights are shared out, each is gathered when its turn comes.
    """

    training: bool

    def train(self, mode: bool = True) -> Any: ...

    def eval(self) -> Any: ...

    def parameters(self, recurse: bool = True) -> Iterator[nn.Parameter]: ...

    def named_parameters(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, nn.Parameter]]: ...


class Parts(Protocol):
    """Hands a component what its slots hold."""

    def __call__(self, name: str) -> Any:
        """The built child in field ``name``; ``None`` where the field is empty."""
        ...

    def gives(self, name: str) -> Type:
        """What that child gives."""
        ...


@runtime_checkable
class GivesOutputs(Protocol):
    """What losses read."""

    def outputs(self, batch: Batch, *, only: Only = None) -> Mapping[str, Output]: ...


@runtime_checkable
class Decodes(Protocol):
    """What a search asks."""

    def decode(self, batch: Batch, search: Any) -> Sequence[Sequence[Hypothesis]]: ...


class Model(Learner, Protocol):
    """Slot ``model``: reads a batch, gives outputs and answers."""

    def outputs(self, batch: Batch, *, only: Only = None) -> Mapping[str, Output]:
        """What losses read, by the names that its config's ``wire`` declares; nothing beside ``only`` is
        worked out.
        """
        ...

    def decode(self, batch: Batch, search: Any) -> Sequence[Sequence[Hypothesis]]:
        """Answers for each example, best first."""
        ...

    def score(self, batch: Batch) -> Tensor:
        """``[B]``: the log-probability of each target when it is forced."""
        ...


class ValueModel(Model, Protocol):
    """A model whose predictions are values (images, audio, vectors …) in place of hypotheses: its ``decode``
    gives typed predictions.
    """

    def references(self, batch: Batch) -> Sequence[Predicted | None]:
        """What each example holds of the kind that is predicted; ``None`` where it holds none."""
        ...


class Attentive(Protocol):
    """A model that can say where it looked."""

    def attention(self, batch: Batch) -> Tensor | None:
        """``[B, U, S]``, or ``None`` where there is none."""
        ...


class Encoder(Protocol):
    """Slot ``encoder``.  One with auxiliary outputs names them in ``auxiliary`` and takes a mapping to put
    them into under that keyword.
    """

    def __call__(self, x_BTD: Tensor, lengths_B: Tensor | None) -> tuple[Tensor, Tensor | None]: ...


class Decoder(Protocol):
    """Slot ``decoder``: teacher forcing when called, a search through ``start`` and ``step``."""

    def __call__(self, ids_BU: Tensor, *memory: Tensor | None) -> Tensor: ...

    def start(self, memory_BSD: Tensor | None, memory_lengths_B: Tensor | None, *, examples: int) -> Any: ...

    def step(self, ids_N: Tensor, state: Any, *, look: bool = False) -> tuple[Tensor, Any]: ...


class StepwiseFeedForward(Protocol):
    """Slot ``feed_forward``, in a decoder: what a layer works out of each position, an ``nn.Module``."""

    def __call__(self, x_BTD: Tensor, *more: Any, **named: Any) -> Tensor: ...

    def step(self, x_ND: Tensor, before: None) -> tuple[Tensor, Any]:
        """One position a hypothesis."""
        ...


class Head(Protocol):
    """Slot ``head``: hidden states to logits."""

    def __call__(self, hidden: Tensor) -> Tensor: ...


class LinearHead(Head, Protocol):
    """A head whose one linear layer losses may fuse with."""

    weight_VD: Tensor
    bias_V: Tensor | None


class FactoredHead(Head, Protocol):
    """A head that knows the likelihood without spelling every logit out."""

    def nll(self, hidden_ND: Tensor, labels_N: Tensor) -> Tensor: ...


class Criterion(Protocol):
    """Slot ``loss``: called with the fields of the output that it reads; one whose config names a ``teacher``
    also with the teacher's output, ``teacher=``.
    """

    def __call__(self, *output: Any, **more: Any) -> Loss: ...


class Optimizer(Protocol):
    """Slot ``optimizer``."""

    def build(self, named_parameters: Iterable[tuple[str, nn.Parameter]]) -> torch.optim.Optimizer: ...


class Weighting(Protocol):
    """Weighs losses by what it learns; an ``nn.Module``."""

    rate: float
    """Factor on the learning rate of what it learns."""

    def __call__(self, means: Mapping[str, tuple[float, Tensor]]) -> Tensor:
        """One objective of losses by name, each with the weight that the spec states and its mean."""
        ...

    def told(self) -> dict[str, float]:
        """What it has learned, by the names of the journal."""
        ...

    def parameters(self) -> Iterator[nn.Parameter]: ...


class Joining(Protocol):
    """Slot ``procedure``, of those whose step takes a batch of each task."""

    def combine(
        self,
        gradients: Sequence[Sequence[Tensor | None]],
        generator: torch.Generator,
        losses: Sequence[float],
    ) -> list[Tensor | None]:
        """One gradient of ``gradients[task][parameter]``; ``losses`` are the objectives of the tasks."""
        ...

    def told(self) -> dict[str, float]:
        """What it has learned, by the names of the journal."""
        ...


class Search(Protocol):
    """Slot ``search``: steps of a model, or scores of states, to hypotheses."""

    def __call__(self, *given: Any) -> list[list[Hypothesis]]: ...


class Metric(Protocol):
    """Slot ``metric``."""

    reads: Literal[
        "text", "labels", "probabilities", "teacher_forced", "model",
        "audio", "image", "mask", "points", "video", "vector", "frames",
    ]  # fmt: skip
    """What ``update`` takes: two texts or labels, the probability of every label and the right one, the sums
    of a batch, or what ``measure(prediction,
    reference)`` gives for an example; a metric of values without ``measure`` takes both values themselves.
    One that reads the ``model`` asks it, by ``examine(model, batch)``, which gives a tuple for each example;
    one of images is handed what ``make(model, batch, search)`` of the first that ``makes`` the kind gave.
    """
    better: Literal["lower", "higher"]

    def update(self, *given: Any) -> None: ...

    def compute(self) -> dict[str, float]: ...

    def signature(self) -> str: ...


class Ranking(Metric, Protocol):
    """A metric of values that has a score for an example by itself, so that the worst are shown first."""

    def alone(self, *given: Any) -> float:
        """The score of one example, of what ``update`` takes."""
        ...


class Resampled(Metric, Protocol):
    """A metric of texts or labels that is a function of sums over examples: the bootstrap need not read the
    texts of every resample again.
    """

    def statistics(self, hypotheses: Sequence[str], references: Sequence[str]) -> Sequence[Sequence[float]]:
        """What each example adds to the sums."""
        ...

    def score_of(self, sums: Sequence[float]) -> float:
        """The first value of ``compute()`` for summed statistics."""
        ...
