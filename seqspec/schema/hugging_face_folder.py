"""A folder in Hugging Face's layout as plain data: what it says, and where a part's tensors lie in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple


class Weight(NamedTuple):
    """One tensor of a module, and where it lies in a folder."""

    here: str
    """Its name in the module."""
    there: str
    """Its name in the folder."""
    shape: tuple[int | None, ...]
    """As it lies in the folder; ``None`` where the number of rows follows from the vocabulary."""
    transposed: bool = False
    """The folder holds inputs by outputs."""
    cut: tuple[int, int] | None = None
    """It is part number ``i`` of ``n`` equal parts along the module's first axis."""
    fills: tuple[int, int] | None = None
    """It fills part number ``i`` of ``n`` equal parts of the module's tensor along its first axis."""
    by_id: str = ""
    """The field whose token ids its rows belong to: rows move where the ids do."""
    by_label: str = ""
    """The field whose labels its rows belong to, by the names that the part knows as ``labels``."""
    older: tuple[str, ...] = ()
    """What other files call it."""
    flat: bool = False
    """The folder holds a vector as a matrix of one row."""
    norms: bool = False
    """It is the norm of each row of what the folder holds: the scale of weight normalisation, where the
    folder has weights in one piece.
    """


class Layout(NamedTuple):
    """The tensors of one part, and what else its folder may hold."""

    weights: tuple[Weight, ...]
    elsewhere: tuple[str, ...] = ()
    """Beginnings of the names of tensors that belong to other parts of the folder's model."""
    ignored: tuple[str, ...] = ()
    """Ends of the names of tensors that hold no weights: masks and tables that are worked out."""
    prefix: str = ""
    """What stands before each name, except in the files of a bare body."""
    prefixes: tuple[str, ...] = ()
    """What other architectures with the same layers have in its place."""


def affine(here: str, there: str, inputs: int, outputs: int) -> Iterator[Weight]:
    """A linear layer with its bias, outputs by inputs in both places."""
    yield Weight(f"{here}.weight", f"{there}.weight", (outputs, inputs))
    yield Weight(f"{here}.bias", f"{there}.bias", (outputs,))


class HeadForm(NamedTuple):
    """How a folder holds a body with a linear head over classes, or the body alone."""

    architecture: str
    """The class of transformers that reads it."""
    head: str = ""
    """What its head's ``weight`` and ``bias`` are called there, the dot included; empty without a head."""
    prefix: str = ""
    """What stands before the body's names."""
    writes: bool = False
    """Its head scores the pieces of a text and a blank, at each state."""
    pools: bool = False
    """A pooler of its own stands between them."""


class PairForm(NamedTuple):
    """How a folder holds an encoder and a decoder."""

    encoder: Layout
    decoder: Layout
    settings: Mapping[str, Any]
    """config.json, without the vocabulary."""
    head: str | None = None
    """What a softmax of its own is called; ``None`` where it is always the table."""
    bias: str | None = None
    """What the softmax's offsets are called, ``[1, V]``; ``None`` where it has none."""
    dim: int = 0
    positions: tuple[str, ...] = ()
    """Tables of our sinusoids, which the file overrides the architecture's own with."""
    num_positions: int = 0
    rates: str = "half_less_one"
    """By which formula."""
    zeros: Mapping[str, int] = {}
    """Offsets that the architecture has and we have not, with their sizes."""
    preprocessor: Mapping[str, Any] = {}
    """preprocessor_config.json, where what it hears is made of sound."""
    pad: int | None = None
    """The folder's id that padding must have, where positions count from it."""


@dataclass(frozen=True)
class Folder:
    """What a folder says without a weight being read."""

    settings: Mapping[str, Any]
    """config.json."""
    tensors: Mapping[str, tuple[int, ...]]
    """Shapes by name."""
    preprocessor: Mapping[str, Any] = field(default_factory=dict)
    """preprocessor_config.json, where there is one."""
