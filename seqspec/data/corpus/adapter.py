"""What every adapter is: a reader of one corpus in its real layout, which can also write a tiny one."""

from __future__ import annotations

import glob
import os
import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from difflib import get_close_matches
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

from seqspec.data.corpus.near_names import absent, near_name
from seqspec.data.corpus.record import BadRow, Record
from seqspec.data.printable import show
from seqspec.schema.diagnostic import DataError, SpecError

if TYPE_CHECKING:
    from seqspec.data.corpus.audio import AudioReader
    from seqspec.data.corpus.input_files import InputFiles
    from seqspec.schema.adapter._adapter import AdapterConfig

C = TypeVar("C", bound="AdapterConfig", covariant=True)


class LookedUp(NamedTuple):
    """Files that were looked for."""

    found: Sequence[Path]
    absent: Sequence[Path]


class Listing(NamedTuple):
    """The tables of a split, and the files that their rows name, whether these are there or not."""

    tables: Sequence[Path]
    named: Iterable[Path]

    def files(self) -> Iterator[Path]:
        """The tables, and the named files that are there."""
        yield from self.tables
        yield from self.looked_up().found

    def looked_up(self) -> LookedUp:
        """The named files, sorted."""
        found: list[Path] = []
        absent: list[Path] = []
        for path in sorted(set(self.named)):
            (found if path.is_file() else absent).append(path)
        return LookedUp(found, absent)


