"""Arithmetic of the gaussian process: noise added in steps, and what a network's answer says of the image."""

# B batch, C channels, H height, W width, T steps

from __future__ import annotations

import torch
from torch import Tensor, nn

from seqspec.schema.layers.noise import NoiseSchedule, betas, kept


class GaussianProcess(nn.Module):
    """Steps count from 0; ``kept_T`` is ᾱ after each. Worked out in double precision, held in single."""

    betas_T: Tensor
    kept_T: Tensor

    def __init__(self, schedule: NoiseSchedule, steps: int, *, predicts: str) -> None:
        super().__init__()
        self.steps, self.predicts = steps, predicts
        for name, values in (("betas_T", betas(schedule, steps)), ("kept_T", kept(schedule, steps))):
            tensor = torch.tensor(values, dtype=torch.float64).to(torch.float32)
            self.register_buffer(name, tensor, persistent=False)
        left = [1 - one for one in kept(schedule, steps)]
        lost = torch.tensor(left, dtype=torch.float64).to(torch.float32)
        self.register_buffer("lost_T", lost, persistent=False)

    lost_T: Tensor

    def noisy(self, x_BCHW: Tensor, noise_BCHW: Tensor, step_B: Tensor) -> Tensor:
        """√ᾱ · image + √(1 - ᾱ) · noise (equation 4)."""
        return self._root(self.kept_T, step_B) * x_BCHW + self._root(self.lost_T, step_B) * noise_BCHW

    def wanted(self, x_BCHW: Tensor, noise_BCHW: Tensor, step_B: Tensor) -> Tensor:
        """What the network is to say."""
        if self.predicts == "noise":
            return noise_BCHW
        return self._root(self.kept_T, step_B) * noise_BCHW - self._root(self.lost_T, step_B) * x_BCHW

    def image(self, noisy_BCHW: Tensor, said_BCHW: Tensor, step_B: Tensor) -> Tensor:
        """The image that the network's answer means."""
        kept, lost = self._root(self.kept_T, step_B), self._root(self.lost_T, step_B)
        if self.predicts == "noise":
            return (noisy_BCHW - lost * said_BCHW) / kept
        return kept * noisy_BCHW - lost * said_BCHW

    def noise(self, noisy_BCHW: Tensor, image_BCHW: Tensor, step_B: Tensor) -> Tensor:
        """The noise that is left beside an image."""
        kept, lost = self._root(self.kept_T, step_B), self._root(self.lost_T, step_B)
        return (noisy_BCHW - kept * image_BCHW) / lost

    def posterior(self, noisy_BCHW: Tensor, image_BCHW: Tensor, step_B: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and variance of the step before, given the image (equation 7); of step 0, the image itself."""
        before_B = torch.where(step_B > 0, self.kept_T[(step_B - 1).clamp_min(0)], 1.0)
        lost_before_B = torch.where(step_B > 0, self.lost_T[(step_B - 1).clamp_min(0)], 0.0)
        beta_B, lost_B = self.betas_T[step_B], self.lost_T[step_B]
        of_image, of_noisy = before_B.sqrt() * beta_B / lost_B, (1 - beta_B).sqrt() * lost_before_B / lost_B
        mean_BCHW = _wide(of_image) * image_BCHW + _wide(of_noisy) * noisy_BCHW
        return mean_BCHW, _wide(beta_B * lost_before_B / lost_B)

    def _root(self, values_T: Tensor, step_B: Tensor) -> Tensor:
        return _wide(values_T[step_B].sqrt())


def _wide(x_B: Tensor) -> Tensor:
    return x_B[:, None, None, None]
