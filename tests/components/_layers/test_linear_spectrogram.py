"""Spectra of samples in a batch, and pieces of them."""

import torch

from seqspec.components._layers.linear_spectrogram import linear_spectrogram, pieces
from seqspec.components._layers.mel import spectrum
from seqspec.schema.mel_scale import MelScale

MEL = MelScale(8000, 128, 100, 16, 0.0, 4000.0, padding="same")


def test_each_recording_is_reflected_at_its_own_end():
    torch.manual_seed(1)
    wave, lengths = torch.randn(3, 30, 16), torch.tensor([30, 11, 5])
    for row, length in enumerate(lengths.tolist()):
        wave[row, length:] = 7.0

    found = linear_spectrogram(wave, lengths, fft=128, window=100, epsilon=1e-6)

    assert found.shape == (3, 30, 65)
    for row, length in enumerate(lengths.tolist()):
        alone = spectrum(wave[row : row + 1, :length].flatten(1), MEL)[0].t()
        expected = (alone.real.square() + alone.imag.square() + 1e-6).sqrt()
        torch.testing.assert_close(found[row, :length], expected, atol=1e-4, rtol=1e-4)


def test_a_recording_shorter_than_its_reflection_has_a_frame():
    found = linear_spectrogram(torch.ones(1, 2, 16), torch.tensor([1]), fft=128, window=128, epsilon=1e-6)

    assert found.isfinite().all()
    torch.testing.assert_close(found[0, 0, 0], torch.hann_window(128).sum(), atol=1e-4, rtol=0)


def test_pieces_are_of_one_size_and_end_in_zeros():
    x = torch.arange(1, 13.0).view(2, 6, 1)

    found = pieces(x, torch.tensor([2, 0]), torch.tensor([6, 2]), size=4)

    assert found.squeeze(2).tolist() == [[3, 4, 5, 6], [7, 8, 0, 0]]
