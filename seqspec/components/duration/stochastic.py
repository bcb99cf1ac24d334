"""Stochastic duration predictor."""

# B batch, N tokens, D width, C two numbers a token, S width of the vector that says who speaks

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

from seqspec.components._layers.duration_flows import Affine, SeparableConvolutions, SplineCoupling
from seqspec.components._layers.module_list import ModuleList
from seqspec.schema.duration.stochastic import StochasticConfig
from seqspec.schema.types import States, Type, Vector


class Stochastic(nn.Module):
    """``duration(states_BND, mask_BN1, durations_BN, noise_BCN, speaker_BS)`` gives ``[B]``, an upper bound
    of the negative log-likelihood of the durations of each example.

    It learns nothing of the states and the speaker beyond what is detached from them (section 2.2.2).
    """

    def __init__(self, config: StochasticConfig, takes: Mapping[str, Type]) -> None:
        super().__init__()
        states, speaker = takes["states"], takes["speaker"]
        assert isinstance(states, States)
        dim = states.dim
        self.entry, self.exit = nn.Conv1d(dim, dim, 1), nn.Conv1d(dim, dim, 1)
        self.body = _stack(config, dim)
        self.speaker = nn.Conv1d(speaker.dim, dim, 1) if isinstance(speaker, Vector) else None
        self.flows = _flows(config, dim)
        self.posterior_entry, self.posterior_exit = nn.Conv1d(1, dim, 1), nn.Conv1d(dim, dim, 1)
        self.posterior_body = _stack(config, dim)
        self.posterior_flows = _flows(config, dim)

    def forward(
        self,
        states_BND: Tensor,
        mask_BN1: Tensor,
        durations_BN: Tensor,
        noise_BCN: Tensor,
        speaker_BS: Tensor | None = None,
    ) -> Tensor:
        """``noise_BCN`` is N(0, 1), two numbers a token.

        Equation 7: u in (0, 1) makes a duration d the real number d - u, and a second number ν stands beside
        it; both come from a flow of their own, q(u, ν | d, text), and p(d - u, ν | text) is the other flow.
        """
        mask_B1N = mask_BN1.transpose(1, 2).to(states_BND.dtype)
        told_BDN = self._told(states_BND, mask_B1N, speaker_BS)
        lengths_B1N = durations_BN[:, None].to(told_BDN.dtype)
        own_BDN = (
            self.posterior_exit(self.posterior_body(self.posterior_entry(lengths_B1N), mask_B1N)) * mask_B1N
        )
        noise_BCN = noise_BCN * mask_B1N
        drawn_BCN, log_q_B = _through(self.posterior_flows, noise_BCN, mask_B1N, told_BDN + own_BDN)
        log_q_B = _log_normal(noise_BCN, mask_B1N) - log_q_B
        logit_B1N, beside_B1N = drawn_BCN.chunk(2, dim=1)
        slope_B1N = functional.logsigmoid(logit_B1N) + functional.logsigmoid(-logit_B1N)
        log_q_B = log_q_B - (slope_B1N * mask_B1N).sum((1, 2))
        real_B1N = ((lengths_B1N - torch.sigmoid(logit_B1N)) * mask_B1N).clamp_min(1e-5)
        log_B1N = real_B1N.log() * mask_B1N
        z_BCN, log_p_B = _through(self.flows, torch.cat([log_B1N, beside_B1N], dim=1), mask_B1N, told_BDN)
        log_p_B = log_p_B - log_B1N.sum((1, 2)) + _log_normal(z_BCN, mask_B1N)
        return log_q_B - log_p_B

    def log_durations(
        self, states_BND: Tensor, mask_BN1: Tensor, noise_BCN: Tensor, speaker_BS: Tensor | None = None
    ) -> Tensor:
        """``[B, N]`` logarithms of frames that the flow makes of the noise."""
        mask_B1N = mask_BN1.transpose(1, 2).to(states_BND.dtype)
        told_BDN = self._told(states_BND, mask_B1N, speaker_BS)
        x_BCN = noise_BCN * mask_B1N
        for flow in reversed(self.flows):
            x_BCN = flow.inverse(x_BCN, mask_B1N, told_BDN)
        return x_BCN[:, 0]

    def _told(self, states_BND: Tensor, mask_B1N: Tensor, speaker_BS: Tensor | None) -> Tensor:
        """``[B, D, N]``: what the flows are told of the text and the voice."""
        x_BDN = self.entry(states_BND.detach().transpose(1, 2))
        if self.speaker is not None:
            assert speaker_BS is not None
            x_BDN = x_BDN + self.speaker(speaker_BS.detach()[:, :, None])
        told_BDN: Tensor = self.exit(self.body(x_BDN, mask_B1N)) * mask_B1N
        return told_BDN


def _stack(config: StochasticConfig, dim: int) -> SeparableConvolutions:
    return SeparableConvolutions(
        dim, kernel=config.kernel, num_layers=config.num_layers, dropout=config.dropout
    )


def _flows(config: StochasticConfig, dim: int) -> ModuleList[Affine | SplineCoupling]:
    couplings = (
        SplineCoupling(
            dim,
            kernel=config.kernel,
            num_layers=config.num_layers,
            num_bins=config.num_bins,
            bound=config.bound,
        )
        for _ in range(config.num_flows)
    )
    return ModuleList([Affine(), *couplings])


def _through(
    flows: ModuleList[Affine | SplineCoupling], x_BCN: Tensor, mask_B1N: Tensor, told_BDN: Tensor
) -> tuple[Tensor, Tensor]:
    """What the flows give, and their log-determinants added up."""
    total_B = x_BCN.new_zeros(len(x_BCN))
    for flow in flows:
        x_BCN, log_determinant_B = flow(x_BCN, mask_B1N, told_BDN)
        total_B = total_B + log_determinant_B
    return x_BCN, total_B


def _log_normal(x_BCN: Tensor, mask_B1N: Tensor) -> Tensor:
    """``[B]``: log-density of N(0, 1)."""
    each = -0.5 * (math.log(2 * math.pi) + x_BCN.square())
    return (each * mask_B1N).sum((1, 2))
