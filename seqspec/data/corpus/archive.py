"""Extraction of archives by our own rules: nothing lands outside the folder, nothing is run, nothing grows
without bound.

Only files and folders are written, with fresh permissions; links, devices, absolute names, ``..`` and control
characters are refused, and so is an archive that unpacks to more than its bounds allow.  Members are written
to a folder beside their place and moved in when the whole archive was sound.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import shutil
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO, Any

from seqspec.data.printable import show
from seqspec.schema.diagnostic import DataError

Advance = Callable[[int], None]
_BLOCK = 2**20
_MOST_AT_ONCE = 2**24
_TAR = (".tar", ".tgz", ".tar.gz", ".tar.bz2", ".tar.xz", ".tbz2", ".txz")


@dataclass(frozen=True, slots=True)
class Limits:
    """What an archive may grow to."""

    files: int = 5_000_000
    bytes: int = 2 * 10**12
    ratio: int = 200
    """Bytes out for each byte in; text compresses about fourfold, a bomb a thousandfold."""
    path: int = 1000
    """Characters of one member's name."""


@dataclass(frozen=True, slots=True)
class _Member:
    name: str
    size: int
    open: Callable[[], IO[bytes]]


def is_archive(path: Path) -> bool:
    """Whether the name is one that ``extract`` knows."""
    return path.name.endswith((*_TAR, ".zip"))


def extract(
    archive: Path, into: Path, *, limits: Limits = Limits(), advance: Advance = lambda _: None
) -> int:
    """Unpack into an existing folder; gives the number of files.  Raises ``DataError`` and leaves nothing
    where a rule is broken.

    Files that are already there are written over, so that an interrupted extraction can simply be done again.
    """
    beside = into / f".extracting-{archive.name}"
    shutil.rmtree(beside, ignore_errors=True)
    beside.mkdir(parents=True)
    try:
        count = _unpack(archive, beside, limits, advance)
        _move(beside, into, archive)
    except (
        tarfile.TarError,
        zipfile.BadZipFile,
        zlib.error,
        lzma.LZMAError,
        EOFError,
        RuntimeError,
        LookupError,  # zipfile and tarfile trust some fields of their headers
        ValueError,
        ArithmeticError,
        struct.error,
    ) as error:
        reason = show(str(error) or type(error).__name__)
        raise _refused(archive, f"the archive is damaged: {reason}") from None
    except OSError as error:
        if error.errno is not None:  # the disk, not the archive
            raise
        raise _refused(archive, f"the archive is damaged: {show(error)}") from None
    except NotImplementedError as error:
        raise _refused(archive, f"the archive cannot be unpacked: {show(error)}") from None
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return count


def _unpack(archive: Path, into: Path, limits: Limits, advance: Advance) -> int:
    budget = _Budget(archive, limits)
    names: set[str] = set()
    with _members(archive, budget) as members:
        for member in members:
            place = _safe_name(member.name, archive, limits)
            budget.admit(member)
            if place in names:
                raise _refused(archive, f"two members are called `{show(member.name[:200])}`")
            names.add(place)
            _write(member, into / place, budget, advance)
    return len(names)


class _Budget:
    """Counts what comes out; the sizes that an archive declares are not believed."""

    def __init__(self, archive: Path, limits: Limits) -> None:
        self.archive = archive
        self.limits = limits
        self.files = 0
        self.bytes = 0
        self.allowed = min(limits.bytes, max(archive.stat().st_size, 2**16) * limits.ratio)

    def admit(self, member: _Member) -> None:
        self.files += 1
        if self.files > self.limits.files:
            raise _refused(self.archive, f"the archive holds more than {self.limits.files:,} files")
        if self.bytes + member.size > self.allowed:
            self.refuse()

    def spend(self, count: int) -> None:
        self.bytes += count
        if self.bytes > self.allowed:
            self.refuse()

    def refuse(self) -> None:
        size = self.archive.stat().st_size
        raise _refused(
            self.archive, f"its {size:,} bytes unpack to more than {self.allowed:,}, which no corpus does"
        )


def _write(member: _Member, path: Path, budget: _Budget, advance: Advance) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with member.open() as source, open(path, "xb") as target:
            while block := source.read(_BLOCK):
                budget.spend(len(block))
                target.write(block)
                advance(len(block))
    except (FileExistsError, NotADirectoryError, IsADirectoryError):
        raise _refused(budget.archive, f"`{show(member.name[:200])}` is both a file and a folder") from None


