"""Generative adversarial network."""

# B batch, Z latent width, C channels, H height, W width

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from seqspec.components._layers.class_vector import classes_of
from seqspec.components._layers.pixels import fixed_noise, images, in_turn, signed, told_classes
from seqspec.components.graphs import Axes, Function, Graph, Substitute
from seqspec.components.outputs import Contest, Only, Output, wanted
from seqspec.components.predictions import ImagePrediction
from seqspec.data.batching.batch import Batch
from seqspec.schema.diagnostic import DataError
from seqspec.schema.model.gan import GanConfig
from seqspec.schema.types import Type

SAMPLES = 64
"""Images of fixed noise that are shown."""


class Gan(nn.Module):
    """The critic sees generated images of the same number as the data, from noise of their own."""

    def __init__(self, config: GanConfig, takes: Mapping[str, Type], parts: Callable[[str], Any]) -> None:
        super().__init__()
        self.latent = config.latent
        self.classes = classes_of(takes) if config.condition == "class" else None
        self.generator = parts("generator")
        self.discriminator = parts("discriminator")

    def outputs(self, batch: Batch, *, only: Only = None) -> dict[str, Output]:
        """``critic``: the generator learns nothing from it; ``generator``: through the critic's scores."""
        real_BCHW, classes_B = signed(batch), self._classes(batch)
        critic = partial(self._scores, classes_B=classes_B)
        found: dict[str, Output] = {}
        if wanted("critic", only):
            with torch.no_grad():
                made_BCHW = self._made(len(real_BCHW), classes_B, like=real_BCHW)
            found["critic"] = Contest(critic(real_BCHW), critic(made_BCHW), real_BCHW, made_BCHW, critic)
        if wanted("generator", only):
            made_BCHW = self._made(len(real_BCHW), classes_B, like=real_BCHW)
            found["generator"] = Contest(None, critic(made_BCHW), real_BCHW, made_BCHW, critic)
        return found

    def score(self, batch: Batch) -> Tensor:
        """Refused: nobody knows the likelihood."""
        raise DataError("a generative adversarial network has no likelihood")

    @torch.no_grad()
    def decode(self, batch: Batch, search: Any = None) -> list[list[ImagePrediction]]:
        """One generated image for each example, of its class where the model is conditional."""
        noise_BZ = torch.randn(len(batch.index), self.latent, device=batch.index.device)
        return [[one] for one in images(self._generated(noise_BZ, self._classes(batch)))]

    def references(self, batch: Batch) -> list[ImagePrediction]:
        """The images of the data."""
        return images(signed(batch))

    @torch.no_grad()
    def show(self, batch: Batch, search: Any = None) -> dict[str, list[ImagePrediction]]:
        """``samples``: images of the same noise in every run, the classes in turn."""
        device = batch.index.device
        noise_BZ = fixed_noise(SAMPLES, (self.latent,), device=device)
        return {"samples": images(self._generated(noise_BZ, in_turn(SAMPLES, self.classes, device=device)))}

    def graphs(self, batch: Batch) -> tuple[Graph, ...]:
        """``generate``: an image out of noise, of a class where the model is conditional."""
        count, device = len(batch.index), batch.index.device
        given = {"noise": fixed_noise(count, (self.latent,), device=device)}
        inputs: dict[str, Axes] = {"noise": ("batch", None)}
        classes_B = in_turn(count, self.classes, device=device)
        if classes_B is not None:
            given["classes"], inputs["classes"] = classes_B, ("batch",)

        def generate(noise_BZ: Tensor, classes_B: Tensor | None = None) -> tuple[Tensor, ...]:
            return (self._generated(noise_BZ, classes_B),)

        outputs: dict[str, Axes] = {"image": ("batch", None, None, None)}
        note = "Images in [-1, 1] of noise from N(0, 1)."
        return (Graph("generate", Function(self, generate), given, inputs, outputs, note),)

    def substitutes(self, graphs: Mapping[str, Substitute]) -> dict[str, Any]:
        """The methods that ``decode`` calls, by the graphs in another runtime."""
        return {"_generated": lambda noise_BZ, classes_B: graphs["generate"](noise_BZ, classes_B)[0]}

    def _made(self, count: int, classes_B: Tensor | None, *, like: Tensor) -> Tensor:
        return self._generated(torch.randn(count, self.latent, device=like.device), classes_B)

    def _generated(self, noise_BZ: Tensor, classes_B: Tensor | None) -> Tensor:
        return torch.tanh(self.generator(noise_BZ, classes_B))

    def _scores(self, x_BCHW: Tensor, classes_B: Tensor | None) -> Tensor:
        # Penalties take gradients in evaluation too, where the batch was made without any: hence the copy.
        scores_B: Tensor = self.discriminator(x_BCHW, None if classes_B is None else classes_B.clone())
        return scores_B

    def _classes(self, batch: Batch) -> Tensor | None:
        return told_classes(batch, self.classes)
