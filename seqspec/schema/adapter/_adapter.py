"""What every adapter's config shares.  An adapter yields raw records and knows nothing of models."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, ClassVar, NamedTuple

from pydantic import AfterValidator, Field

from seqspec.schema.config import Config
from seqspec.schema.environment import Environment
from seqspec.schema.types import Type
from seqspec.schema.units import Cosmetic, Count, Split

DataPath = Annotated[str, Field(min_length=1, max_length=4096), Environment]
"""A path of this machine; ``${env:NAME}`` may stand in it.  Bytes, not paths, make the data digest."""


def _relative(name: str) -> str:
    """What a spec says of files must mean the same on every machine: ``root`` alone names folders."""
    if name.startswith(("/", "\\", "~")) or "\0" in name or ".." in name.split("/"):
        raise ValueError(f"`{name}` does not stand below the corpus folder; name the folder as `root`")
    return name


Pattern = Annotated[str, Field(min_length=1, max_length=4096), AfterValidator(_relative)]
"""A file name below the corpus folder; may hold ``*``, ``?`` and ``**``, whose matches are read in sorted
order.
"""

Files = Pattern | Annotated[list[Pattern], Field(min_length=1)]
"""One name or several, which are read one after the other."""

Language = Annotated[str, Field(pattern=r"^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$")]
"""A BCP 47 code, such as ``ja``."""

if TYPE_CHECKING:
    SplitName = str  # so that what adapters are asked for needs no cast
else:
    SplitName = Split
Splits = Annotated[dict[SplitName, Files], Field(min_length=1)]
"""Files of each split."""

SPLITS: tuple[str, ...] = ("train", "dev", "dev_other", "test", "test_other")
"""Every split in the order in which they are listed and written."""


class Download(NamedTuple):
    """One file of a corpus that can be fetched.  A checksum stands here only where its source is certain."""

    url: str
    about: str
    """Size for people, such as ``338 MB``."""
    size: int | None = None
    """Exact size in bytes, where it is known."""
    md5: str | None = None
    sha256: str | None = None
    folder: str = ""
    """Where it goes, below the corpus folder."""
    unpack: bool = True
    """Extract the archive after it was checked."""

    @property
    def name(self) -> str:
        """File name, the last part of the address."""
        return self.url.rsplit("/", 1)[-1]


class AdapterConfig(Config):
    """An adapter: ``roles()`` says what its records hold."""

    any_of_slot: ClassVar[bool] = True

    root: Annotated[DataPath | None, Cosmetic] = None
    """Folder that holds the corpus."""
    synthetic: Count = 0
    """Examples of a synthetic corpus that is written in the real layout and read instead of ``root``; 0 reads
    the real one.
    """

    def roles(self) -> dict[str, Type]:
        """The type of ``source`` and ``target`` as far as the corpus has them: ``Text``, ``Waveform``,
        ``Image``, ``Classes``, …
        """
        raise NotImplementedError(type(self).__name__)

    def children(self) -> tuple[tuple[str, str, AdapterConfig], ...]:
        """The corpora that this one is made of, each with its place below this one; empty for all but
        mixtures.
        """
        return ()

    def downloads(self) -> tuple[Download, ...]:
        """What ``seqspec data fetch`` fetches; empty where the corpus has no known address or needs a
        licence.
        """
        return ()


def patterns(value: str | list[str]) -> tuple[str, ...]:
    """One name or several, as several."""
    return (value,) if isinstance(value, str) else tuple(value)


def ordered(names: Iterable[str]) -> tuple[str, ...]:
    """The splits among ``names`` in their fixed order."""
    held = set(names)
    return tuple(name for name in SPLITS if name in held)
