"""Magnitudes of recordings of a batch, each reflected at its own ends, and pieces of them."""

# B batch, T frames, H samples of a frame, F points of the spectrum

from __future__ import annotations

import torch
from torch import Tensor

from seqspec.components._layers.mel import reflected


def linear_spectrogram(
    wave_BTH: Tensor, lengths_B: Tensor, *, fft: int, window: int, epsilon: float
) -> Tensor:
    """``[B, T, F]``: a frame for each hop of samples, as ``mel_spectrogram`` has them with ``padding: same``.

    The last frame of a recording reads its reflection, and not what pads it: the batch changes nothing.
    """
    hop = wave_BTH.shape[2]
    padded = _reflected(wave_BTH.flatten(1), lengths_B * hop, reflected("same", fft=fft, hop=hop))
    hann = torch.hann_window(window, device=wave_BTH.device)
    complex_BFT = torch.stft(
        padded, fft, hop, window, hann, center=False, normalized=False, return_complex=True
    )
    power_BFT = complex_BFT.real.square() + complex_BFT.imag.square() + epsilon
    return power_BFT.sqrt().transpose(1, 2)


def _reflected(wave_BL: Tensor, lengths_B: Tensor, ends: int) -> Tensor:
    """``[B, L + 2 ends]``; what is shorter than its reflection is reflected again."""
    places = torch.arange(-ends, wave_BL.shape[1] + ends, device=wave_BL.device)
    last_B1 = (lengths_B - 1).clamp(min=1)[:, None]
    folded = places.remainder(2 * last_B1)
    index = torch.minimum(folded, 2 * last_B1 - folded).clamp(max=wave_BL.shape[1] - 1)
    return wave_BL.gather(1, index) * (places < lengths_B[:, None] + ends)


def pieces(x_BTD: Tensor, starts_B: Tensor, lengths_B: Tensor, *, size: int) -> Tensor:
    """``[B, size, D]``: so many places of each example from its start on, zeros behind its length."""
    places = starts_B[:, None] + torch.arange(size, device=x_BTD.device)
    index = places.clamp(max=x_BTD.shape[1] - 1)[:, :, None].expand(-1, -1, x_BTD.shape[2])
    return x_BTD.gather(1, index) * (places < lengths_B[:, None])[:, :, None]
