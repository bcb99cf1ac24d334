"""Log-mel filterbank energies after Kaldi's recipe, in torch, a block of frames at a time."""

# T samples, N frames, W samples of a window, F bins of the spectrum, M mel filters

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from seqspec.schema.feature.log_mel import LogMelConfig, mel, padded_length, samples_of
from seqspec.schema.types import Waveform

if TYPE_CHECKING:
    import numpy as np

BLOCK = 512
"""Frames that are worked on at once: their temporaries stay in the cache of a core."""


class LogMel:
    """``features(samples)`` gives ``[frames, dim]`` float32; deterministic, so it may be cached."""

    def __init__(self, config: LogMelConfig, source: Waveform) -> None:
        self.preemphasis = config.preemphasis
        self.dither = config.dither
        self.remove_dc = config.remove_dc
        self.scale = 32768.0 if config.scale == "int16" else 1.0
        self.magnitude = config.spectrum == "magnitude"
        self.floor = config.floor
        self.energy_first = config.energy == "first"
        self.deltas = config.deltas
        self.snip_edges = config.snip_edges
        self.length = samples_of(config.window_seconds, source.rate)
        self.hop = samples_of(config.hop_seconds, source.rate)
        self.padded = padded_length(self.length)
        high = config.high_hz or source.rate / 2
        self.window_W = _window(config.window, self.length)
        self.filters_FM = _filters(config.num_bins, self.padded, source.rate, config.low_hz, high)

    def num_frames(self, num_samples: int) -> int:
        """Frames that lie wholly inside ``num_samples``, or one for every hop."""
        if not self.snip_edges:
            return (num_samples + self.hop // 2) // self.hop
        return max(0, 1 + (num_samples - self.length) // self.hop)

    def __call__(self, samples: np.ndarray) -> Tensor:
        wave_T = self._prepare(torch.from_numpy(samples if samples.flags.writeable else samples.copy()))
        count = self.num_frames(len(wave_T))
        if not self.snip_edges:
            wave_T = self._mirrored(wave_T, count)
        x_NM = torch.empty(count, self.filters_FM.shape[1])
        energy_N = torch.empty(count)
        if count:
            self._fill(x_NM, energy_N, wave_T)
        if self.energy_first:
            x_NM = torch.cat([energy_N[:, None], x_NM], dim=1)
        return _with_deltas(x_NM, self.deltas)

    def stream(self) -> LogMelStream:
        """The same frames of samples that come piece by piece, where the config's ``streaming`` allows it."""
        return LogMelStream(self)

    def advance(self, held_T: Tensor, samples: np.ndarray) -> tuple[Tensor, Tensor]:
        """The frames that lie wholly inside what is held and has come, and the samples that the next ones
        need.
        """
        wave_T = torch.cat([held_T, self._prepare(torch.from_numpy(samples))])
        count = self.num_frames(len(wave_T))
        x_NM, energy_N = torch.empty(count, self.filters_FM.shape[1]), torch.empty(count)
        if count:
            self._fill(x_NM, energy_N, wave_T)
        if self.energy_first:
            x_NM = torch.cat([energy_N[:, None], x_NM], dim=1)
        return x_NM, wave_T[count * self.hop :].clone()

    def _prepare(self, wave_T: Tensor) -> Tensor:
        wave_T = wave_T.float()
        if self.scale != 1.0:
            wave_T = wave_T * self.scale
        if self.dither:
            generator = torch.Generator().manual_seed(len(wave_T))
            wave_T = wave_T + self.dither * torch.randn(len(wave_T), generator=generator)
        return wave_T

    def _mirrored(self, wave_T: Tensor, count: int) -> Tensor:
        """What ``count`` frames read, each centred in its hop; sample -k is sample k - 1, as in Kaldi."""
        first = self.hop // 2 - self.length // 2
        place = torch.arange(first, first + (count - 1) * self.hop + self.length) % max(2 * len(wave_T), 1)
        return wave_T[torch.minimum(place, 2 * len(wave_T) - 1 - place)] if count else wave_T

    def _fill(self, x_NM: Tensor, energy_N: Tensor, wave_T: Tensor) -> None:
        raw_NW = wave_T.unfold(0, self.length, self.hop)
        buffer = torch.zeros(min(BLOCK, len(x_NM)), self.padded)
        for start in range(0, len(x_NM), BLOCK):
            block = slice(start, min(start + BLOCK, len(x_NM)))
            raw = raw_NW[block]
            if self.remove_dc:
                raw = raw - raw.mean(dim=1, keepdim=True)
            if self.energy_first:
                energy_N[block] = raw.square().sum(dim=1).clamp_min(self.floor).log()
            padded = buffer[: len(raw)]
            self._sharpen(raw, out=padded[:, : self.length])
            self._log_mel(padded, out=x_NM[block])

    def _sharpen(self, raw_NW: Tensor, *, out: Tensor) -> None:
        """Pre-emphasis and window; the sample before a frame's first counts as equal to it, as in Kaldi."""
        share = self.preemphasis
        torch.sub(raw_NW[:, 1:], raw_NW[:, :-1], alpha=share, out=out[:, 1:])
        out[:, 0] = (1 - share) * raw_NW[:, 0]
        out.mul_(self.window_W)

    def _log_mel(self, padded: Tensor, *, out: Tensor) -> None:
        spectrum_NF = torch.view_as_real(torch.fft.rfft(padded))[:, : len(self.filters_FM)]
        weight_NF = spectrum_NF[..., 0].square().addcmul_(spectrum_NF[..., 1], spectrum_NF[..., 1])
        if self.magnitude:
            weight_NF.sqrt_()
        torch.mm(weight_NF, self.filters_FM, out=out)
        out.clamp_min_(self.floor).log_()


class LogMelStream:
    """Frames of samples that come piece by piece."""

    def __init__(self, feature: LogMel) -> None:
        self.feature = feature
        self.held_T = torch.empty(0)

    def __call__(self, samples: np.ndarray) -> Tensor:
        """``[frames, dim]``: those that are complete with these float32 samples."""
        x_NM, self.held_T = self.feature.advance(self.held_T, samples)
        return x_NM


def _window(shape: str, length: int) -> Tensor:
    angle = 2 * math.pi * torch.arange(length, dtype=torch.float64) / (length - 1)
    match shape:
        case "povey":
            window = (0.5 - 0.5 * angle.cos()) ** 0.85
        case "hann":
            window = 0.5 - 0.5 * angle.cos()
        case "hamming":
            window = 0.54 - 0.46 * angle.cos()
        case _:
            raise ValueError(shape)
    return window.float()


def _filters(num_bins: int, padded: int, rate: int, low_hz: float, high_hz: float) -> Tensor:
    """Triangles of equal width on the mel scale; the bin at half the sample rate is left out, as in Kaldi."""
    mels = torch.tensor([mel(rate / padded * k) for k in range(padded // 2)], dtype=torch.float64)
    low, high = mel(low_hz), mel(high_hz)
    step = (high - low) / (num_bins + 1)
    centre_M = low + step * torch.arange(1, num_bins + 1, dtype=torch.float64)
    return (1 - (mels[:, None] - centre_M).abs() / step).clamp_min(0).float().contiguous()


def _with_deltas(x_NM: Tensor, order: int) -> Tensor:
    channels = [x_NM]
    for _ in range(order):
        channels.append(_delta(channels[-1]))
    return torch.cat(channels, dim=1) if order else x_NM


def _delta(x_NM: Tensor) -> Tensor:
    """Slope of the regression line through five frames; end frames are repeated."""
    if not len(x_NM):
        return x_NM
    held = torch.cat([x_NM[:1], x_NM[:1], x_NM, x_NM[-1:], x_NM[-1:]])
    return (2 * (held[4:] - held[:-4]) + (held[3:-1] - held[1:-3])) / 10
