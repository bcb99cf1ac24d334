"""Mel filters and the short-time transform that features, losses and vocoders of speech synthesis share."""

# B batch, L samples, T frames, F points of the spectrum, M mel filters

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor
from torch.nn import functional

from seqspec.schema.feature.mel_spectrogram import mel_edges
from seqspec.schema.mel_scale import MelScale


@lru_cache(maxsize=16)
@torch.inference_mode(False)  # What is kept may be asked for while training, whoever asks first.
def mel_filters(mel: MelScale, num_bins: int) -> Tensor:
    """``[F, M]`` float32 triangles between the corners of the scale."""
    edges = torch.tensor(mel_edges(num_bins, mel.low, mel.high, mel.scale), dtype=torch.float64)
    points_F1 = torch.arange(mel.fft // 2 + 1, dtype=torch.float64)[:, None] * (mel.rate / mel.fft)
    low_M, middle_M, high_M = edges[:-2], edges[1:-1], edges[2:]
    rising = (points_F1 - low_M) / (middle_M - low_M)
    falling = (high_M - points_F1) / (high_M - middle_M)
    filters_FM = torch.minimum(rising, falling).clamp_min(0)
    if mel.norm == "area":
        filters_FM = filters_FM * (2 / (high_M - low_M))
    return filters_FM.float()


def reflected(padding: str, *, fft: int, hop: int) -> int:
    """Samples that are reflected at each end."""
    return {"center": fft // 2, "same": (fft - hop) // 2, "none": 0}[padding]


def num_frames(samples: int, *, fft: int, hop: int, padding: str) -> int:
    """Frames of so many samples; none where there are too few to be reflected, or to fill a transform."""
    ends = reflected(padding, fft=fft, hop=hop)
    if samples <= ends:
        return 0
    return max(0, (samples + 2 * ends - fft) // hop + 1)


def spectrum(wave_BL: Tensor, mel: MelScale) -> Tensor:
    """``[B, F, T]`` complex: a periodic Hann window in the middle of each transform."""
    padding = reflected(mel.padding, fft=mel.fft, hop=mel.hop)
    padded = functional.pad(wave_BL[:, None], (padding, padding), mode="reflect")[:, 0]
    window = torch.hann_window(mel.window, device=wave_BL.device)
    return torch.stft(
        padded, mel.fft, mel.hop, mel.window, window, center=False, normalized=False, return_complex=True
    )


def mel_frames(wave_BL: Tensor, mel: MelScale, num_bins: int, *, epsilon: float = 0.0) -> Tensor:
    """``[B, T, M]``: the logarithm of the filtered spectrum, ``mean`` taken off and divided by
    ``deviation``.
    """
    complex_BFT = spectrum(wave_BL, mel)
    weight_BFT = complex_BFT.real.square() + complex_BFT.imag.square() + epsilon
    if mel.spectrum == "magnitude":
        weight_BFT = weight_BFT.sqrt()
    filters_FM = mel_filters(mel, num_bins).to(wave_BL.device)
    x_BTM = (weight_BFT.transpose(1, 2) @ filters_FM).clamp_min(mel.floor)
    x_BTM = x_BTM.log() if mel.log == "natural" else x_BTM.log10()
    return x_BTM if (mel.mean, mel.deviation) == (0.0, 1.0) else (x_BTM - mel.mean) / mel.deviation
