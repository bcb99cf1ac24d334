"""One duration a token."""

# B batch, N tokens, D width, C two numbers a token, S width of the vector that says who speaks

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor, nn

from seqspec.schema.duration.deterministic import DeterministicConfig
from seqspec.schema.types import States, Type, Vector


class Deterministic(nn.Module):
    """The surface of a stochastic one, without its noise; states and speaker are detached."""

    def __init__(
        self, config: DeterministicConfig, takes: Mapping[str, Type], parts: Callable[[str], Any]
    ) -> None:
        super().__init__()
        states, speaker = takes["states"], takes["speaker"]
        assert isinstance(states, States)
        self.predictor = parts("predictor")
        self.speaker = nn.Linear(speaker.dim, states.dim) if isinstance(speaker, Vector) else None

    def forward(
        self,
        states_BND: Tensor,
        mask_BN1: Tensor,
        durations_BN: Tensor,
        noise_BCN: Tensor,
        speaker_BS: Tensor | None = None,
    ) -> Tensor:
        """``[B]``: squared errors of the logarithms, summed over the tokens of each example."""
        predicted_BN = self.log_durations(states_BND, mask_BN1, noise_BCN, speaker_BS)
        true_BN = (durations_BN.to(predicted_BN.dtype) + 1e-6).log()
        return ((predicted_BN - true_BN).square() * mask_BN1.squeeze(2)).sum(1)

    def log_durations(
        self, states_BND: Tensor, mask_BN1: Tensor, noise_BCN: Tensor, speaker_BS: Tensor | None = None
    ) -> Tensor:
        """``[B, N]`` logarithms of frames."""
        x_BND = states_BND.detach()
        if self.speaker is not None:
            assert speaker_BS is not None
            x_BND = x_BND + self.speaker(speaker_BS.detach())[:, None]
        log_BN: Tensor = self.predictor(x_BND, mask_BN1)
        return log_BN
