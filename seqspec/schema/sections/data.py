"""The ``data`` part of an experiment: ordered, declared steps from raw records to batches.

An adapter yields raw records whose fields have names: ``source`` is what the model reads, ``target`` what it
learns to give, and a corpus may have any others.  Text goes through ``text.source`` and ``text.target``,
audio through ``audio``, images through ``image``; what stands under ``fields`` there is for one field by its
name.
"""

from collections.abc import Iterator, Mapping
from typing import Annotated, Literal

from pydantic import Field

from seqspec.schema.adapter._adapter import AdapterConfig
from seqspec.schema.config import Config
from seqspec.schema.slot import Slot
from seqspec.schema.types import Type, Waveform
from seqspec.schema.units import (
    Cosmetic,
    FieldName,
    Fraction,
    Later,
    NonNegative,
    Positive,
    Probability,
    Seconds,
    Speed,
)

Check = Annotated[str, Field(pattern=r"^D(0[1-9]|1[0-9]|2[0-2])$")]
"""The id of a check of ``seqspec data inspect``."""


class TextPipeline(Config):
    """From raw text to ids: normalise, segment, tokenise."""

    normalize: list[Annotated[Config, Slot("normalizer")]] = []
    """Normalisers in order; each keeps an alignment back to the raw string."""
    segment: Annotated[Config | None, Slot("segmenter")] = None
    """Cuts text into words before the tokenizer sees it; none leaves that to the tokenizer."""
    tokenizer: Annotated[Config, Slot("tokenizer")]
    """Turns text into ids and back."""


class TextFields(Config):
    """The text roles."""

    source: TextPipeline | None = None
    """Text that the model reads."""
    target: TextPipeline | None = None
    """Text that the model learns to give."""
    shared: TextPipeline | None = None
    """One pipeline, trained on both roles, for both: a joint vocabulary.  In place of ``source`` and
    ``target``.
    """
    fields: Annotated[dict[FieldName, TextPipeline], Later] = {}
    """Pipelines of other text fields by name; a field without one goes through ``shared``."""

    def named(self) -> Iterator[tuple[tuple[str, ...], TextPipeline]]:
        """Every pipeline that is written, with its place below ``data.text``."""
        usual = ((name, getattr(self, name)) for name in ("source", "target", "shared"))
        yield from (((name,), pipeline) for name, pipeline in usual if pipeline is not None)
        yield from ((("fields", name), pipeline) for name, pipeline in self.fields.items())

    def place(self, role: str) -> tuple[str, ...]:
        """The place below ``data.text`` of the pipeline of a field, whether it is written or not."""
        if role in self.fields:
            return ("fields", role)
        return (role,) if getattr(self, role, None) is not None and role in _USUAL else ("shared",)

    def pipeline(self, role: str) -> TextPipeline | None:
        """The pipeline of a field."""
        return dict(self.named()).get(self.place(role))


_USUAL = ("source", "target")


class AudioPipeline(Config):
    """From waveform to feature frames."""

    features: Annotated[Config, Slot("feature")] = Field(default="log_mel", validate_default=True)
    """What is computed from the waveform."""
    normalize: Literal["none", "utterance", "global"] = "utterance"
    """Mean and variance: each utterance's own, those of the training split, or left alone."""
    cache_gigabytes: Annotated[NonNegative, Speed] = 8.0
    """Frames of a split are kept on disk, as the same float32 numbers, up to this size; larger splits are
    computed as they are read.
    """
    augment: list[Annotated[Config, Slot("augment")]] = []
    """Augmentation of training examples, in order."""
    waveform_augment: Annotated[list[Annotated[Config, Slot("augment")]], Later] = []
    """Augmentation of the samples of training examples, in order, before the features."""


