"""Augmentation of recordings: ratios, powers and lengths are what is stated, and the generator decides."""

from itertools import pairwise

import numpy as np
import pytest
import soundfile
import torch

from seqspec.components.augment.codec import Codec
from seqspec.components.augment.gain import Gain
from seqspec.components.augment.noise import Noise
from seqspec.components.augment.room import Room
from seqspec.components.augment.speed import Speed
from seqspec.schema.augment.codec import CodecConfig
from seqspec.schema.augment.gain import GainConfig
from seqspec.schema.augment.noise import NoiseConfig
from seqspec.schema.augment.room import RoomConfig
from seqspec.schema.augment.speed import SpeedConfig
from seqspec.schema.config import Mismatch
from seqspec.schema.diagnostic import DataError
from seqspec.schema.types import Frames, Waveform

RATE = 16_000
SOURCE = Waveform(RATE)
KINDS = ["mu_law", "a_law", "gsm", "opus", "vorbis", "mp3"]


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def tone(hertz=440.0, size=12_345):
    return 0.25 * torch.sin(2 * torch.pi * hertz * torch.arange(size) / RATE)


def power(x):
    return float(x.double().square().mean())


def peak(x):
    """The frequency of most energy."""
    spectrum = torch.fft.rfft(x * torch.hann_window(len(x))).abs()
    return float(spectrum.argmax()) * RATE / len(x)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("noises")
    (root / "deep").mkdir()
    random = np.random.default_rng(1)
    soundfile.write(root / "deep" / "a.wav", random.normal(0, 0.1, (3000, 2)), 8000)
    soundfile.write(root / "b.flac", random.normal(0, 0.1, 1000), RATE)
    return str(root)


@pytest.mark.parametrize(
    "augment",
    [
        Speed(SpeedConfig(factors=[0.9, 1.1]), SOURCE),
        Noise(NoiseConfig(), SOURCE),
        Room(RoomConfig(), SOURCE),
        Gain(GainConfig(), SOURCE),
        Codec(CodecConfig(kinds=KINDS, sample_rate=8000), SOURCE),
    ],
)
def test_the_generator_alone_decides_and_the_recording_is_left_as_it_was(augment):
    x = tone()
    before = x.clone()

    given = [augment(x, generator(3)) for _ in range(2)]

    assert torch.equal(given[0], given[1])
    assert torch.equal(x, before)
    assert not torch.equal(given[0], x)
    assert given[0].dtype == torch.float32


@pytest.mark.parametrize(("factor", "hertz"), [(0.9, 396.0), (1.1, 484.0)])
def test_speed_moves_length_and_pitch(factor, hertz):
    given = Speed(SpeedConfig(factors=[factor]), SOURCE)(tone(), generator())

    assert abs(len(given) - 12_345 / factor) <= 1
    assert peak(given) == pytest.approx(hertz, abs=2.0)


@pytest.mark.parametrize("color", ["white", "pink", None])
def test_noise_stands_at_the_stated_ratio(color, folder):
    held = {"color": color} if color else {"folder": folder}
    noise = Noise(NoiseConfig(snr=[7.0, 7.0], **held), SOURCE)
    x = tone()

    added = noise(x, generator(5)) - x

    assert 10 * np.log10(power(x) / power(added)) == pytest.approx(7.0, abs=1e-3)


def test_pink_noise_falls_by_three_decibels_an_octave():
    noise = Noise(NoiseConfig(snr=[0.0, 0.0], color="pink"), SOURCE)
    x = tone(size=2**16)

    spectrum = torch.fft.rfft(noise(x, generator(2)) - x).abs().square()
    octaves = [float(spectrum[2**k : 2 ** (k + 1)].mean()) for k in (8, 10, 12, 14)]

    falls = [10 * np.log10(a / b) for a, b in pairwise(octaves)]
    assert falls == pytest.approx([6.02] * 3, abs=1.2)


