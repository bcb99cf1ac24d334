"""Recordings as predictions: the log-mel frames of a sound, with the sound itself to listen to."""

# L samples, B batch, T frames, M mel features

from __future__ import annotations

import torch

from seqspec.components._layers.mel import mel_frames, num_frames
from seqspec.components.predictions import AudioPrediction, FramesPrediction
from seqspec.data.batching.batch import Batch
from seqspec.schema.types import Frames


def heard(sound: AudioPrediction, frames: Frames, *, epsilon: float = 0.0) -> FramesPrediction:
    """The frames of a sound by the scale of ``frames``; none where it is shorter than a window."""
    mel, rate = frames.mel, float(frames.rate)
    assert mel is not None
    if not num_frames(len(sound.samples_T), fft=mel.fft, hop=mel.hop, padding=mel.padding):
        return FramesPrediction(torch.zeros(0, frames.dim).numpy(), rate, lambda: sound)
    frames_BTM = mel_frames(torch.from_numpy(sound.samples_T)[None], mel, frames.dim, epsilon=epsilon)
    return FramesPrediction(frames_BTM[0].numpy(), rate, lambda: sound)


def true_recordings(batch: Batch, frames: Frames, *, epsilon: float = 0.0) -> list[FramesPrediction | None]:
    """The recordings that are targets, ``[B, T, samples of a frame]``; ``None`` each where there are none."""
    if batch.target.dim() != 3 or batch.target_lengths is None:
        return [None] * len(batch.index)
    assert frames.mel is not None
    rate = frames.mel.rate
    pairs = zip(batch.target, batch.target_lengths.tolist(), strict=True)
    waves = (x[:length].flatten().float().cpu().numpy() for x, length in pairs)
    return [heard(AudioPrediction(wave, rate), frames, epsilon=epsilon) for wave in waves]
