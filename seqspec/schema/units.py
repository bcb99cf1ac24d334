"""Number types with their bounds and units, and what a field affects.

Bounds are wide enough for any experiment and narrow enough that a slip of the finger is caught before memory
is asked for.
"""

from __future__ import annotations

from typing import Annotated, Literal, NamedTuple

from pydantic import Field

MOST = 2**53
"""The largest whole number a spec may hold: beyond it JSON and floats lose digits."""

Positive = Annotated[int, Field(gt=0, le=MOST)]
Count = Annotated[int, Field(ge=0, le=MOST)]
PositiveFloat = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NonNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Real = Annotated[float, Field(allow_inf_nan=False)]
Probability = Annotated[float, Field(ge=0, lt=1)]
"""A rate at which things are dropped: 1 would drop everything."""
Fraction = Annotated[float, Field(ge=0, le=1)]
Seconds = Annotated[float, Field(gt=0, le=1e6)]
Hertz = Annotated[int, Field(gt=0, le=1_000_000)]
Dim = Annotated[int, Field(gt=0, le=1_048_576)]
"""A width, in features."""
Layers = Annotated[int, Field(ge=1, le=10_000)]
Vocabulary = Annotated[int, Field(ge=2, le=16_777_216)]
Seed = Annotated[int, Field(ge=0, lt=2**63)]
Split = Literal["train", "dev", "dev_other", "test", "test_other"]
FieldName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
"""The name of a field of the corpus, such as ``source`` or ``speaker_audio``."""
TaskName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,49}$")]
"""A task by its name in the spec."""
PartPath = Annotated[str, Field(min_length=1, max_length=300)]
"""A part of the model by its place in the spec, such as ``model.encoder``."""
Effect = Literal["result", "speed", "cosmetic"]


class Affects(NamedTuple):
    """Mark in ``Annotated``: what a change of the field can change.  Fields without a mark affect the result.

    Only ``result`` fields enter the digests; ``seqspec diff`` shows the others as ``speed`` and ``cosmetic``.
    """

    what: Effect


class InferredMark(NamedTuple):
    """Mark in ``Annotated``: the compiler works the field out; a person may state it, then it is checked."""


class LaterMark(NamedTuple):
    """Mark in ``Annotated``: the field came after specs were written without it, so it enters the digests
    only where it differs from its default.
    """


Speed = Affects("speed")
Cosmetic = Affects("cosmetic")
Later = LaterMark()