def test_silence_stays_silent():
    x = torch.zeros(2000)

    for augment in (Noise(NoiseConfig(), SOURCE), Room(RoomConfig(), SOURCE)):
        assert torch.equal(augment(x, generator()), x)


def test_a_room_keeps_length_and_power_and_rings_on():
    x = torch.zeros(RATE)
    x[100] = 1.0
    room = Room(RoomConfig(decay_seconds=[0.5, 0.5], direct=[3.0, 3.0]), SOURCE)

    given = room(x, generator(1))

    assert len(given) == len(x)
    assert power(given) == pytest.approx(power(x), rel=1e-5)
    assert int(given.abs().argmax()) == 100
    direct, rest = float(given[100] ** 2), float(given[101:].square().sum())
    assert 10 * np.log10(direct / rest) == pytest.approx(3.0, abs=1e-3)
    early, late = (float(given[100 + n : 100 + n + 800].square().sum()) for n in (1, 4001))
    assert 10 * np.log10(early / late) == pytest.approx(30.0, abs=2.0)  # 60 dB in half a second


def test_recorded_rooms_count_from_their_largest_sample(tmp_path):
    response = np.zeros(500, np.float32)
    response[200] = 0.5
    soundfile.write(tmp_path / "r.wav", response, RATE, subtype="FLOAT")

    x = tone()

    torch.testing.assert_close(
        Room(RoomConfig(folder=str(tmp_path)), SOURCE)(x, generator()), x, atol=1e-5, rtol=0
    )


@pytest.mark.parametrize("kind", KINDS)
def test_codecs_keep_the_length_and_most_of_the_recording(kind):
    x = tone(300.0)

    given = Codec(CodecConfig(kinds=[kind]), SOURCE)(x, generator())

    assert len(given) == len(x)
    assert not torch.equal(given, x)
    assert power(given[1000:-1000] - x[1000:-1000]) < 0.1 * power(x)


def test_a_telephone_loses_what_lies_above_four_kilohertz():
    codec = Codec(CodecConfig(sample_rate=8000), SOURCE)

    low, high = (power(codec(tone(hertz), generator())) for hertz in (1000.0, 6000.0))

    assert low > 0.9 * power(tone())
    assert high < 0.01 * power(tone())


def test_gain_and_chance():
    x = tone()
    louder = Gain(GainConfig(gain=[6.0, 6.0]), SOURCE)(x, generator())
    seldom = Gain(GainConfig(gain=[6.0, 6.0], chance=0.25), SOURCE)
    changed = [not torch.equal(seldom(x, generator(seed)), x) for seed in range(200)]

    assert power(louder) / power(x) == pytest.approx(10**0.6, rel=1e-4)
    assert 30 <= sum(changed) <= 70


def test_a_folder_without_recordings_is_named(tmp_path):
    for path in (tmp_path, tmp_path / "none"):
        with pytest.raises(DataError, match=r"recording|does not exist") as caught:
            Noise(NoiseConfig(folder=str(path)), SOURCE)(tone(), generator())
        assert caught.value.code == "SQ403"


@pytest.mark.parametrize(
    ("config", "source", "at"),
    [
        (NoiseConfig(), Frames(80), ()),
        (NoiseConfig(snr=[9.0, 1.0]), SOURCE, ("snr",)),
        (NoiseConfig(folder="x", color="pink"), SOURCE, ("color",)),
        (RoomConfig(folder="x", direct=[0.0, 1.0]), SOURCE, ("direct",)),
        (RoomConfig(decay_seconds=[0.5, 0.2]), SOURCE, ("decay_seconds",)),
        (GainConfig(gain=[3.0, -3.0]), SOURCE, ("gain",)),
        (CodecConfig(kinds=["mu_law", "opus"]), Waveform(22_050), ("kinds", 1)),
        (CodecConfig(compression=0.9), SOURCE, ("compression",)),
    ],
)
def test_what_does_not_fit_is_refused(config, source, at):
    with pytest.raises(Mismatch) as caught:
        config.output(source)

    assert caught.value.at == at
