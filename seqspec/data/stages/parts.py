"""What the data engine works with: the built components of the ``data`` part, their fingerprints and the
seed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from seqspec.data.store.code_version import code_of
from seqspec.schema.config import Leaf
from seqspec.schema.diagnostic import blamed
from seqspec.schema.types import Counted, Frames, Image, Type, Waveform

if TYPE_CHECKING:
    from seqspec.data.corpus.audio import AudioReader
    from seqspec.data.corpus.record import BadRow, Record
    from seqspec.schema.sections.data import Data


class Adapter(Protocol):
    """What a built adapter can do."""

    def passed_over(self, split: str) -> Mapping[str, int]:
        """Files that look as if they belonged to a split and are not read, counted by what they are."""
        ...

    def splits(self) -> tuple[str, ...]:
        """The splits that the corpus has."""
        ...

    def files(self, split: str) -> Iterable[Path]:
        """Every file that is read for a split."""
        ...

    def examples(self, split: str) -> Iterator[Record | BadRow]:
        """The records of a split, in the corpus's order."""
        ...

    def audio(self) -> AudioReader | None:
        """How ``AudioRef`` values are read; ``None`` for a corpus without audio."""
        ...

    @property
    def root(self) -> Path:
        """The corpus folder."""
        ...


class TextSteps(Protocol):
    """Normalise, segment, tokenise, and back; ``data/text/text_pipeline.py`` is the one implementation.
    Picklable.
    """

    @property
    def trainable(self) -> bool:
        """Whether ``learn`` must run before the first text is encoded."""
        ...

    @property
    def vocab_size(self) -> int:
        """Ids, the four special ones included."""
        ...

    def gather(self, texts: Sequence[str]) -> Any:
        """What ``learn`` takes of some raw texts; picklable."""
        ...

    def learn(self, gathered: Iterable[Any]) -> bytes:
        """Learn a vocabulary from what was gathered, in order; gives what ``load`` takes."""
        ...

    def load(self, artifact: bytes) -> None:
        """Take up what ``learn`` gave."""
        ...

    def encode(self, text: str) -> list[int]:
        """The ids of one text."""
        ...

    def encode_batch(self, texts: Sequence[str]) -> list[list[int]]:
        """The ids of each text."""
        ...

    def offsets(self, text: str) -> list[tuple[int, int]]:
        """For each id of ``encode(text)`` the half-open span of the raw text that it stands for."""
        ...

    def decode(self, ids: Sequence[int]) -> str:
        """Text again."""
        ...

    def fingerprint(self) -> dict[str, Any]:
        """Everything that decides the ids, as JSON."""
        ...


class Recordings(Protocol):
    """A folder of recordings."""

    @property
    def root(self) -> Path:
        """Where they lie."""
        ...

    @property
    def files(self) -> tuple[Path, ...]:
        """All of them, in order."""
        ...


class Feature(Protocol):
    """Frames from samples."""

    def __call__(self, samples: Any) -> Any:
        """``[frames, dim]`` float32 tensor of ``[T]`` float32 samples."""
        ...

    def num_frames(self, num_samples: int) -> int:
        """Frames of so many samples."""
        ...


TOKENS_AND_END = Counted("target", "tokens_and_end")
"""The target's tokens and an end symbol each: what a model that writes tokens sums over."""


