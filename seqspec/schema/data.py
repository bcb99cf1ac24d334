"""The ``data`` part of an experiment: ordered, declared steps from raw records to batches.

An adapter yields raw records whose fields play a role: ``source`` is what the model reads, ``target`` what it
learns to give. Text roles go through ``text.source`` and ``text.target``, audio through ``audio``, pictures
through ``image``.
"""

from typing import Annotated, Literal

from pydantic import Field

from seqspec.schema.config import Config
from seqspec.schema.slot import Slot
from seqspec.schema.units import Cosmetic, Fraction, NonNegative, Positive, Probability, Seconds, Speed

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


class ImagePipeline(Config):
    """From a stored picture to a tensor."""

    normalize: Literal["none", "unit", "image", "global"] = "image"
    """Scale to [0, 1] (``unit``), then each image's own mean and variance, or those of the training split."""
    augment: list[Annotated[Config, Slot("augment")]] = []
    """Augmentation of training examples, in order."""


class Filter(Config):
    """Which examples are left out; how many, and why, is reported."""

    min_seconds: Seconds | None = None
    """Shortest audio."""
    max_seconds: Seconds | None = None
    """Longest audio; a spec with audio must set it."""
    min_source_tokens: Positive | None = None
    """Shortest source, in ids."""
    max_source_tokens: Positive | None = None
    """Longest source, in ids."""
    min_target_tokens: Positive | None = None
    """Shortest target, in ids."""
    max_target_tokens: Positive | None = None
    """Longest target, in ids, the end symbol not counted."""
    max_length_ratio: Annotated[float, Field(gt=1, le=1000)] | None = None
    """Longest side over shortest side, in ids."""
    duplicates: Literal["keep", "drop"] = "keep"
    """What happens to a training example that stood before, word for word."""
    train_only: bool = False
    """Apply the filter to the training split only; other splits keep every example."""


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
    sample: Literal["rows", "offsets"] = "rows"
    """``rows``: fixed rows, shuffled.  ``offsets``: every row starts at a random place in the stream."""


class Batch(Config):
    """How examples are grouped.  The size is that of one optimiser step over all devices."""

    unit: Literal["examples", "tokens", "frames", "seconds"]
    """What ``size`` counts.  ``tokens`` counts the longer side of each pair, padding included; so does
    ``frames`` for audio.
    """
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


class OnError(Config):
    """Bad rows are dropped, counted and reported, up to a cap."""

    drop: Probability
    """Largest share of rows that may be dropped before the run stops."""


class Data(Config):
    """Where examples come from and how they become batches."""

    source: Annotated[Config, Slot("adapter")]
    """The corpus."""
    split: Split | None = None
    """Cut dev and test out of train."""
    text: TextFields = TextFields()
    """Steps for text."""
    audio: AudioPipeline | None = None
    """Steps for audio."""
    image: ImagePipeline | None = None
    """Steps for pictures."""
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
