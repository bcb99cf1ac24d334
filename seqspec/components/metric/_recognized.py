"""What metrics share that let a trained recogniser hear what a model says."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from seqspec.components.metric._compared import Compared, signature
from seqspec.components.metric._edits import Edits, count_edits
from seqspec.components.predictions import AudioPrediction, FramesPrediction
from seqspec.schema.metric._recognizer_run import RecognizerRunConfig
from seqspec.schema.types import Type


class Recognizer(Protocol):
    """A recogniser that was trained before."""

    weights: str
    """SHA-256 of its weights."""

    def __call__(self, sound: AudioPrediction, *, device: Any) -> str:
        """What it hears; nothing in a recording that is too short for it."""
        ...


class Recognized(ABC):
    """Edits are summed over all utterances."""

    reads = "frames"
    better = "lower"
    said_in = "source"
    """The field whose raw text ``measure`` is handed."""
    name = ""

    def __init__(self, config: RecognizerRunConfig, takes: Mapping[str, Type], parts: Any) -> None:
        self.recognizer_run = config
        self.recognizer: Recognizer | None = None
        """Put here by whoever opens the run."""
        self.compared = Compared(tuple(parts.list("normalize")), config.punctuation)
        self._edits, self._true = Edits(), Edits()

    def measure(
        self, prediction: FramesPrediction, reference: FramesPrediction | None, *, text: str, device: Any
    ) -> tuple[Edits, Edits]:
        """The edits of what was said, and of the true recording; none where there is nothing to be heard."""
        return self._edits_of(prediction, text, device), self._edits_of(reference, text, device)

    def update(self, edits: Edits, of_true: Edits) -> None:
        """Count one utterance."""
        self._edits += edits
        self._true += of_true

    def compute(self) -> dict[str, float]:
        """The rate, its parts, and that of the true recordings."""
        true = next(iter(self._true.rates(self.name).values()))
        return {**self._edits.rates(self.name), f"{self.name}_of_recordings": true}

    def signature(self) -> str:
        """What decides the score."""
        weights = "unknown" if self.recognizer is None else self.recognizer.weights[:12]
        return signature([
            ("metric", self.name), ("recognizer", weights), ("samples", "16_bit"), *self.settings(),
            ("normalize", self.compared.names()), ("punctuation", self.compared.punctuation),
        ])  # fmt: skip

    @abstractmethod
    def units(self, text: str) -> Sequence[str]:
        """What is counted of a text as it is compared."""

    def settings(self) -> list[tuple[str, object]]:
        """What else decides the score."""
        return []

    def _edits_of(self, said: FramesPrediction | None, text: str, device: Any) -> Edits:
        if said is None or said.sound is None:
            return Edits()
        assert self.recognizer is not None, "the run of the recogniser was not opened"
        heard = self.recognizer(said.sound(), device=device)
        return count_edits(*(self.units(self.compared(one)) for one in (heard, text)))
