"""Frames that are mirrored at the ends are Kaldi's with ``--snip-edges=false``."""

import kaldi_native_fbank
import numpy as np
import pytest

from seqspec.components.feature.log_mel import LogMel
from seqspec.schema.feature.log_mel import LogMelConfig
from seqspec.schema.types import Waveform


@pytest.mark.parametrize("samples", [100, 240, 4000, 16011])
def test_ends_are_mirrored_as_kaldi_does(samples):
    wave = (np.random.default_rng(samples).standard_normal(samples) * 0.1).astype(np.float32)
    options = kaldi_native_fbank.FbankOptions()
    options.frame_opts.dither = 0
    options.frame_opts.snip_edges = False
    options.mel_opts.num_bins, options.mel_opts.low_freq, options.mel_opts.high_freq = 80, 20, -400
    kaldi = kaldi_native_fbank.OnlineFbank(options)
    kaldi.accept_waveform(16000, wave.tolist())
    kaldi.input_finished()

    ours = LogMel(LogMelConfig(high_hz=7600.0, snip_edges=False), Waveform(rate=16000))

    expected = np.array([kaldi.get_frame(n) for n in range(kaldi.num_frames_ready)])
    assert ours.num_frames(samples) == len(expected)
    np.testing.assert_allclose(ours(wave).numpy(), expected, atol=5e-4, rtol=0)


def test_an_empty_recording_has_no_frames():
    assert LogMel(LogMelConfig(snip_edges=False), Waveform(rate=16000))(np.zeros(0, np.float32)).shape == (
        0,
        80,
    )
