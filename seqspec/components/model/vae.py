"""Variational autoencoder of images."""

# B batch, Z latent features, C channels, H height, W width, K samples

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from seqspec.components._layers.gaussian_latent import log_ratio, sampled
from seqspec.components._layers.image_likelihood import ImageLikelihood
from seqspec.components._layers.init import linear
from seqspec.components._layers.pixels import fixed_noise, images, signed
from seqspec.components.graphs import Axes, Function, Graph, Substitute
from seqspec.components.loss.kl_divergence import divergence
from seqspec.components.outputs import Only, Output, Posterior, Term, wanted
from seqspec.components.predictions import ImagePrediction
from seqspec.data.batching.batch import Batch
from seqspec.schema.model.vae import VaeConfig
from seqspec.schema.types import Image, Type

SAMPLES, PAIRS, BETWEEN = 64, 8, 8
"""Images that are shown: samples of the prior, lines of interpolation, and images of a line."""


class Vae(nn.Module):
    """What is encoded is what is told: of ``bernoulli`` the black and white pixels."""

    def __init__(self, config: VaeConfig, takes: Mapping[str, Type], parts: Callable[[str], Any]) -> None:
        super().__init__()
        image = takes["source"]
        assert isinstance(image, Image)
        self.latent = config.latent
        self.encoder = parts("encoder")
        assert config.encoder_dim is not None
        self.mean = linear(config.encoder_dim, config.latent)
        self.log_variance = linear(config.encoder_dim, config.latent)
        self.decoder = parts("decoder")
        self.likelihood = ImageLikelihood(config, channels=image.channels)

    def outputs(self, batch: Batch, *, only: Only = None) -> dict[str, Output]:
        """``reconstruction``: nats of each image under one sample; ``posterior``: of the latent vector."""
        wanted_BCHW = self.likelihood.target(signed(batch))
        posterior = self._posterior(wanted_BCHW)
        found: dict[str, Output] = {"posterior": posterior} if wanted("posterior", only) else {}
        if wanted("reconstruction", only):
            nll_B = self.likelihood.nll(self.decoder(sampled(posterior)), wanted_BCHW)
            count = torch.tensor(len(nll_B), device=nll_B.device)
            found = {"reconstruction": Term(nll_B.sum(), count), **found}
        return found

    def bound(self, batch: Batch, *, samples: int) -> Tensor:
        """``[B]``: a lower bound of the log-likelihood, in nats, with so many samples of the posterior
        (Burda et al. 2016, "Importance Weighted Autoencoders", arXiv:1509.00519, equation 8).
        """
        wanted_BCHW = self.likelihood.target(signed(batch))
        posterior = self._posterior(wanted_BCHW)
        weights = []
        for _ in range(samples):
            latent_BZ = sampled(posterior)
            weights.append(
                log_ratio(latent_BZ, posterior) - self.likelihood.nll(self.decoder(latent_BZ), wanted_BCHW)
            )
        return torch.stack(weights).logsumexp(0) - math.log(samples)

    def evidence(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """``[B]`` nats of the reconstruction and ``[B, Z]`` of the divergence, which is exact."""
        wanted_BCHW = self.likelihood.target(signed(batch))
        posterior = self._posterior(wanted_BCHW)
        nll_B = self.likelihood.nll(self.decoder(sampled(posterior)), wanted_BCHW)
        return nll_B, divergence(posterior.mean_BZ.float(), posterior.log_variance_BZ.float())

    def latents(self, batch: Batch) -> Tensor:
        """``[B, Z]``: the mean of each image's posterior."""
        return self._posterior(self.likelihood.target(signed(batch))).mean_BZ

    def score(self, batch: Batch) -> Tensor:
        """``[B]``: the evidence lower bound."""
        nll_B, kl_BZ = self.evidence(batch)
        return -nll_B - kl_BZ.sum(1)

    @torch.no_grad()
    def decode(self, batch: Batch, search: Any = None) -> list[list[ImagePrediction]]:
        """Each image as the mean of its posterior is decoded."""
        return [[one] for one in images(self._decoded(self.latents(batch)))]

    @torch.no_grad()
    def sample(self, batch: Batch) -> list[ImagePrediction]:
        """An image of the prior for each example."""
        noise_BZ = torch.randn(len(batch.index), self.latent, device=batch.index.device)
        return images(self._decoded(noise_BZ))

    def references(self, batch: Batch) -> list[ImagePrediction]:
        """The images of the data."""
        return images(signed(batch))

    @torch.no_grad()
    def show(self, batch: Batch, search: Any = None) -> dict[str, list[ImagePrediction]]:
        """Samples of the prior; images above their reconstructions; lines between pairs of images."""
        device = batch.index.device
        latent_BZ = self.latents(batch)[: 2 * PAIRS]
        share = torch.linspace(0, 1, BETWEEN, device=device)[:, None]
        lines = [torch.lerp(a, b, share) for a, b in zip(latent_BZ[::2], latent_BZ[1::2], strict=False)]
        shown = {
            "samples": images(self._decoded(fixed_noise(SAMPLES, (self.latent,), device=device))),
            "originals": images(signed(batch))[: 2 * PAIRS],
            "reconstructions": images(self._decoded(latent_BZ)),
        }
        return {**shown, "interpolations": images(self._decoded(torch.cat(lines)))} if lines else shown

    def graphs(self, batch: Batch) -> tuple[Graph, ...]:
        """``encode`` images into posteriors, and ``decode`` vectors into images."""

        def encode(x_BCHW: Tensor) -> tuple[Tensor, ...]:
            return tuple(self._posterior(x_BCHW))

        def decode(latent_BZ: Tensor) -> tuple[Tensor, ...]:
            return (self._decoded(latent_BZ),)

        image: Axes = ("batch", None, None, None)
        vector: Axes = ("batch", None)
        told = {"image": self.likelihood.target(signed(batch))}
        posterior: dict[str, Axes] = {"mean": vector, "log_variance": vector}
        latent = {"latent": fixed_noise(len(batch.index), (self.latent,), device=batch.index.device)}
        return (
            Graph("encode", Function(self, encode), told, {"image": image}, posterior,
                  f"The posterior of each image; {self.likelihood.range}."),
            Graph("decode", Function(self, decode), latent, {"latent": vector}, {"image": image},
                  "The expected image in [-1, 1] of each latent vector; the prior is N(0, 1)."),
        )  # fmt: skip

    def substitutes(self, graphs: Mapping[str, Substitute]) -> dict[str, Any]:
        """The methods that ``decode`` calls, by the graphs in another runtime."""
        return {
            "_posterior": lambda x_BCHW: Posterior(*graphs["encode"](x_BCHW)),
            "_decoded": lambda latent_BZ: graphs["decode"](latent_BZ)[0],
        }

    def _decoded(self, latent_BZ: Tensor) -> Tensor:
        return self.likelihood.mean(self.decoder(latent_BZ))

    def _posterior(self, x_BCHW: Tensor) -> Posterior:
        vector_BD, _ = self.encoder(x_BCHW, None)
        return Posterior(self.mean(vector_BD), self.log_variance(vector_BD).clamp(-20, 20))