class Adapter(ABC, Generic[C]):
    """Reads a corpus; knows nothing of models.  Building one touches no file."""

    version = 1
    """Raised when the same bytes would give other records, so that caches know."""

    def __init__(self, config: C, source: object = None) -> None:
        self.config = config
        self.place = "data.source"
        """Where the spec says it, for messages."""

    @abstractmethod
    def splits(self) -> tuple[str, ...]:
        """The splits that the spec maps, in their fixed order; whether their files are there is not asked."""

    @abstractmethod
    def files(self, split: str) -> Iterator[Path]:
        """Every file that ``examples`` reads, sorted.  Raises ``DataError`` where the corpus is not there."""

    def listing(self, split: str) -> Listing | None:
        """Where the bytes of tables alone decide which files belong to a split: these, and what they name.
        ``None`` where folders or archives decide it.
        """
        return None

    @abstractmethod
    def examples(self, split: str) -> Iterator[Record | BadRow]:
        """The records of a split in the corpus's order, which never changes."""

    @abstractmethod
    def write_synthetic(self, folder: Path, *, count: int, seed: int) -> None:
        """A tiny corpus in the real layout below ``folder``: ``count`` training examples, fewer in every
        other split.
        """

    def passed_over(self, split: str) -> dict[str, int]:
        """Files that look as if they belonged to a split and are not read, counted by what they are."""
        return {}

    def records_of(self, path: Path) -> Iterator[Record | BadRow] | None:
        """The records of a text file from anywhere, where it looks like one of this corpus whose texts do not
        stand one a line; ``None`` for plain lines.
        """
        return None

    def input_files(self) -> InputFiles | None:
        """How files from anywhere are read to predict from; ``None`` where they are texts, recordings or
        images, or cannot be.
        """
        return None

    def audio(self) -> AudioReader | None:
        """How ``AudioRef`` values of this corpus are read; ``None`` for a corpus without audio."""
        return None

    def audio_of(self, role: str) -> AudioReader | None:
        """How the recordings of one field are read, where a corpus has several."""
        return self.audio()

    @property
    def corpus(self) -> str:
        """The name that messages call the corpus by."""
        return self.config.component[1]

    @cached_property
    def root(self) -> Path:
        """The corpus folder, environment variables filled in; of a corpus in an object store the local copy.
        Raises ``DataError`` where it is not there.
        """
        from seqspec.schema.environment import expand
        from seqspec.schema.remote import STORES, scheme_of

        try:
            written = expand(self.config.root or "")
        except SpecError as error:
            raise self.missing(error.diagnostics[0].message) from None
        if not written.strip():
            raise self.missing("the spec does not say where the corpus is")
        if scheme_of(written):
            from seqspec.data.corpus.remote import mirror

            return mirror(written, corpus=self.corpus)
        if "://" in written:
            known = ", ".join(f"{one}://" for one in STORES)
            raise self.missing(f"no corpus is read from `{show(written[:200])}`",
                               hint=f"copy it to one of {known}, or to a folder")  # fmt: skip
        try:
            root = Path(written).expanduser()
        except RuntimeError:
            raise self.missing(f"there is no user with the home folder `{show(written[:200])}`") from None
        try:
            there = root.is_dir()
        except OSError:  # a name that no system takes
            there = False
        if not there:
            raise self._no_folder(root)
        return root

    def home(self, name: str) -> Path:
        """The corpus's own folder: ``name`` below ``root``, or ``root`` itself where that is what the spec
        points to.
        """
        inner = self.root / name
        return inner if inner.is_dir() else self.root

    def _no_folder(self, root: Path) -> DataError:
        name = show(str(root)[:200])
        if os.path.isfile(root):
            return self.missing(
                f"`{name}` is a file, and `root` is the folder of the corpus",
                hint=f"let `root` be `{show(root.parent)}`, and name `{show(root.name)}` under `splits`",
            )
        hint = ""
        if "\\" in str(root):
            hint = "a backslash parts no folders here: write the path as this system has it, with `/`"
        return self.missing(f"there is no folder `{name}`", hint=hint)

    def missing(self, message: str, *, hint: str = "") -> DataError:
        """The error for a corpus that is not there: what was looked for, and how to get it; ``hint`` is what
        is most likely meant.
        """
        variable = re.search(r"\$\{env:([A-Za-z_][A-Za-z0-9_]*)", self.config.root or "")
        elsewhere = f"`--set {self.place}.root=FOLDER`"
        ways = (
            [hint, f"or point to another folder with {elsewhere}"]
            if hint
            else [f"point to it with {elsewhere}"]
        )
        if variable:
            ways.append(f"set the environment variable {variable[1]}")
        downloads = self.config.downloads()
        if downloads:
            sizes = ", ".join(f"{download.name} {download.about}" for download in downloads)
            ways.append(f"fetch it there with `seqspec data fetch SPEC` and the same `--set` ({sizes})")
        return DataError(self._addressed(message), corpus=self.corpus, help=self._addressed("; ".join(ways)),
                         code="SQ401", at=("data", "source"))  # fmt: skip

    def _addressed(self, text: str) -> str:
        """``text`` with the address of an object store in place of the local copy's folder."""
        from seqspec.schema.environment import expand
        from seqspec.schema.remote import scheme_of

        copy = self.__dict__.get("root")  # as far as it has been asked for
        address = expand(self.config.root or "") if copy is not None else ""
        return text.replace(str(copy), address.rstrip("/")) if scheme_of(address) else text

    def inside(self, name: str, *, below: Path | None = None) -> Path | None:
        """The path that a corpus's own text names, or ``None`` where it leads out of the folder."""
        folder = below or self.root
        if not name or "\0" in name or name.startswith("~") or "\\" in name or ".." in name.split("/"):
            return None
        path = folder / name
        if name[0] != "/":  # which pathlib takes four times as long to find
            return path
        return path if path.is_relative_to(folder) or path.is_relative_to(folder.absolute()) else None

    def outside(self, name: str) -> str:
        """What is wrong with a path that ``inside`` refuses, and the folder that would hold it."""
        written = f"the path `{show(name[:100])}`"
        if "\\" in name:
            return f"{written} has a backslash: write `/` between folders, on every system"
        if name.startswith("~"):
            return f"{written} begins with `~`, which is not filled in: write it from the corpus folder on"
        if "\0" in name or not name:
            return f"{written} is no path" if name else "the path is empty"
        told = f"{written} leads out of the corpus folder"
        if not name.startswith("/") or "\0" in name or ".." in name.split("/"):
            return told
        both = os.path.commonpath([self.root.absolute(), Path(name).parent])
        return f"{told}: let `root` be `{show(both)}`, which holds both, and `splits` start from there"

    def found(self, patterns: tuple[str, ...], split: str) -> list[Path]:
        """The files that names and globs stand for, sorted within each; none is a ``DataError``."""
        return [path for pattern in patterns for path in self._matches(pattern, split)]

    def _matches(self, pattern: str, split: str) -> list[Path]:
        path = self.root / pattern
        if path.is_file():
            return [path]
        if not glob.has_magic(pattern):
            message = f"split `{split}` needs the file `{show(path)}`, which is not there"
            if path.exists() or path.is_symlink():
                raise self.missing(f"split `{split}` needs a file: {absent(path)}")
            hint = "write `/` between folders, on every system" if "\\" in pattern else ""
            raise self.missing(message, hint=hint or near_name(path) or beside(path, self.root))
        names = glob.glob(f"{glob.escape(str(self.root))}/{pattern}", recursive=True)
        paths = sorted(path for name in names if (path := Path(name)).is_file())
        if not paths:
            raise self.missing(
                f"split `{split}`: nothing matches `{show(pattern)}` below `{show(self.root)}`"
            )
        return paths


def beside(path: Path, root: Path) -> str:
    """What stands below ``root`` where ``path`` is looked for: the name meant, or those there are."""
    folder, name = path.parent, path.name
    while not folder.is_dir() and folder.is_relative_to(root) and folder != root:
        folder, name = folder.parent, folder.name
    try:
        names = sorted(one.name for one in folder.iterdir() if not one.name.startswith("."))
    except OSError:
        return ""
    close = get_close_matches(name, names, 1, 0.75)
    if close:
        return f"did you mean `{show(close[0])}`?"
    listed = ", ".join(f"`{show(one[:40])}`" for one in names[:6]) + (", …" if len(names) > 6 else "")
    return f"the folder `{show(folder)}` has {listed}" if names else f"the folder `{show(folder)}` is empty"


def synthetic_count(split: str, count: int) -> int:
    """Examples of a split of a synthetic corpus with ``count`` for training."""
    return count if split == "train" else max(4, count // 10)
