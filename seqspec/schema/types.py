"""The types that flow between components: what one gives and the next takes.  Frozen, small, torch-free.

A number that only the data can tell (a character vocabulary, the names of classes) is an ``Unknown`` until
``data prepare``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from fractions import Fraction
from typing import Any, ClassVar, Literal, NamedTuple

from seqspec.schema.mel_scale import MelScale


@dataclass(frozen=True, slots=True)
class Unknown:
    """A number that the data will tell, named after the place in the experiment that will know it."""

    name: str

    def __str__(self) -> str:
        return f"?{self.name}"


Number = int | Unknown


class Counted(NamedTuple):
    """What the sum of a loss is divided by."""

    field: str
    unit: Literal["tokens", "tokens_and_end", "examples", "frames"]


class Type:
    """What flows along one edge.  Printed as ``Frames(dim=80, rate=100)`` in plans."""

    __slots__ = ()
    __dataclass_fields__: ClassVar[dict[str, Any]]

    def __str__(self) -> str:
        told = ((f, getattr(self, f.name)) for f in fields(self))
        inner = ", ".join(f"{f.name}={value}" for f, value in told if value != f.default)
        return f"{type(self).__name__}({inner})"

    def unknowns(self) -> tuple[Unknown, ...]:
        values = (getattr(self, f.name) for f in fields(self))
        return tuple(value for value in values if isinstance(value, Unknown))


@dataclass(frozen=True, slots=True)
class Nothing(Type):
    """No input: what a decoder-only model reads."""


@dataclass(frozen=True, slots=True)
class Poison(Type):
    """Stands where an earlier mistake left no type, so that one mistake gives one diagnostic."""


@dataclass(frozen=True, slots=True)
class Text(Type):
    """Raw text in one language (BCP 47 code such as ``ja``)."""

    language: str


@dataclass(frozen=True, slots=True)
class Performance(Text):
    """Music as words, one for each event of the keys: ``note_on_60``, ``note_off_60``, ``time_shift_25``,
    ``velocity_17``; ``language`` is ``zxx``, for no language.
    """

    steps_per_second: int = 100
    """Steps of time in a second."""
    max_shift: int = 100
    """Steps of the longest ``time_shift``."""
    velocities: int = 32
    """How many velocities are told apart."""


@dataclass(frozen=True, slots=True)
class Waveform(Type):
    """Samples in [-1, 1], one channel: ``[T]`` float32."""

    rate: int
    """Samples a second."""


@dataclass(frozen=True, slots=True)
class Frames(Type):
    """A sequence of feature vectors: ``[B, T, dim]`` float32.  ``channels`` > 1 means ``dim`` = channels ×
    bins, channel-major.
    """

    dim: int
    rate: Fraction | int = 0
    """Frames a second; 0 where time has no unit."""
    channels: int = 1
    mel: MelScale | None = None
    """How they were made, where they are mel frames that a vocoder can read."""


@dataclass(frozen=True, slots=True)
class SampledFrames(Frames):
    """Frames that a model draws at random, so that a search says how."""


@dataclass(frozen=True, slots=True)
class Clip(Frames):
    """A film in [0, 1], a frame a row: ``dim`` = ``height`` × ``width``, one channel."""

    height: int = 0
    width: int = 0


@dataclass(frozen=True, slots=True)
class Tokens(Type):
    """A sequence of ids: ``[B, T]`` int64.  Ids 0 to 3 are padding, unknown, begin and end wherever
    ``special`` holds.
    """

    vocab: Number
    special: bool = True
    prompt: int = 0
    """Ids in front of each text that a search is given: those that follow the special ones, in their order.
    """


PAD, UNK, BOS, EOS = 0, 1, 2, 3
"""The special ids of every token vocabulary.  A CTC head uses ``PAD`` as its blank."""


@dataclass(frozen=True, slots=True)
class States(Type):
    """Hidden states: ``[B, ceil(T / stride), dim]`` floats.  ``causal``: state t depends on inputs up to t
    only.
    """

    dim: int
    stride: int = 1
    rate: Fraction | int = 0
    causal: bool = False
    size: int = 0
    """States of every sequence, whatever its length; 0 where ``stride`` says how many."""


@dataclass(frozen=True, slots=True)
class Image(Type):
    """``[B, channels, height, width]`` float32."""

    channels: int
    height: int
    width: int


@dataclass(frozen=True, slots=True)
class Points(Type):
    """A set of points: ``[B, N, dim]`` float32; order carries no meaning."""

    dim: int
    num: int = 0
    """Points of every set; 0 where sets differ."""


@dataclass(frozen=True, slots=True)
class Mask(Type):
    """The class of each pixel: ``[B, height, width]`` int64 below ``classes``."""

    classes: int
    height: int
    width: int
    ignore: int | None = None
    """What stands at pixels that have no class; ``None`` where every pixel has one."""


@dataclass(frozen=True, slots=True)
class Vector(Type):
    """One vector an example: ``[B, dim]`` float32."""

    dim: int


@dataclass(frozen=True, slots=True)
class Scalar(Type):
    """One number an example: ``[B]`` float32."""


@dataclass(frozen=True, slots=True)
class Integers(Type):
    """A sequence of whole numbers, such as durations in frames: ``[B, T]`` int64, padded with 0."""


@dataclass(frozen=True, slots=True)
class PointClasses(Integers):
    """The class of each point of a set, such as the part of a thing that it lies on: ``[B, N]`` int64."""

    classes: int
    first: tuple[int, ...] = (0,)
    """The first class of each category of things, in rising order: a thing has classes of its own category
    alone.
    """


@dataclass(frozen=True, slots=True)
class PlacesIn(Integers):
    """Places among the ids of the field ``of``, which follow from that text."""

    of: str


@dataclass(frozen=True, slots=True)
class WordStarts(PlacesIn):
    """At which of the ids of the field ``of`` each word of its text begins; it follows from that text."""


@dataclass(frozen=True, slots=True)
class AnswerSpans(PlacesIn):
    """Which of the ids of the field ``of``, its end counted as one more, are learned from.

    A record holds begin and end of each answer in the text, in code points, one after the other; the text is
    cut there before it is encoded.
    """


@dataclass(frozen=True, slots=True)
class Floats(Type):
    """A sequence of numbers, such as pitch: ``[B, T]`` float32, padded with 0."""


@dataclass(frozen=True, slots=True)
class Classes(Type):
    """One of ``num`` labels an example: ``[B]`` int64."""

    num: Number


@dataclass(frozen=True, slots=True)
class Logits(Type):
    """Unnormalised log-probabilities over ``vocab``, one set a step of what was given; ``[B]`` of them where
    ``stride`` is 0.
    """

    vocab: Number
    stride: int = 1
    blank: bool = False
    """One set a frame, where id 0 is CTC's blank, rather than one a target."""
    factored: bool = False
    """Worked out in clusters by an adaptive softmax: there is no single linear layer behind them."""
    ctc: bool = False
    """A CTC head scores the same vocabulary at the encoder's states."""
    image: bool = False
    """One set a channel of each pixel of an image, over its values."""
    ends: bool = True
    """Behind the targets their end is scored as well; without it given places are filled, and nothing is
    searched.
    """
    counted: str = ""
    """Field that says which targets are learned from; all of them where it is empty."""


