"""Weights by uncertainty: Kendall, Gal & Cipolla (2018), "Multi-Task Learning Using Uncertainty to Weigh
Losses for Scene Geometry and Semantics", CVPR, arXiv:1705.07115, equations 7 and 10.

The paper halves the squared error of a Gaussian and no cross-entropy.  Here no loss is halved: that moves a
log-variance by ln 2 and changes nothing else.
"""

from collections.abc import Mapping

from seqspec.schema.config import Config, Mismatch
from seqspec.schema.types import Auxiliary, Nothing, Type
from seqspec.schema.units import PositiveFloat


class UncertaintyConfig(Config):
    """Each loss has a log-variance s that is learned, from 0: exp(-s) · loss + s / 2 is made small.

    A weight that the spec states is a factor on all of it.  Losses that a part of the model works out itself
    (auxiliary outputs) keep the weight they have.
    """

    fixed: list[str] = []
    """Losses that are not weighed, by the name that the journal has for them, such as `kl` or `asr.ctc`."""
    rate: PositiveFloat = 1.0
    """Factor on the learning rate of the log-variances."""

    def output(self, losses: Mapping[str, Type]) -> Nothing:
        """Refuses names that are no losses, and weights that have nothing to be weighed against."""
        for index, name in enumerate(self.fixed):
            if name not in losses:
                known = ", ".join(f"`{one}`" for one in losses)
                raise Mismatch(
                    f"there is no loss `{name}`",
                    at=("fixed", index),
                    help=f"the losses are {known}",
                    code="SQ340",
                )
        if not self.weighed(losses):
            raise Mismatch(
                "none of the losses is weighed",
                at=("fixed",) if self.fixed else (),
                help="take `weighting` out",
                code="SQ340",
            )
        if len(losses) == 1:
            raise Mismatch(
                "one loss has nothing to be weighed against",
                help="take `weighting` out, or name more `losses`",
                code="SQ340",
            )
        return Nothing()

    def weighed(self, losses: Mapping[str, Type]) -> tuple[str, ...]:
        """The losses that have a log-variance, by name."""
        return tuple(
            name
            for name, type_ in losses.items()
            if name not in self.fixed and not isinstance(type_, Auxiliary)
        )

    def parameters(self, losses: Mapping[str, Type]) -> int:
        """One a loss."""
        return len(self.weighed(losses))
