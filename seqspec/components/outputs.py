"""What a model gives a loss, by name: each output is the arguments of the losses that fit it."""

# B batch, S states, T time, U target time, D width, V vocabulary

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from torch import Tensor, nn

Only = frozenset[str] | None
"""The outputs that somebody wants; ``None`` for all."""


class Scored(NamedTuple):
    """States and labels one by one, for losses that are fused with the head's linear layer."""

    hidden: Tensor
    """``[B, U, D]``, or ``[B, D]`` for one label an example."""
    labels: Tensor
    """``[B, U]`` ids, or ``[B]`` classes."""
    head: nn.Module
    """Makes logits of ``hidden``."""
    each: int = 1
    """Labels that count as one target: the values of an image do."""

    @property
    def scores(self) -> Tensor:
        """What gradients are taken of where nothing but the output is looked at."""
        return self.hidden


class Aligned(NamedTuple):
    """Logits at the states of a source, more of them than there are targets."""

    logits: Tensor
    """``[B, S, V]``, the blank first."""
    lengths: Tensor
    """``[B]`` states."""
    target: Tensor
    """``[B, U]`` ids."""
    target_lengths: Tensor
    """``[B]``."""

    @property
    def scores(self) -> Tensor:
        """The logits."""
        return self.logits


class Compared(NamedTuple):
    """Numbers beside those that they should be, place by place."""

    predicted: Tensor
    """``[B, T]`` or ``[B, T, D]``."""
    reference: Tensor
    """The same shape."""
    lengths: Tensor
    """``[B]``: places that count of each example."""

    @property
    def scores(self) -> Tensor:
        """What was predicted."""
        return self.predicted


class Paired(NamedTuple):
    """The two sides of pairs as vectors, for losses that compare every source with every target."""

    source: Tensor
    """``[B, D]``."""
    target: Tensor
    """``[B, D]``: row *i* belongs to row *i* of ``source``."""
    negatives: Tensor
    """``[N, D]``: further vectors that belong to no source; ``N`` may be 0."""

    @property
    def scores(self) -> Tensor:
        """The sources' vectors."""
        return self.source


class PixelScores(NamedTuple):
    """Logits at each pixel of an image, beside the mask that holds its classes."""

    logits_BVHW: Tensor
    classes_BHW: Tensor

    @property
    def scores(self) -> Tensor:
        """The logits, the classes last."""
        return self.logits_BVHW.permute(0, 2, 3, 1)


class Denoised(NamedTuple):
    """What was predicted, and what is right, number by number."""

    given: Tensor
    """``[B, …]``."""
    wanted: Tensor

    @property
    def scores(self) -> Tensor:
        """What was predicted."""
        return self.given


class Contest(NamedTuple):
    """How real images look to a discriminator, for losses of adversarial training."""

    real_B: Tensor | None
    """Scores of the data; ``None`` where the generator is trained."""
    generated_B: Tensor
    """Scores of generated images."""
    real_BCHW: Tensor
    """The data in [-1, 1]."""
    generated_BCHW: Tensor
    """Generated images, in the same range."""
    critic: Callable[[Tensor], Tensor]
    """Scores of other images ``[B, C, H, W]``, of the same classes where the model is conditional."""

    @property
    def scores(self) -> Tensor:
        """Those of generated images."""
        return self.generated_B


class Posterior(NamedTuple):
    """What a model holds for likely of the latent vector of each example."""

    mean_BZ: Tensor
    log_variance_BZ: Tensor

    @property
    def scores(self) -> Tensor:
        """The means."""
        return self.mean_BZ


class CodesUsed(NamedTuple):
    """How often each code was chosen, for losses that look at all of a batch."""

    probability: Tensor
    """``[B, G, V]``: of each group's codes, summed over an example's states."""
    states: Tensor
    """``[B]`` float: how many there were."""

    @property
    def scores(self) -> Tensor:
        """The sums."""
        return self.probability


class Term(NamedTuple):
    """A loss that the model works out itself."""

    total: Tensor
    """Its mean times ``count``."""
    count: Tensor  # type: ignore[assignment]  # a tuple has a method of the name
    """Targets of the batch, so that it weighs as they do."""

    @property
    def scores(self) -> Tensor:
        """The sum."""
        return self.total


Output = (
    Scored | Aligned | Compared | Paired | PixelScores | Denoised | Contest | Posterior | CodesUsed | Term
)


def wanted(name: str, only: Only) -> bool:
    """Whether an output is wanted, or one below it: ``encoder`` for ``encoder.halting``."""
    return only is None or name in only or any(one.startswith(f"{name}.") for one in only)


def ran(module: Any, *given: Any, into: dict[str, Tensor] | None = None, name: str = "", **more: Any) -> Any:
    """What a part of a model gives; what it works out beside goes ``into`` under ``name``."""
    if into is None or not getattr(module, "auxiliary", ()):
        return module(*given, **more)
    beside: dict[str, Tensor] = {}
    result = module(*given, auxiliary=beside, **more)
    into |= {f"{name}.{key}": value for key, value in beside.items()}
    return result


def terms(means: Mapping[str, Tensor], count: Tensor, only: Only) -> Iterator[tuple[str, Term]]:
    """The auxiliary outputs that are wanted: a mean that stands for ``count`` targets, or ``[B]``, what each
    example gives.
    """
    for name, mean in means.items():
        if only is not None and name not in only:
            continue
        if mean.dim():
            yield name, Term(mean.sum(), mean.new_full((), len(mean)))
        else:
            yield name, Term(mean * count, count)
