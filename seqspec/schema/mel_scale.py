"""How mel frames were made of a waveform."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class MelScale:
    """How mel frames were made of a waveform, so that what turns them into sound again must fit."""

    rate: int
    """Samples a second."""
    fft: int
    """Points of the transform."""
    window: int
    """Samples of the window."""
    hop: int
    """Samples between frames."""
    low: float
    """Lower edge of the lowest filter, in Hz."""
    high: float
    """Upper edge of the highest filter, in Hz."""
    scale: str = "slaney"
    norm: str = "area"
    spectrum: str = "magnitude"
    log: str = "natural"
    floor: float = 1e-5
    padding: str = "center"
    mean: float = 0.0
    """What is taken off the logarithms."""
    deviation: float = 1.0
    """What they are divided by after that."""

    def __str__(self) -> str:
        return " ".join(
            f"{value:g}" if isinstance(value, float) else str(value)
            for value in (getattr(self, name) for name in self.__dataclass_fields__)
        )
