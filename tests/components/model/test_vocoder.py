"""HiFi-GAN: its sizes, and what each side learns from."""

import pytest
import torch
from torch import nn

from seqspec.components.augment.segment import Segment
from seqspec.components.critic.hifi_gan import HifiGan as Critic
from seqspec.components.feature.waveform import Waveform as Samples
from seqspec.components.vocoder.hifi_gan import HifiGan
from seqspec.data.batching.batch import Batch, Field
from seqspec.schema.augment.segment import SegmentConfig
from seqspec.schema.config import Mismatch
from seqspec.schema.critic.hifi_gan import HifiGanConfig as CriticConfig
from seqspec.schema.feature.mel_spectrogram import MelSpectrogramConfig
from seqspec.schema.feature.waveform import WaveformConfig
from seqspec.schema.types import Frames, Waveform
from seqspec.schema.vocoder.hifi_gan import HifiGanConfig
from tests.components.building import build, count, faults

LJSPEECH = MelSpectrogramConfig(padding="same").output(Waveform(22_050))
SMALL = MelSpectrogramConfig(
    padding="same", num_bins=12, fft_samples=128, hop_samples=16, high_hz=4000.0
).output(Waveform(8000))
TYPES = {"source": SMALL, "target": Frames(16, rate=500)}
GENERATOR = {
    "type": "hifi_gan", "channels": 8, "upsample_rates": [4, 4], "upsample_kernels": [8, 8], "block": "2",
    "block_kernels": [3], "block_dilations": [[1, 2]],
}  # fmt: skip
MODEL = {
    "type": "vocoder",
    "generator": GENERATOR,
    "critic": {
        "type": "hifi_gan", "periods": [2, 3], "period_channels": [3, 4], "num_scales": 2, "scale_channels": [16] * 7,
    },
}  # fmt: skip
V3 = {
    "channels": 256, "upsample_rates": [8, 8, 4], "upsample_kernels": [16, 16, 8], "block": "2",
    "block_kernels": [3, 5, 7], "block_dilations": [[1, 2], [2, 6], [3, 12]],
}  # fmt: skip
GENERATES, JUDGES = frozenset({"adversarial", "features", "mel"}), frozenset({"critic"})


@pytest.mark.parametrize(
    ("settings", "fused", "trained"),
    [({}, 13_926_017, 13_936_130), ({"channels": 128}, 925_985, 928_514), (V3, 1_462_273, 1_464_322)],
)
def test_the_generator_has_its_published_size(settings, fused, trained):
    with torch.device("meta"):
        made = HifiGan(HifiGanConfig(**settings), LJSPEECH)

    layers = [m for m in made.modules() if isinstance(m, nn.Conv1d | nn.ConvTranspose1d)]
    assert sum(m.weight.numel() + m.bias.numel() for m in layers) == fused
    assert count(made) == trained


def test_the_discriminators_have_their_published_sizes():
    with torch.device("meta"):
        made = Critic(CriticConfig(), Waveform(22_050))

    assert [count(period) for period in made.of_periods] == [8_221_154] * 5
    assert count(made.of_scales) == 29_618_821


def batch(frames=40):
    torch.manual_seed(1)
    lengths = torch.tensor([frames, frames])
    fields = {
        "source": Field(torch.randn(2, frames, 12), lengths),
        "target": Field(torch.randn(2, frames, 16) / 4, lengths),
    }
    return Batch(fields, torch.tensor([0, 1]), 0, {"loss": 1.0})


@pytest.mark.parametrize(
    ("only", "learns", "stands"), [(GENERATES, "generator", "critic"), (JUDGES, "critic", "generator")]
)
def test_each_side_learns_from_its_own_losses(only, learns, stands):
    model = build(MODEL, TYPES).model
    for parameter in getattr(model, stands).parameters():
        parameter.requires_grad_(False)  # as the runtime does in a phase that does not move them

    outputs = model.outputs(batch(), only=only)
    sum(term.total for term in outputs.values()).backward()

    assert set(outputs) == only
    assert all(p.grad is not None and p.grad.isfinite().all() for p in getattr(model, learns).parameters())
    assert all(p.grad is None for p in getattr(model, stands).parameters())


def test_a_frame_becomes_as_many_samples_as_its_hop():
    model = build(MODEL, TYPES).model.eval()

    (first,), _ = model.decode(batch(), None)

    assert first.sound().samples_T.shape == (40 * 16,)
    assert first.frames_TD.shape == (40, 12)
    assert model.references(batch())[0].sound().rate == 8000
    assert len(model.generator.sound(torch.empty(0, 12)).samples_T) == 0


def test_samples_and_frames_of_an_example_are_cut_alike():
    wave = torch.arange(800, dtype=torch.float32)
    rows = Samples(WaveformConfig(hop_samples=16, fft_samples=128), Waveform(8000))(wave.numpy())
    numbers = torch.arange(50.0)[:, None]
    segment = Segment(SegmentConfig(frames=8), SMALL)

    cut, place = (segment(x, torch.Generator().manual_seed(5)) for x in (rows, numbers))

    assert rows.shape == (50, 16)
    assert len(cut) == len(place) == 8
    assert cut[0, 0] == 16 * place[0, 0]
    assert len(segment(rows[:3], torch.Generator())) == 3


@pytest.mark.parametrize(
    ("settings", "source", "words"),
    [
        ({"upsample_rates": [8, 8, 2, 4]}, LJSPEECH, "make 512 samples"),
        ({}, MelSpectrogramConfig().output(Waveform(22_050)), "not one for each hop"),
        ({"upsample_kernels": [16, 16, 4]}, LJSPEECH, "differ in length"),
        ({"upsample_kernels": [16, 16, 4, 5]}, LJSPEECH, "does not fit a factor"),
        ({"channels": 100}, LJSPEECH, "cannot be halved"),
        ({"block_kernels": [3, 7, 10]}, LJSPEECH, "no middle"),
        ({}, Frames(80), "must know how the frames were made"),
    ],
)
def test_what_does_not_fit_is_refused(settings, source, words):
    with pytest.raises(Mismatch, match=words):
        HifiGanConfig(**settings).output(source)


def test_samples_of_another_hop_are_refused():
    (found,) = faults(MODEL, {**TYPES, "target": Frames(32, rate=250)})

    assert "32 samples a frame" in found
