"""What metrics of latent-variable models ask for."""

from __future__ import annotations

from collections.abc import Mapping

from seqspec.schema.config import Mismatch
from seqspec.schema.types import Likelihood, Nothing, Poison, Type


def require_posterior(takes: Mapping[str, Type], *, metric: str) -> Type:
    """The metric asks a model whose latent vector has a posterior."""
    given = takes["given"]
    if not isinstance(given, Poison) and not (isinstance(given, Likelihood) and given.latent == "gaussian"):
        raise Mismatch(
            f"`{metric}` is for models with a latent vector, and the model gives {given}",
            help="use model `vae`, or another metric",
        )
    return Nothing()