@contextmanager
def _members(archive: Path, budget: _Budget) -> Iterator[Iterator[_Member]]:
    if archive.name.endswith(".zip"):
        with zipfile.ZipFile(archive) as whole:
            yield _zip_members(whole, archive)
    elif archive.name.endswith(_TAR):
        with _decompressed(archive) as file:
            guarded: Any = _Guarded(file, budget)
            with tarfile.open(fileobj=guarded, mode="r:") as tar:
                yield _tar_members(tar, archive)
    else:
        raise _refused(archive, "this is no archive that seqspec knows (tar, tar.gz, tar.bz2, tar.xz, zip)")


def _tar_members(tar: tarfile.TarFile, archive: Path) -> Iterator[_Member]:
    while (info := tar.next()) is not None:
        tar.members = []  # type: ignore[attr-defined]  # tarfile would keep every header
        if info.isdir():
            continue
        if not info.isreg() or info.issparse():
            kind = "a link" if info.issym() or info.islnk() else "a device or a special file"
            raise _refused(
                archive, f"`{show(info.name[:200])}` is {kind}; only files and folders are unpacked"
            )
        yield _Member(info.name, info.size, partial(_extracted, tar, info))


def _extracted(tar: tarfile.TarFile, info: tarfile.TarInfo) -> IO[bytes]:
    return _opened(tar.extractfile(info))


def _zip_members(whole: zipfile.ZipFile, archive: Path) -> Iterator[_Member]:
    for info in whole.infolist():
        if not info.filename:
            raise _refused(archive, "a member has no name")
        mode = info.external_attr >> 16
        if info.is_dir():
            continue
        if mode and not stat.S_ISREG(mode) and stat.S_IFMT(mode):
            raise _refused(archive, f"`{show(info.filename[:200])}` is a link or a special file")
        if info.flag_bits & 0x1:
            raise _refused(archive, f"`{show(info.filename[:200])}` is encrypted")
        yield _Member(info.orig_filename, info.file_size, partial(whole.open, info))


def _decompressed(archive: Path) -> IO[bytes]:
    opener: dict[str, Callable[[Path, str], Any]] = {
        ".gz": gzip.open,
        ".tgz": gzip.open,
        ".bz2": bz2.open,
        ".tbz2": bz2.open,
        ".xz": lzma.open,
        ".txz": lzma.open,
    }
    file: IO[bytes] = opener.get(archive.suffix, open)(archive, "rb")
    return file


class _Guarded:
    """The decompressed tar: every byte counts, headers and padding too, and no header may ask for much at
    once.
    """

    def __init__(self, file: IO[bytes], budget: _Budget) -> None:
        self.file = file
        self.budget = budget
        self.seek = file.seek
        self.tell = file.tell
        self.highest = 0

    def read(self, size: int = -1) -> bytes:
        if size > _MOST_AT_ONCE:
            raise _refused(self.budget.archive, f"a header of {size:,} bytes")
        block = self.file.read(size)
        position = self.file.tell()
        self.highest = max(self.highest, position)
        if self.highest > self.budget.allowed:
            self.budget.refuse()
        return block


def _opened(file: IO[bytes] | None) -> IO[bytes]:
    assert file is not None, "a regular member can be opened"
    return file


def _safe_name(name: str, archive: Path, limits: Limits) -> str:
    """The name as a path below the folder; a leading ``./`` is dropped, anything doubtful is refused."""
    path = PurePosixPath(name)
    parts = [part for part in path.parts if part != "."]
    wrong = None
    if path.is_absolute() or "\\" in name or (parts and parts[0][1:2] == ":"):
        wrong = "is absolute or meant for another system"
    elif ".." in parts:
        wrong = "leads out of the folder"
    elif (
        not parts
        or len(name) > limits.path
        or any(len(part.encode("utf-8", "replace")) > 255 for part in parts)
    ):
        wrong = "is empty or too long"
    elif any(not char.isprintable() for char in name):
        wrong = "holds control characters"
    if wrong:
        raise _refused(archive, f"the member `{show(name[:200])}` {wrong}")
    return "/".join(parts)


def _move(source: Path, into: Path, archive: Path) -> None:
    """Move every file to its place; a link that stands in the way inside ``into`` is not followed."""
    for folder, _, files in os.walk(source):
        place = into / Path(folder).relative_to(source)
        if place.is_symlink() and place != into:
            raise _refused(archive, f"`{show(place)}` is a link, and nothing is unpacked through links")
        try:
            place.mkdir(exist_ok=True)
            for name in files:
                os.replace(Path(folder) / name, place / name)
        except (FileExistsError, IsADirectoryError, NotADirectoryError):
            raise _refused(archive, f"`{show(place)}` stands in the way") from None


def _refused(archive: Path, message: str) -> DataError:
    return DataError(message, file=show(archive))
