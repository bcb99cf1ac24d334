"""Griffin-Lim: waveforms of mel frames without anything learned."""

# L samples, T frames, F points of the spectrum, M mel filters

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from seqspec.components._layers.mel import mel_filters, reflected
from seqspec.components.predictions import AudioPrediction
from seqspec.schema.mel_scale import MelScale
from seqspec.schema.types import Frames
from seqspec.schema.vocoder.griffin_lim import GriffinLimConfig

UPDATES = 60
"""Rounds in which magnitudes are fitted to mel frames."""


class GriffinLim:
    """``vocoder.sound(frames_TM)``; the first phases are the same for every recording of one length."""

    def __init__(self, config: GriffinLimConfig, source: Frames) -> None:
        assert source.mel is not None
        self.iterations, self.momentum = config.iterations, config.momentum
        self.mel, self.num_bins = source.mel, source.dim

    @torch.no_grad()
    def sound(self, frames_TM: Tensor) -> AudioPrediction:
        """The waveform, clipped to [-1, 1]."""
        wave_L = self.wave(frames_TM.float().cpu()).clamp(-1, 1)
        return AudioPrediction(np.asarray(wave_L.numpy(), np.float32), self.mel.rate)

    def wave(self, frames_TM: Tensor) -> Tensor:
        """``[L]`` samples; none of no frame."""
        if not len(frames_TM):
            return torch.zeros(0)
        magnitude_FT = magnitudes(frames_TM, self.mel, self.num_bins)
        generator = torch.Generator().manual_seed(len(frames_TM))
        angle = 2 * torch.pi * torch.rand(magnitude_FT.shape, generator=generator)
        phase, before = torch.polar(torch.ones_like(angle), angle), torch.zeros_like(magnitude_FT)
        for _ in range(self.iterations):
            rebuilt = self._forward(self._inverse(magnitude_FT * phase))
            phase = rebuilt - before * (self.momentum / (1 + self.momentum))
            phase = phase / phase.abs().clamp_min(1e-16)
            before = rebuilt
        wave_L = self._inverse(magnitude_FT * phase)
        ends = reflected(self.mel.padding, fft=self.mel.fft, hop=self.mel.hop)
        return wave_L[ends : len(wave_L) - ends]

    def _forward(self, wave_L: Tensor) -> Tensor:
        mel = self.mel
        window = torch.hann_window(mel.window)
        return torch.stft(wave_L, mel.fft, mel.hop, mel.window, window, center=False, return_complex=True)

    def _inverse(self, spectrum_FT: Tensor) -> Tensor:
        """The waveform whose transform is nearest (equation 6): overlapping windows, over their squares."""
        mel = self.mel
        window_W = _centred(torch.hann_window(mel.window), mel.fft)
        pieces_TW = torch.fft.irfft(spectrum_FT.T, mel.fft) * window_W
        size = mel.fft + mel.hop * (len(pieces_TW) - 1)
        total = _overlapped(pieces_TW, size, mel.hop)
        weight = _overlapped(window_W.square().expand_as(pieces_TW), size, mel.hop)
        return total / weight.clamp_min(1e-8)


def magnitudes(frames_TM: Tensor, mel: MelScale, num_bins: int) -> Tensor:
    """``[F, T]``: magnitudes of no bin below 1e-8 whose mel frames these are.

    The pseudo-inverse, then rounds of multiplicative updates (Lee and Seung 2001, "Algorithms for
    Non-negative Matrix Factorization", NIPS): negative numbers of the former are not just cut off, which
    between harmonics would be off by several units of the logarithm.
    """
    logarithm = frames_TM * mel.deviation + mel.mean
    weight_TM = logarithm.exp() if mel.log == "natural" else torch.pow(10.0, logarithm)
    filters_FM = mel_filters(mel, num_bins)
    inverse_MF = torch.linalg.pinv(filters_FM.double()).float()
    spread_TF = weight_TM @ filters_FM.T
    least_TF = 0.01 * spread_TF / filters_FM.sum(1).clamp_min(1e-8)
    linear_TF = torch.maximum(weight_TM @ inverse_MF, least_TF).clamp_min(1e-8)
    for _ in range(UPDATES):
        told_TF = (linear_TF @ filters_FM) @ filters_FM.T
        linear_TF = (linear_TF * spread_TF / told_TF.clamp_min(1e-12)).clamp_min(1e-8)
    return (linear_TF if mel.spectrum == "magnitude" else linear_TF.sqrt()).T


def _centred(window_W: Tensor, size: int) -> Tensor:
    left = (size - len(window_W)) // 2
    return functional.pad(window_W, (left, size - len(window_W) - left))


def _overlapped(pieces_TW: Tensor, size: int, hop: int) -> Tensor:
    folded = functional.fold(
        pieces_TW.T[None], (1, size), kernel_size=(1, pieces_TW.shape[1]), stride=(1, hop)
    )
    return folded[0, 0, 0]
