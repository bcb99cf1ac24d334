"""Log-mel frames of speech synthesis: Slaney's mel scale on magnitudes, reflected at the ends.

Slaney (1998), "Auditory Toolbox", Interval Research Technical Report 1998-010, for scale and areas; the
defaults are those of Tacotron 2 (Shen et al. 2018, arXiv:1712.05884) as its public recipes have them.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Annotated, Literal

from pydantic import Field

from seqspec.schema.config import Config, Mismatch
from seqspec.schema.mel_scale import MelScale
from seqspec.schema.types import Frames, Type, Waveform
from seqspec.schema.units import Dim, NonNegative, PositiveFloat, Real

Samples = Annotated[int, Field(gt=1, le=65_536)]
Edge = Annotated[float, Field(ge=0, le=1_000_000)]


class MelSpectrogramConfig(Config):
    """Frames that a vocoder can turn into sound again."""

    num_bins: Dim = 80
    """Mel filters, and so features of a frame."""
    fft_samples: Samples = 1024
    """Points of the Fourier transform."""
    window_samples: Samples | None = None
    """Samples of the periodic Hann window, in the middle of the transform; left out, as many as it has
    points.
    """
    hop_samples: Samples = 256
    """Samples between the starts of frames."""
    low_hz: Edge = 0.0
    """Lower edge of the lowest filter."""
    high_hz: Edge | None = 8000.0
    """Upper edge of the highest filter; ``null`` is half the sample rate."""
    padding: Literal["center", "same", "none"] = "center"
    """``center`` reflects half a transform at both ends (L samples give L // hop + 1 frames, as in Tacotron
    2), ``same`` half of transform less hop (L // hop frames, as in HiFi-GAN), ``none`` nothing.
    """
    scale: Literal["slaney", "htk"] = "slaney"
    """Mel scale: linear up to 1 kHz, or the logarithmic one of HTK."""
    norm: Literal["area", "none"] = "area"
    """Filters of one area, or of one height."""
    spectrum: Literal["magnitude", "power"] = "magnitude"
    """What the filters weigh."""
    epsilon: NonNegative = 0.0
    """Added to the power before its root is taken; HiFi-GAN has 1e-9."""
    log: Literal["natural", "ten"] = "natural"
    """Base of the logarithm."""
    floor: PositiveFloat = 1e-5
    """Least filter output before the logarithm."""
    mean: Real = 0.0
    """Taken off every number, after the logarithm."""
    deviation: PositiveFloat = 1.0
    """What every number is divided by after that."""

    def output(self, source: Type) -> Type:
        if not isinstance(source, Waveform):
            raise Mismatch(f"mel frames are made from a waveform, and get {source}")
        high = self._high(source.rate)
        window = self.window_samples or self.fft_samples
        if window > self.fft_samples:
            message = f"a window of {window} samples does not fit into a transform of {self.fft_samples}"
            raise Mismatch(message, at=("window_samples",), help=f"use at most {self.fft_samples}")
        if self.hop_samples > window:
            message = f"a hop of {self.hop_samples} samples leaves out some between windows of {window}"
            raise Mismatch(message, at=("hop_samples",), help=f"use at most {window}")
        if self.padding == "same" and (self.fft_samples - self.hop_samples) % 2:
            message = "`same` reflects half of transform less hop at each end, and that is no whole number"
            raise Mismatch(message, at=("hop_samples",), help="let both be even")
        self._require_filters(source.rate, high)
        rate = Fraction(source.rate, self.hop_samples)
        mel = MelScale(
            source.rate, self.fft_samples, window, self.hop_samples, self.low_hz, high, self.scale, self.norm,
            self.spectrum, self.log, self.floor, self.padding, self.mean, self.deviation,
        )  # fmt: skip
        return Frames(self.num_bins, rate=int(rate) if rate.denominator == 1 else rate, mel=mel)

    def _high(self, rate: int) -> float:
        high = rate / 2 if self.high_hz is None else self.high_hz
        if high > rate / 2:
            raise Mismatch(
                f"`high_hz` is {high:g}, above half the sample rate of {rate} Hz",
                at=("high_hz",),
                help=f"use at most {rate / 2:g}, or `null` for it",
            )
        if self.low_hz >= high:
            message = f"`low_hz` {self.low_hz:g} is not below the upper edge {high:g} Hz"
            raise Mismatch(message, at=("low_hz",))
        return high

    def _require_filters(self, rate: int, high: float) -> None:
        """A filter between two points of the transform would weigh nothing and give a constant feature."""
        edges = mel_edges(self.num_bins, self.low_hz, high, self.scale)
        width = rate / self.fft_samples
        for number, (low, up) in enumerate(zip(edges, edges[2:], strict=False), start=1):
            first = int(low / width) + 1
            if first * width >= up:
                message = f"{self.num_bins} filters are too many: number {number} weighs no point"
                raise Mismatch(message, at=("num_bins",), help="use fewer filters or a longer transform")


def mel_edges(num_bins: int, low: float, high: float, scale: str) -> list[float]:
    """The ``num_bins + 2`` corners of the triangles, in Hz."""
    to_mel, to_hertz = (slaney_mel, slaney_hertz) if scale == "slaney" else (htk_mel, htk_hertz)
    first, last = to_mel(low), to_mel(high)
    step = (last - first) / (num_bins + 1)
    return [to_hertz(first + k * step) for k in range(num_bins + 2)]


def slaney_mel(hz: float) -> float:
    """Linear below 1 kHz (15 mels), logarithmic above, 27 mels for a factor of 6.4."""
    from math import log

    return hz * 3 / 200 if hz < 1000 else 15 + 27 * log(hz / 1000) / log(6.4)


def slaney_hertz(mels: float) -> float:
    """The inverse of ``slaney_mel``."""
    from math import exp, log

    return mels * 200 / 3 if mels < 15 else 1000 * exp((mels - 15) * log(6.4) / 27)


def htk_mel(hz: float) -> float:
    """O'Shaughnessy's scale."""
    from math import log10

    return 2595.0 * log10(1.0 + hz / 700.0)


def htk_hertz(mels: float) -> float:
    """The inverse of ``htk_mel``."""
    return float(700.0 * (10.0 ** (mels / 2595.0) - 1.0))