class AudioFields(AudioPipeline):
    """The steps of every audio field, and those of fields that have their own."""

    fields: Annotated[dict[FieldName, AudioPipeline], Later] = {}
    """Steps of single audio fields by name, in place of those that stand beside ``fields``."""

    def place(self, role: str) -> tuple[str, ...]:
        """The place below ``data.audio`` of the steps of a field."""
        return ("fields", role) if role in self.fields else ()

    def pipeline(self, role: str) -> AudioPipeline:
        """The steps of a field."""
        return self.fields.get(role, self)


class ImagePipeline(Config):
    """From a stored image to a tensor."""

    normalize: Literal["none", "unit", "image", "global"] = "image"
    """Scale to [0, 1] (``unit``), then each image's own mean and variance, or those of the training split."""
    augment: list[Annotated[Config, Slot("augment")]] = []
    """Augmentation of training examples, in order."""


class ImageFields(ImagePipeline):
    """The steps of every image field, and those of fields that have their own."""

    fields: Annotated[dict[FieldName, ImagePipeline], Later] = {}
    """Steps of single image fields by name, in place of those that stand beside ``fields``."""

    def place(self, role: str) -> tuple[str, ...]:
        """The place below ``data.image`` of the steps of a field."""
        return ("fields", role) if role in self.fields else ()

    def pipeline(self, role: str) -> ImagePipeline:
        """The steps of a field."""
        return self.fields.get(role, self)


class Limits(Config):
    """How long a field may be; what is shorter or longer is left out."""

    min: Positive | None = None
    """Fewest elements: ids of text, frames of audio, values of a sequence."""
    max: Positive | None = None
    """Most elements: ids of text (the end symbol not counted), frames of audio, values of a sequence."""
    min_seconds: Seconds | None = None
    """Shortest audio."""
    max_seconds: Seconds | None = None
    """Longest audio."""


class Filter(Config):
    """Which examples are left out; how many, and why, is reported."""

    lengths: Annotated[dict[FieldName, Limits], Later] = {}
    """Limits of fields by name; the keys below are short forms for all audio, ``source`` and ``target``."""
    min_seconds: Seconds | None = None
    """Shortest audio, of every audio field."""
    max_seconds: Seconds | None = None
    """Longest audio, of every audio field; a spec with audio must set it, or limit each field."""
    min_source_tokens: Positive | None = None
    """Shortest source, in ids."""
    max_source_tokens: Positive | None = None
    """Longest source, in ids."""
    min_target_tokens: Positive | None = None
    """Shortest target, in ids."""
    max_target_tokens: Positive | None = None
    """Longest target, in ids, the end symbol not counted."""
    max_length_ratio: Annotated[float, Field(gt=1, le=1000)] | None = None
    """Longest of source and target over the shortest, in ids."""
    duplicates: Literal["keep", "drop"] = "keep"
    """What happens to a training example that stood before, word for word."""
    train_only: bool = False
    """Apply the filter to the training split only; other splits keep every example."""

    def limits(self, role: str) -> Limits:
        """The limits of one field, from both ways of writing them."""
        own = self.lengths.get(role, Limits())
        short = {"min_seconds": self.min_seconds, "max_seconds": self.max_seconds}
        if role in _USUAL:
            short |= {side: getattr(self, f"{side}_{role}_tokens") for side in ("min", "max")}
        return own.model_copy(update={k: v for k, v in short.items() if getattr(own, k) is None})

    def place(self, role: str, limit: str) -> tuple[str, ...]:
        """Where a limit of a field is written, below ``data.filter``: under ``lengths``, or in short."""
        if role in self.lengths and getattr(self.lengths[role], limit) is not None:
            return ("lengths", role, limit)
        return (limit,) if limit.endswith("seconds") else (f"{limit}_{role}_tokens",)


class Split(Config):
    """Cut one split out of another where the corpus has none."""

    by: Literal["hash", "speaker", "label"] = "hash"
    """``hash`` of the example's id, whole speakers, or stratified by label."""
    dev: Fraction = 0.0
    """Share of the training split that becomes ``dev``."""
    test: Fraction = 0.0
    """Share of the training split that becomes ``test``."""
    seed: Annotated[int, Field(ge=0)] = 0
    """Another cut of the same sizes."""


