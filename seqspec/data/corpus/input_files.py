"""Files from anywhere that a model of the corpus can predict from, where they are neither text, recordings
nor images: an adapter says by ``input_files`` what one of them holds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Given = Mapping[str, str]
"""What a person says of an input beside its file, by field, such as the ``category`` of a thing."""


@dataclass(frozen=True)
class InputFields:
    """One example that a file holds."""

    fields: Mapping[str, Any]
    """A value for each field that the model reads, as in a record.  Of a ``target`` the length alone is read:
    it says how much is to be predicted.
    """
    part: str = ""
    """Which part of its file it is, where that holds several."""
    of_file: Callable[[Any], Any] | None = None
    """A prediction about these values as one about the file, such as of all its points."""


@dataclass(frozen=True)
class InputFiles:
    """How the input files of a corpus's kind are read."""

    kind: str
    """What one holds, in the plural: ``clips``."""
    suffixes: frozenset[str]
    """Files of a folder that are read."""
    read: Callable[[Path, Given], Iterator[InputFields]]
    """The examples of a file.  Raises ``DataError`` for one that is not what it should be."""
    folders: frozenset[str] = frozenset()
    """A folder that holds files of these suffixes is read as one, such as a clip from its frames."""
    asks: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """What a person must say of an input whose folder does not, by field, with all that can be said, in the
    order of the classes' numbers.
    """
    prepared: str = ""
    """What ``read`` makes of the numbers of a file, for programs of other languages that do the same."""
