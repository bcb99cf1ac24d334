"""Images out of noise."""

# B batch, C channels, H height, W width

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn

from seqspec.components._layers.class_vector import classes_of
from seqspec.components._layers.diffusion import GaussianProcess
from seqspec.components._layers.image_likelihood import HALF
from seqspec.components._layers.pixels import fixed_noise, images, in_turn, signed, told_classes
from seqspec.components.graphs import Axes, Function, Graph, nothing_searched
from seqspec.components.outputs import Denoised, Only, Output
from seqspec.components.predictions import ImagePrediction
from seqspec.components.search._images import TIMES, Denoise, Path, default_search
from seqspec.data.batching.batch import Batch
from seqspec.schema.diagnostic import DataError
from seqspec.schema.model.diffusion import DiffusionConfig
from seqspec.schema.types import Image, Type

SAMPLES = 32
"""Images of fixed noise that are shown."""
GOLDEN = (math.sqrt(5) - 1) / 2
"""Its multiples are spread evenly over [0, 1), however many there are."""


class Diffusion(nn.Module):
    """In evaluation every example has a time of its own that never changes, so that curves are comparable."""

    def __init__(
        self, config: DiffusionConfig, takes: Mapping[str, Type], parts: Callable[[str], Any]
    ) -> None:
        super().__init__()
        image = takes["source"]
        assert isinstance(image, Image)
        self.shape = image.channels, image.height, image.width
        self.classes = classes_of(takes) if config.condition == "class" else None
        self.label_dropout = config.label_dropout if self.classes is not None else 0.0
        self.network = parts("network")
        self.process: GaussianProcess | None = None
        if config.process == "gaussian":
            self.process = GaussianProcess(config.schedule, config.steps, predicts=config.predicts)

    def outputs(self, batch: Batch, *, only: Only = None) -> dict[str, Output]:
        """``denoising``: what the network says at a random time."""
        x_BCHW = signed(batch)
        noise_BCHW = torch.randn_like(x_BCHW)
        share_B = self._times(batch)
        classes_B = self._hidden(self._classes(batch))
        if self.process is None:
            time_B111 = share_B[:, None, None, None]
            noisy_BCHW, wanted_BCHW = torch.lerp(x_BCHW, noise_BCHW, time_B111), noise_BCHW - x_BCHW
            return {"denoising": Denoised(self.network(noisy_BCHW, share_B * TIMES, classes_B), wanted_BCHW)}
        step_B = (share_B * self.process.steps).long().clamp(max=self.process.steps - 1)
        noisy_BCHW = self.process.noisy(x_BCHW, noise_BCHW, step_B)
        wanted_BCHW = self.process.wanted(x_BCHW, noise_BCHW, step_B)
        return {"denoising": Denoised(self.network(noisy_BCHW, step_B, classes_B), wanted_BCHW)}

    def score(self, batch: Batch) -> Tensor:
        """``[B]``: a lower bound of the log-likelihood, at every step of the process."""
        if self.process is None:
            raise DataError("the likelihood under a flow is not worked out")
        return -self.bound(batch, steps=self.process.steps)

    def bound(self, batch: Batch, *, steps: int) -> Tensor:
        """``[B]``: nats of the variational bound (equation 5 of Ho et al., with the posterior's variance),
        each of ``steps`` stretches of the process told by one step that is drawn from it.
        """
        process = self.process
        assert process is not None
        x_BCHW, classes_B = signed(batch), self._classes(batch)
        edges = torch.linspace(0, process.steps, min(steps, process.steps) + 1).round().long().tolist()
        total_B = self._first(x_BCHW, classes_B) + self._prior(x_BCHW)
        for low, high in pairwise(edges):
            low = max(low, 1)
            if high > low:
                step_B = torch.randint(low, high, (len(x_BCHW),), device=x_BCHW.device)
                total_B = total_B + (high - low) * self._divergence(x_BCHW, step_B, classes_B)
        return total_B

    @torch.no_grad()
    def decode(self, batch: Batch, search: Any = None) -> list[list[ImagePrediction]]:
        """One image for each example, of its class where the model is conditional."""
        noise_BCHW = torch.randn(len(batch.index), *self.shape, device=batch.index.device)
        return [[one] for one in images(self.generate(noise_BCHW, self._classes(batch), search))]

    def references(self, batch: Batch) -> list[ImagePrediction]:
        """The images of the data."""
        return images(signed(batch))

    @torch.no_grad()
    def show(self, batch: Batch, search: Any = None) -> dict[str, list[ImagePrediction]]:
        """``samples``: images of the same noise in every run, the classes in turn."""
        device = batch.index.device
        noise_BCHW = fixed_noise(SAMPLES, self.shape, device=device)
        classes_B = in_turn(SAMPLES, self.classes, device=device)
        return {"samples": images(self.generate(noise_BCHW, classes_B, search))}

    def generate(self, noise_BCHW: Tensor, classes_B: Tensor | None, search: Any) -> Tensor:
        """Images ``[B, C, H, W]`` in about [-1, 1] of noise, by the search, or by one that fits the
        process.
        """
        told, hidden = (self._denoise(classes_B, hidden=one) for one in (False, True))
        search = search or default_search(self.process is not None)
        generated_BCHW: Tensor = search(Path(told, hidden, self.process), noise_BCHW)
        return generated_BCHW

    def graphs(self, batch: Batch) -> tuple[Graph, ...]:
        """``denoise``: what the network says of noisy images at their times; searching stays outside."""
        count, device = len(batch.index), batch.index.device
        steps = TIMES if self.process is None else self.process.steps
        time_B = torch.arange(count, device=device, dtype=torch.float32) * GOLDEN % 1.0 * (steps - 1)
        given = {"image": fixed_noise(count, self.shape, device=device), "time": time_B.round()}
        inputs: dict[str, Axes] = {"image": ("batch", None, None, None), "time": ("batch",)}
        classes_B = in_turn(count, self.classes, device=device)
        if classes_B is not None:
            given["classes"], inputs["classes"] = classes_B, ("batch",)

        def denoise(x_BCHW: Tensor, time_B: Tensor, classes_B: Tensor | None = None) -> tuple[Tensor, ...]:
            return (self.network(x_BCHW, time_B, classes_B),)

        outputs: dict[str, Axes] = {"said": ("batch", None, None, None)}
        return (Graph("denoise", Function(self, denoise), given, inputs, outputs, self._note()),)

    substitutes = staticmethod(nothing_searched)

    def _note(self) -> str:
        if self.process is None:
            said = f"The velocity (noise less image) of a flow; `time` is {TIMES:.0f} times a time in [0, 1]."
        else:
            said = f"What a Gaussian process of {self.process.steps} steps predicts: {self.process.predicts}."
        return said + ("" if self.classes is None else f" Class {self.classes} hides the class.")

    def _denoise(self, classes_B: Tensor | None, *, hidden: bool) -> Denoise | None:
        """The network with its classes; ``None`` where there are none to hide."""
        if hidden and classes_B is None:
            return None
        told_B = classes_B
        if hidden and classes_B is not None:
            told_B = torch.full_like(classes_B, self.classes or 0)
        return lambda x_BCHW, time_B: self.network(x_BCHW, time_B, told_B)

    def _times(self, batch: Batch) -> Tensor:
        """``[B]`` in [0, 1)."""
        if self.training:
            return torch.rand(len(batch.index), device=batch.index.device)
        return (batch.index.double() * GOLDEN % 1.0).float()

    def _classes(self, batch: Batch) -> Tensor | None:
        return told_classes(batch, self.classes)

    def _hidden(self, classes_B: Tensor | None) -> Tensor | None:
        if classes_B is None or not self.training or not self.label_dropout:
            return classes_B
        hidden_B = torch.rand(len(classes_B), device=classes_B.device) < self.label_dropout
        return classes_B.masked_fill(hidden_B, self.classes or 0)

    def _said(self, x_BCHW: Tensor, step_B: Tensor, classes_B: Tensor | None) -> tuple[Tensor, Tensor]:
        """A noisy image, and the one that the network makes of it, kept within the range."""
        process = self.process
        assert process is not None
        noisy_BCHW = process.noisy(x_BCHW, torch.randn_like(x_BCHW), step_B)
        said_BCHW = self.network(noisy_BCHW, step_B, classes_B)
        return noisy_BCHW, process.image(noisy_BCHW, said_BCHW, step_B).clamp(-1, 1)

    def _divergence(self, x_BCHW: Tensor, step_B: Tensor, classes_B: Tensor | None) -> Tensor:
        """KL of the step before between its posterior and the network's, whose variances are the same."""
        assert self.process is not None
        noisy_BCHW, image_BCHW = self._said(x_BCHW, step_B, classes_B)
        wanted_BCHW, variance_B111 = self.process.posterior(noisy_BCHW, x_BCHW, step_B)
        given_BCHW, _ = self.process.posterior(noisy_BCHW, image_BCHW, step_B)
        off_BCHW = (wanted_BCHW - given_BCHW).double().square() / (2 * variance_B111.double())
        return off_BCHW.flatten(1).sum(1).float()

    def _first(self, x_BCHW: Tensor, classes_B: Tensor | None) -> Tensor:
        """-log p(pixels | step 0): the normal distribution's mass around each of the 256 values (section
        3.3).
        """
        assert self.process is not None
        step_B = torch.zeros(len(x_BCHW), dtype=torch.long, device=x_BCHW.device)
        noisy_BCHW, image_BCHW = self._said(x_BCHW, step_B, classes_B)
        del noisy_BCHW
        std = self.process.betas_T[0].sqrt()
        above, below = ((x_BCHW - image_BCHW + sign * HALF) / std for sign in (1, -1))
        upper = torch.where(x_BCHW > 1 - HALF, 1.0, torch.special.ndtr(above))
        lower = torch.where(x_BCHW < -1 + HALF, 0.0, torch.special.ndtr(below))
        return -(upper - lower).clamp_min(1e-12).log().flatten(1).sum(1)

    def _prior(self, x_BCHW: Tensor) -> Tensor:
        """KL of the last step from the standard normal distribution."""
        assert self.process is not None
        kept, lost = self.process.kept_T[-1], self.process.lost_T[-1]
        each = 0.5 * (kept * x_BCHW.square() + lost - lost.log() - 1)
        return each.flatten(1).sum(1)