class Pack(Config):
    """Join the tokens of many examples into rows of one length."""

    length: Positive
    """Tokens in a row."""
    document_mask: bool = True
    """Keep examples in a row from seeing one another; without it text runs on as one stream."""
    stride: Positive | None = None
    """Distance between the starts of rows; left out, equal to ``length``, so that every token is a target
    once an epoch.
    """
    sample: Literal["rows", "offsets", "lanes"] = "rows"
    """``rows``: fixed rows, shuffled.  ``offsets``: every row starts at a random place in the stream.
    ``lanes``: the stream is cut into as many stretches as a batch has rows, and each batch has the next row
    of every one, so that a model which carries a memory goes on from the row before.
    """
    remainder: Annotated[Literal["row", "drop"], Later] = "row"
    """The training tokens after the last whole row: a shorter ``row``, which is padded, or left out of every
    epoch and counted (``drop``), so that all rows are of one length.  Other splits keep every token.
    """


class Batch(Config):
    """How examples are grouped.  The size is that of one optimiser step over all devices."""

    unit: Literal["examples", "tokens", "frames", "seconds"]
    """What ``size`` counts, padding included: ``tokens`` the longest field of each example, ``frames`` and
    ``seconds`` its audio.
    """
    field: Annotated[FieldName | None, Later] = None
    """The one field whose length counts; needed for ``frames`` and ``seconds`` where several are audio."""
    size: Annotated[float, Field(gt=0, le=1e9)]
    """Size of the batch of one optimiser step."""
    buckets: Literal["auto", "none"] | list[Positive] = "auto"
    """Upper bounds of the length buckets, in the unit of lengths (tokens or frames); ``auto`` sorts for least
    padding.
    """
    sizes: list[Positive] | None = None
    """Examples in a batch of each bucket, where the bounds are a list and ``size`` is not to decide."""
    max_examples: Positive | None = None
    """Most examples in one batch, however short they are."""
    shuffle: bool = True
    """Draw the order of batches anew each epoch; without it the corpus order stands."""
    workers: Annotated[int, Field(ge=0, le=256), Speed] = 0
    """Loader processes; changes speed, never results."""

    def measured(self, roles: Mapping[str, Type]) -> str | None:
        """The one field that ``size`` counts; ``None`` where the longest does, or where nothing fits."""
        timed = [role for role, type_ in roles.items() if isinstance(type_, Waveform)]
        if self.field is None and self.unit in ("frames", "seconds"):
            return timed[0] if len(timed) == 1 else None
        return self.field


class OnError(Config):
    """Bad rows are dropped, counted and reported, up to a cap."""

    drop: Probability
    """Largest share of rows that may be dropped before the run stops."""


class Data(Config):
    """Where examples come from and how they become batches."""

    source: Annotated[AdapterConfig, Slot("adapter")]
    """The corpus."""
    split: Split | None = None
    """Cut dev and test out of train."""
    text: TextFields = TextFields()
    """Steps for text."""
    audio: AudioFields | None = None
    """Steps for audio."""
    image: ImageFields | None = None
    """Steps for images."""
    filter: Filter = Filter()
    """Which examples are left out."""
    pack: Pack | None = None
    """Join examples into rows of one length."""
    batch: Batch
    """How examples are grouped."""
    on_error: Literal["fail"] | OnError = "fail"
    """What an unreadable row does."""
    expect: dict[str, Positive] = {}
    """Examples that each split must have, before filters."""
    accept: Annotated[dict[Check, str], Cosmetic] = {}
    """Findings of ``seqspec data inspect`` that are known, each with the reason why it does not matter."""

    @property
    def lanes(self) -> int | None:
        """Lanes that packed rows stand in, 0 where a batch holds none; ``None`` where they stand in none."""
        if self.pack is None or self.pack.sample != "lanes":
            return None
        return int(self.batch.size // (1 if self.batch.unit == "examples" else self.pack.length))