@dataclass(frozen=True)
class DataParts:
    """The built ``data`` part of one plan; ``compile/build/program.py`` makes it."""

    config: Data
    adapter: Adapter
    roles: Mapping[str, Type]
    """What the adapter's records hold: the raw type of each field."""
    text: Mapping[str, TextSteps] = field(default_factory=dict)
    """Steps by field; fields hold the same object where the spec says ``shared``."""
    features: Mapping[str, Feature] = field(default_factory=dict)
    """What is computed from the waveforms of each audio field."""
    augments: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    """Augmentation of training examples by field: of frames, or of images."""
    waveform_augments: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    """Augmentation of the samples of training examples, by audio field."""
    mixers: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    """What makes one training example of two, by the image field that it reads, in the order of the spec."""
    fingerprints: Mapping[str, object] = field(default_factory=dict)
    """``source`` and ``features.<field>``: the configs of these components as plain data, keys that affect no
    result left out.
    """
    seed: int = 1
    counted: Mapping[str, Counted] = field(default_factory=lambda: {"loss": TOKENS_AND_END})
    """What the sum of each loss is divided by, by the loss's name."""

    @property
    def whole(self) -> bool:
        """Whether the first loss counts examples."""
        return next(iter(self.counted.values())).unit == "examples"

    @property
    def splits(self) -> tuple[str, ...]:
        """The splits of the corpus, and those that the spec cuts out of train."""
        cut = self.config.split
        more = ("dev", "test") if cut is not None else ()
        return (*self.adapter.splits(), *(name for name in more if getattr(cut, name)))

    def roles_of(self, *kinds: type[Type]) -> tuple[str, ...]:
        """The fields whose raw type is one of these."""
        return tuple(role for role, type_ in self.roles.items() if isinstance(type_, kinds))

    def pipeline(self, role: str) -> str:
        """The name under ``data.text`` of the steps for a field, dotted."""
        return ".".join(self.config.text.place(role))

    def reader(self, role: str) -> AudioReader | None:
        """How the recordings of a field are read; ``None`` where it is no audio."""
        if not isinstance(self.roles.get(role), Waveform):
            return None
        own: Callable[[str], AudioReader | None] | None = getattr(self.adapter, "audio_of", None)
        return self.adapter.audio() if own is None else own(role)

    def frames_type(self, role: str) -> Frames:
        """The frames that reach the model of an audio field, before augmentation."""
        assert self.config.audio is not None
        features = self.config.audio.pipeline(role).features
        assert isinstance(features, Leaf)
        given = features.output(self.roles[role])
        assert isinstance(given, Frames)
        return given

    @property
    def recordings(self) -> dict[tuple[str | int, ...], Recordings]:
        """Folders of recordings that augmentation reads, by the place of the step that does."""
        audio = self.config.audio
        found: dict[tuple[str | int, ...], Recordings] = {}
        for role, steps in self.waveform_augments.items():
            assert audio is not None
            for number, step in enumerate(steps):
                if step.folder is not None:
                    of_role: tuple[str | int, ...] = ("data", "audio", *audio.place(role))
                    found[(*of_role, "waveform_augment", number)] = step.folder
        return found

    @property
    def rates(self) -> dict[str, float]:
        """Frames a second of the fields that have them."""
        found = {}
        for role, type_ in self.roles.items():
            frames = self.frames_type(role) if isinstance(type_, Waveform) else type_
            if isinstance(frames, Frames) and frames.rate:
                found[role] = float(frames.rate)
        return found

    @property
    def normalize(self) -> dict[str, str]:
        """How audio and images are normalised, by field."""
        audio, image = self.config.audio, self.config.image
        found: dict[str, str] = {}
        for role in self.roles_of(Waveform):
            found[role] = "none" if audio is None else audio.pipeline(role).normalize
        for role in self.roles_of(Image):
            found[role] = "unit" if image is None else image.pipeline(role).normalize
        return found

    def source_fingerprint(self) -> object:
        """What decides the records besides the bytes of the files."""
        given = self.fingerprints.get("source")
        if given is None:
            source = self.config.source
            given = {"type": source.component[1], **source.model_dump(mode="json", exclude={"root"})}
        more: Callable[[], Mapping[str, str]] | None = getattr(self.adapter, "more_fingerprint", None)
        return {
            "adapter": given,
            "version": getattr(self.adapter, "version", 1),
            "code": code_of(self.adapter),
            **({} if more is None else more()),
        }

    def feature_fingerprint(self, role: str) -> object:
        """What decides the frames of an audio field."""
        given = self.fingerprints.get(f"features.{role}")
        if given is None and self.config.audio is not None:
            features = self.config.audio.pipeline(role).features
            given = {"type": features.component[1], **features.model_dump(mode="json")}
        return {"features": given, "code": code_of(self.features.get(role))}

    def text_fingerprint(self, role: str) -> object:
        """What decides the ids of a role, before anything is learned."""
        steps = self.text[role]
        held = [
            *getattr(steps, "normalizers", ()),
            getattr(steps, "segmenter", None),
            getattr(steps, "tokenizer", None),
        ]
        with blamed("data", "text", *self.config.text.place(role)):
            return {"steps": steps.fingerprint(), "code": code_of(*held)}
