"""Variational bound of a diffusion model: Ho et al. (2020), "Denoising Diffusion Probabilistic Models",
arXiv:2006.11239, equation 5.
"""

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field

from seqspec.schema.config import Config, Mismatch
from seqspec.schema.types import Denoising, Nothing, Poison, Type


class DiffusionBoundConfig(Config):
    """Bits per dimension of 8-bit pixels, from above; steps have the variance of their posterior."""

    steps: Annotated[int, Field(ge=1, le=100_000)] = 50
    """Stretches of the process, of each of which one step is drawn; as many as there are steps tell all."""

    def output(self, source: Mapping[str, Type]) -> Type:
        given = source["given"]
        if not isinstance(given, Poison) and not (isinstance(given, Denoising) and given.path == "gaussian"):
            raise Mismatch(
                f"`diffusion_bound` is for the gaussian process of a diffusion model, and this is {given}",
                help="of a flow the likelihood is not worked out",
            )
        return Nothing()
