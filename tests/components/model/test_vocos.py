"""Vocos: its sizes, the inverse transform, and what each side learns from."""

import math

import pytest
import torch

from seqspec.components._layers.adversarial_sound import critic_loss, generator_losses
from seqspec.components._layers.mel import spectrum
from seqspec.components.critic.hifi_gan import Opinion
from seqspec.components.critic.vocos import Vocos as Critic
from seqspec.components.vocoder.vocos import Vocos
from seqspec.data.batching.batch import Batch, Field
from seqspec.schema.config import Mismatch
from seqspec.schema.critic.vocos import VocosConfig as CriticConfig
from seqspec.schema.feature.mel_spectrogram import MelSpectrogramConfig
from seqspec.schema.types import Frames, Waveform
from seqspec.schema.vocoder.vocos import VocosConfig
from tests.components.building import build, count, faults


def frames(**settings):
    return MelSpectrogramConfig(**settings).output(Waveform(24_000))


SMALL = MelSpectrogramConfig(
    padding="same", num_bins=12, fft_samples=128, hop_samples=32, high_hz=4000.0
).output(Waveform(8000))
TYPES = {"source": SMALL, "target": Frames(32, rate=250)}
MODEL = {
    "type": "vocoder",
    "generator": {"type": "vocos", "dim": 8, "hidden_dim": 12, "num_layers": 2},
    "critic": {
        "type": "vocos", "periods": [2, 3], "period_channels": [3, 4], "fft_samples": [128, 64], "spectrum_channels": 2,
    },
}  # fmt: skip


@pytest.mark.parametrize(
    ("settings", "bins", "parameters"),
    [({}, 100, 13_531_650), ({"dim": 256, "hidden_dim": 768, "num_layers": 4}, 80, 1_996_546)],
)
def test_the_generator_has_its_published_size(settings, bins, parameters):
    with torch.device("meta"):
        made = Vocos(VocosConfig(**settings), frames(num_bins=bins))

    assert count(made) == parameters


def test_the_discriminators_have_their_published_sizes():
    with torch.device("meta"):
        made = Critic(CriticConfig(), Waveform(24_000))

    assert count(made.of_spectra) == 1_413_990
    assert [count(period) for period in made.of_periods] == [8_221_154] * 5


@pytest.mark.parametrize("padding", ["same", "center"])
@pytest.mark.parametrize("window", [None, 96])
def test_the_inverse_transform_undoes_the_transform(padding, window):
    source = MelSpectrogramConfig(
        padding=padding, num_bins=12, fft_samples=128, window_samples=window, hop_samples=32, high_hz=4000.0
    ).output(Waveform(8000))
    vocoder = Vocos(VocosConfig(dim=4, hidden_dim=4, num_layers=1), source)
    wave_BL = torch.randn(2, 640, generator=torch.Generator().manual_seed(1))

    given_BL = vocoder._samples(spectrum(wave_BL, source.mel).transpose(1, 2))

    assert given_BL.shape == wave_BL.shape
    torch.testing.assert_close(given_BL, wave_BL, atol=1e-4, rtol=0)


def test_a_critic_s_hinges_and_weights_are_what_both_sides_learn_from():
    class Weighted:
        hinge = True

        def __call__(self, x):
            return [Opinion(x, [x], 0.5), Opinion(2 * x, [x, 3 * x], 0.25)]

    true, made = torch.tensor([[0.5, 2.0]]), torch.tensor([[-2.0, 0.0]])

    judged = critic_loss(Weighted(), true, made)
    learned = generator_losses(Weighted(), true, made)

    # Of the data (0.5 + 0) / 2 and 0; of what was made (0 + 1) / 2 twice.
    assert float(judged) == pytest.approx(0.5 * (0.25 + 0.5) + 0.25 * (0.0 + 0.5))
    assert float(learned["adversarial"]) == pytest.approx(0.5 * (3 + 1) / 2 + 0.25 * (5 + 1) / 2)
    assert float(learned["features"]) == pytest.approx(0.5 * 2.25 + 0.25 * (2.25 + 3 * 2.25))


@pytest.mark.parametrize(
    ("only", "learns", "stands"),
    [({"adversarial", "features", "mel"}, "generator", "critic"), ({"critic"}, "critic", "generator")],
)
def test_each_side_learns_from_its_own_losses(only, learns, stands):
    model = build(MODEL, TYPES).model
    torch.manual_seed(1)
    lengths = torch.tensor([20, 20])
    fields = {
        "source": Field(torch.randn(2, 20, 12), lengths),
        "target": Field(torch.randn(2, 20, 32) / 4, lengths),
    }
    for parameter in getattr(model, stands).parameters():
        parameter.requires_grad_(False)

    outputs = model.outputs(Batch(fields, torch.tensor([0, 1]), 0, {"loss": 1.0}), only=frozenset(only))
    sum(term.total for term in outputs.values()).backward()

    assert set(outputs) == only
    for parameter in getattr(model, learns).parameters():
        assert parameter.grad is not None
        assert math.isfinite(float(parameter.grad.abs().sum()))
    (first,), _ = model.eval().decode(Batch(fields, torch.tensor([0, 1]), 0, {"loss": 1.0}), None)
    assert first.sound().samples_T.shape == (640,)


def test_what_does_not_fit_is_refused():
    with pytest.raises(Mismatch, match="no middle"):
        VocosConfig(kernel=6).output(SMALL)
    with pytest.raises(Mismatch, match="whole window"):
        VocosConfig().output(frames(padding="none"))
    (found,) = faults(MODEL, {**TYPES, "source": frames(num_bins=12)})
    assert "not one for each hop" in found
