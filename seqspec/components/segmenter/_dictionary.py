"""Finding a MeCab dictionary and saying which one it is."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cache
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import NamedTuple

from seqspec.data.regular_file import open_regular
from seqspec.schema.diagnostic import DataError
from seqspec.schema.environment import expand
from seqspec.schema.segmenter.mecab import DICTIONARIES

HASHED = ("sys.dic", "matrix.bin", "char.bin", "unk.dic", "dicrc")
"""The files that decide words; two builds of one dictionary differ in them."""
_MODULES = {"ipadic": "ipadic", "unidic": "unidic", "unidic-lite": "unidic_lite"}


class Dictionary(NamedTuple):
    """A compiled dictionary on this machine."""

    name: str
    folder: Path
    version: str
    """The package's, empty for a folder."""


def find_dictionary(name: str) -> Dictionary:
    """The folder of a dictionary.  Raises ``DataError`` with the remedy where it is not there or not
    whole.
    """
    if name in DICTIONARIES:
        found = _installed(name)
        remedy = f"pip install --force-reinstall {name}"
        if name == "unidic":
            remedy = "python -m unidic download (needs the network), or use unidic-lite"
    else:
        found = Dictionary(name, Path(expand(name)).expanduser(), "")
        remedy = f"give the folder of a compiled dictionary, one that holds {', '.join(HASHED)}"
    missing = [file for file in HASHED if not (found.folder / file).is_file()]
    if missing:
        where = "does not exist" if not found.folder.is_dir() else f"lacks {', '.join(missing)}"
        raise DataError(f"the MeCab dictionary folder `{found.folder}` {where}", help=remedy, code="SQ421")
    return found


def find_user_dictionary(name: str) -> Path:
    """The file of a compiled user dictionary."""
    path = Path(expand(name)).expanduser()
    if not path.is_file():
        raise DataError(
            f"the user dictionary `{path}` does not exist",
            help="compile it with `fugashi-build-dict`, against the dictionary that the segmenter names",
            code="SQ421",
        )
    return path


def hash_files(files: Sequence[Path]) -> dict[str, str]:
    """SHA-256 of each file by its name."""
    return {path.name: _sha256(str(path), path.stat().st_size, path.stat().st_mtime_ns) for path in files}


def _installed(name: str) -> Dictionary:
    try:
        module = import_module(_MODULES[name])
        return Dictionary(name, Path(module.DICDIR), version(name))
    except (ImportError, PackageNotFoundError):
        raise DataError(
            f"the dictionary `{name}` of segmenter `mecab` is not installed",
            help=f"pip install {name}" + ("; python -m unidic download" if name == "unidic" else ""),
            code="SQ420",
        ) from None


@cache
def _sha256(path: str, size: int, modified: int) -> str:
    with open_regular(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
