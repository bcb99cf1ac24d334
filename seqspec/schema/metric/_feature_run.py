"""What metrics share that compare generated images with the data's by the features of a classifier run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field

from seqspec.schema.config import Config, Mismatch
from seqspec.schema.environment import Environment
from seqspec.schema.types import CriticScores, Denoising, Likelihood, Nothing, Poison, Type
from seqspec.schema.units import Cosmetic


class FeatureRunConfig(Config):
    """The features are what a trained classifier's head reads.  Which folder its run lies in is this
    machine's affair; the lock and the metric's signature hold the digest of its weights, without which no
    value can be compared with another.
    """

    run: Annotated[str, Field(min_length=1, max_length=4096), Environment, Cosmetic]
    """Run directory of a ``classifier`` of images of the same size."""
    checkpoint: Annotated[str, Field(min_length=1, max_length=100)] = "best"
    """Which of its weights: best, last, average, average:N or the name of a checkpoint."""
    images: Literal["samples", "reconstructions"] = "samples"
    """What is compared with the images of the split, one for each of them: images made of noise, or the
    images as the model gives them back.
    """

    def output(self, source: Mapping[str, Type]) -> Type:
        given, name = source["given"], self.component[1]
        possible: tuple[str, ...]
        match given:
            case Poison():
                return Nothing()
            case CriticScores() | Denoising():
                possible = ("samples",)
            case Likelihood(latent="codes"):
                possible = ("reconstructions",)
            case Likelihood(latent="gaussian"):
                possible = ("samples", "reconstructions")
            case Likelihood():
                possible = ("samples",)
            case _:
                raise Mismatch(
                    f"`{name}` scores models that make images, and the model gives {given}",
                    help="use it with model `gan`, `vae`, `vq_vae` or `diffusion`",
                )
        if self.images not in possible:
            raise Mismatch(
                f"the model makes no {self.images} that `{name}` could score",
                at=("images",),
                help=f"write `images: {possible[0]}`",
            )
        return Nothing()
