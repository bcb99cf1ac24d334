"""Log-mel energies as Kaldi makes them: Povey et al. (2011), "The Kaldi Speech Recognition Toolkit", ASRU."""

from fractions import Fraction
from typing import Annotated, Literal

from pydantic import Field

from seqspec.schema.config import Config, Mismatch
from seqspec.schema.streaming import Obstacle, Streams
from seqspec.schema.types import Frames, Type, Waveform
from seqspec.schema.units import Dim, Later, NonNegative, PositiveFloat

Share = Annotated[float, Field(ge=0, lt=1)]
Window = Annotated[float, Field(gt=0, le=1)]
Frequency = Annotated[float, Field(gt=0, le=1_000_000)]


class LogMelConfig(Config):
    """Frames of log-mel energies; the defaults are Kaldi's and 80 bins."""

    num_bins: Dim = 80
    """Mel filters, and so features of a frame."""
    window_seconds: Window = 0.025
    """Length of a frame."""
    hop_seconds: Window = 0.010
    """Distance between the starts of frames."""
    low_hz: Annotated[float, Field(ge=0, le=1_000_000)] = 20.0
    """Lower edge of the lowest filter."""
    high_hz: Frequency | None = None
    """Upper edge of the highest filter; left out, half the sample rate."""
    preemphasis: Share = 0.97
    """Share of the sample before that is taken off each sample."""
    dither: NonNegative = 0.0
    """Standard deviation of the noise added to the samples, in their scale; the same noise every time."""
    remove_dc: bool = True
    """Take each frame's mean off before anything else."""
    window: Literal["povey", "hann", "hamming"] = "povey"
    """Shape of the window; ``povey`` is a Hann window to the power of 0.85."""
    scale: Literal["unit", "int16"] = "unit"
    """Samples lie in [-1, 1], or are multiplied by 32768 first as Kaldi reads them."""
    spectrum: Literal["power", "magnitude"] = "power"
    """What the filters weigh."""
    floor: PositiveFloat = 1.1920928955078125e-07
    """Least filter output before the logarithm."""
    energy: Literal["none", "first"] = "none"
    """Put the frame's log energy before the filters, as Kaldi does."""
    deltas: Literal[0, 1, 2] = 0
    """Append first, or first and second, differences over time (regression over five frames) as channels."""
    snip_edges: Annotated[bool, Later] = True
    """Frames lie wholly inside the recording; ``false`` centres one in every hop and mirrors what is missing
    at the ends, as Kaldi's option of that name does."""

    def output(self, source: Type) -> Type:
        if not isinstance(source, Waveform):
            raise Mismatch(f"log-mel features are made from a waveform, and get {source}")
        nyquist = source.rate / 2
        high = nyquist if self.high_hz is None else self.high_hz
        if high > nyquist:
            raise Mismatch(
                f"`high_hz` is {high:g}, above half the sample rate of {source.rate} Hz",
                at=("high_hz",),
                help=f"use at most {nyquist:g}, or leave it out",
            )
        if self.low_hz >= high:
            message = f"`low_hz` {self.low_hz:g} is not below the upper edge {high:g} Hz"
            raise Mismatch(message, at=("low_hz",))
        self._require_filters(source.rate, high)
        hop = samples_of(self.hop_seconds, source.rate)
        width = self.num_bins + (self.energy == "first")
        rate = _plain(Fraction(source.rate, hop))
        return Frames(dim=width * (1 + self.deltas), rate=rate, channels=1 + self.deltas)

    def streaming(self, source: Type) -> Streams | Obstacle:
        """A frame at a time, once the last sample of its window has come."""
        assert isinstance(source, Waveform)
        for field, needed, why in (
            ("dither", 0.0, "the noise that it adds depends on the length of the recording"),
            ("snip_edges", True, "it mirrors what is missing at the ends of the recording"),
            ("deltas", 0, "differences over time look two frames ahead for each order"),
        ):
            if getattr(self, field) != needed:
                return Obstacle(why, f"set `{field}: {str(needed).lower()}`", (field,))
        hop, window = (samples_of(value, source.rate) for value in (self.hop_seconds, self.window_seconds))
        return Streams(hop, max(window - hop, 0))

    def _require_filters(self, rate: int, high: float) -> None:
        """A filter narrower than a bin of the transform would weigh nothing and give a constant feature."""
        for field, least in (("hop_seconds", 1), ("window_seconds", 2)):
            seconds = getattr(self, field)
            if samples_of(seconds, rate) < least:
                message = f"`{field}` {seconds:g} is less than {least} sample(s) at {rate} Hz"
                raise Mismatch(message, at=(field,))
        points = padded_length(samples_of(self.window_seconds, rate))
        for number, (low, up) in enumerate(mel_edges(self.num_bins, self.low_hz, high), start=1):
            if not _holds(low, up, rate / points):
                message = (
                    f"{self.num_bins} filters are too many: number {number} weighs no bin of {points // 2}"
                )
                raise Mismatch(message, at=("num_bins",), help="use fewer filters or a longer window")


def samples_of(seconds: float, rate: int) -> int:
    """Whole samples in ``seconds``, rounded down as Kaldi does, robust against the last bit."""
    return int(rate * seconds + 1e-6)


def padded_length(window: int) -> int:
    """The power of two that a window is padded to."""
    return 1 << (window - 1).bit_length()


def mel_edges(num_bins: int, low_hz: float, high_hz: float) -> list[tuple[float, float]]:
    """Lower and upper edge of each filter, in Hz."""
    low, high = mel(low_hz), mel(high_hz)
    step = (high - low) / (num_bins + 1)
    return [(hertz(low + k * step), hertz(low + (k + 2) * step)) for k in range(num_bins)]


def mel(hz: float) -> float:
    """O'Shaughnessy's mel scale with the natural logarithm, as in Kaldi and HTK."""
    from math import log

    return 1127.0 * log(1.0 + hz / 700.0)


def hertz(mels: float) -> float:
    """The inverse of ``mel``."""
    from math import exp

    return 700.0 * (exp(mels / 1127.0) - 1.0)


def _holds(low: float, high: float, step: float) -> bool:
    first = int(low / step) + 1
    return first * step < high


def _plain(rate: Fraction) -> Fraction | int:
    return rate.numerator if rate.denominator == 1 else rate