@dataclass(frozen=True, slots=True)
class Pairs(Type):
    """Two vectors an example, one of each side of a pair, that belong together: ``[B, dim]`` both."""

    dim: int
    graded: bool = False
    """The corpus says of each pair how near its sides are."""


@dataclass(frozen=True, slots=True)
class PixelLogits(Type):
    """Unnormalised log-probabilities over ``classes`` at each pixel of a mask: ``[B, classes, H, W]``."""

    classes: int
    ignore: int | None = None
    """What stands in the mask at pixels that have no class."""


@dataclass(frozen=True, slots=True)
class CriticScores(Type):
    """How real each image looks to a discriminator, one number an image: of data and generated images to
    train the ``critic``, of generated ones alone to train the ``generator``.
    """

    side: Literal["critic", "generator"]
    of_classes: bool = False
    """Whether images are made of a class that the generator is told."""


@dataclass(frozen=True, slots=True)
class Likelihood(Type):
    """Negative log-likelihood of what the model reads, one number an example, of so many dimensions; 0 of
    texts, which have as many as they have tokens.
    """

    dimensions: int
    latent: Literal["gaussian", "codes", "path"] = "gaussian"
    """What stands between: a vector with a normal posterior, codes of a table, or a path of noise."""
    discrete: bool = True
    """Of the values that pixels can have, so that it can be told in bits; otherwise a density."""


@dataclass(frozen=True, slots=True)
class Denoising(Type):
    """What a network predicts of noisy images, beside what is right: of ``dimensions`` numbers an image."""

    dimensions: int
    path: Literal["gaussian", "flow"] = "gaussian"
    """How images become noise: step by step by normal noise, or along straight lines."""
    of_classes: bool = False
    """Whether images are made of a class that the network is told."""


@dataclass(frozen=True, slots=True)
class CodeUse(Type):
    """How likely each code of several tables was at the states of an example, summed over them:
    ``[B, groups, codes]``, with the number of states.
    """

    groups: int
    codes: int


@dataclass(frozen=True, slots=True)
class Gaussian(Type):
    """Mean and log-variance of a normal distribution with independent features, one for each example."""

    dim: int


@dataclass(frozen=True, slots=True)
class Auxiliary(Type):
    """A loss that a part of the model works out itself, such as the cost of thinking longer: one number."""

    weight: float = 1.0
    """Its weight where no loss of the spec states one."""
    counted: Counted | None = None
    """What its sum is divided by; left out, the tokens of the target."""

    @property
    def examples(self) -> bool:
        """Whether it is a mean over examples, rather than one that stands for every target."""
        return self.counted is not None and self.counted.unit == "examples"


class Outputs(Mapping[str, Type]):
    """What a model gives, by name; the first is the main one, which answers are read from."""

    __slots__ = ("_types",)

    def __init__(self, types: Mapping[str, Type]) -> None:
        self._types = dict(types)

    def __getitem__(self, name: str) -> Type:
        return self._types[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._types)

    def __len__(self) -> int:
        return len(self._types)

    def __repr__(self) -> str:
        return f"Outputs({self._types})"

    @property
    def main(self) -> Type:
        """The type of the main output."""
        return next(iter(self._types.values()))


SEQUENCES = (Text, Tokens, Waveform, Frames, Points, Integers, Floats)
"""Types whose values have lengths; of the others an example holds one value."""


def in_order(roles: Iterable[str]) -> tuple[str, ...]:
    """Roles as lengths are kept: ``source`` and ``target`` first, then the others in the corpus's order."""
    held = tuple(roles)
    usual = tuple(role for role in ("source", "target") if role in held)
    return usual + tuple(role for role in held if role not in usual)
