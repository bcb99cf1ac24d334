"""What a model predicts for an input, as small typed values that need no torch.

A metric's ``reads`` names the kind that it compares with a reference (``text``, ``labels``); who prints,
serves or draws predictions does so by type. A model that writes ids gives hypotheses, which become text or
labels; any other model gives values of these types from ``decode``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

# T frames or samples, D width, C channels, H height, W width of an image


@dataclass(frozen=True)
class TimedWord:
    """A word of a recording, or a segment where the model writes the times of segments itself."""

    word: str
    start: float
    """Seconds."""
    end: float
    """Seconds."""
    score: float
    """Mean log-probability of the states that write it; of a segment, of all ids of the answer."""


@dataclass(frozen=True)
class TextPrediction:
    """A text that was written or recognised."""

    kind: ClassVar[str] = "text"
    text: str
    score: float
    """What hypotheses are ranked by; a log-probability where no other term enters."""
    words: tuple[TimedWord, ...] | None = None
    """The words with their times, where they were asked for and an alignment fits."""
    as_file: Callable[[], tuple[str, bytes]] | None = field(default=None, compare=False, repr=False)
    """Suffix and content of the file that the text stands for, such as music, where it stands for one."""


@dataclass(frozen=True)
class LabelPrediction:
    """One class of a closed set."""

    kind: ClassVar[str] = "labels"
    label: str
    score: float
    """Log-probability of the class."""

    @property
    def text(self) -> str:
        """The label, where a text is asked for."""
        return self.label

    @property
    def probability(self) -> float:
        """Probability of the class."""
        return math.exp(self.score)


@dataclass(frozen=True)
class AudioPrediction:
    """A waveform ``[T]`` of float32 in [-1, 1]."""

    kind: ClassVar[str] = "audio"
    samples_T: NDArray[np.float32]
    rate: int
    """Samples a second."""


@dataclass(frozen=True)
class ImagePrediction:
    """An image ``[C, H, W]`` of uint8."""

    kind: ClassVar[str] = "image"
    pixels_CHW: NDArray[np.uint8]


@dataclass(frozen=True)
class MaskPrediction:
    """A class for each pixel, ``[H, W]``; ``labels`` names the classes by number."""

    kind: ClassVar[str] = "mask"
    classes_HW: NDArray[np.int64]
    labels: tuple[str, ...]


@dataclass(frozen=True)
class VideoPrediction:
    """A film ``[T, H, W]`` of float32 in [0, 1]; ``given_THW`` is what it goes on from."""

    kind: ClassVar[str] = "video"
    frames_THW: NDArray[np.float32]
    given_THW: NDArray[np.float32]


@dataclass(frozen=True)
class PointsPrediction:
    """A class for each point of a set, ``[N]``; ``points_NC`` are the points, their places first."""

    kind: ClassVar[str] = "points"
    classes_N: NDArray[np.int64]
    points_NC: NDArray[np.floating]


@dataclass(frozen=True)
class VectorPrediction:
    """An embedding ``[D]`` of float32."""

    kind: ClassVar[str] = "vector"
    values_D: NDArray[np.float32]


@dataclass(frozen=True)
class FramesPrediction:
    """Frames ``[T, D]`` of float32, such as a log-mel spectrogram."""

    kind: ClassVar[str] = "frames"
    frames_TD: NDArray[np.float32]
    rate: float
    """Frames a second."""
    sound: Callable[[], AudioPrediction] | None = field(default=None, compare=False)
    """Makes them heard, where the model has a vocoder."""


@dataclass(frozen=True)
class FilePrediction:
    """A value that was written to files; the first is the one to open."""

    kind: ClassVar[str] = "files"
    names: tuple[str, ...]


Predicted = (
    TextPrediction
    | LabelPrediction
    | AudioPrediction
    | ImagePrediction
    | MaskPrediction
    | PointsPrediction
    | VideoPrediction
    | VectorPrediction
    | FramesPrediction
    | FilePrediction
)
KINDS: tuple[str, ...] = ("text", "labels", "audio", "image", "mask", "points", "video", "vector", "frames")
"""Every kind of prediction, as metrics name what they read."""
