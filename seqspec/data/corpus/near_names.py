"""Why a path that a corpus names gives no file: nothing is there, or something else; and the name that is
most likely meant, where it differs by what eyes and file systems overlook.
"""

from __future__ import annotations

import os
import stat
import unicodedata
from collections.abc import Callable
from functools import lru_cache
from itertools import islice
from pathlib import Path

from seqspec.data.printable import show

MOST_NAMES = 200_000
"""Names of one folder that are looked through."""
_UNSEEN = dict.fromkeys([0xAD, *range(0x200B, 0x2010), *range(0x202A, 0x202F), 0x2060, 0xFEFF])
"""Characters without width that change nothing a person sees: soft hyphens, joiners, marks of direction."""
_KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a pipe, and a corpus is read from regular files"),
    (stat.S_ISSOCK, "a socket, and a corpus is read from regular files"),
    (stat.S_ISCHR, "a device, and a corpus is read from regular files"),
    (stat.S_ISBLK, "a device, and a corpus is read from regular files"),
)


def absent(path: Path) -> str:
    """In words why ``path`` is no file that can be read, with the name that is near to it."""
    name = show(path)
    try:
        mode = path.stat().st_mode
    except OSError:
        if path.is_symlink():
            return f"`{name}` is a link that leads to nothing"
        near = near_name(path)
        return f"there is no file `{name}`" + (f"; {near}" if near else "")
    except ValueError:  # a NUL in the name
        return f"there is no file `{name}`"
    kind = next((words for test, words in _KINDS if test(mode)), "no regular file")
    return f"`{name}` is {kind}"


def near_name(path: Path) -> str:
    """``the folder has `x.wav` …``, where that differs from ``path`` by case, blanks or Unicode form alone;
    else an empty text.
    """
    folder, wanted = path.parent, path.name
    while not folder.is_dir() and folder != folder.parent:
        folder, wanted = folder.parent, folder.name
    try:
        names = folded_names(folder, folder.stat().st_mtime_ns)
    except OSError:
        return ""
    found = names.get(folded(wanted))
    if found is None or found == wanted:
        return ""
    return f"the folder has `{show(found)}`, which differs by {difference(wanted, found)} alone"


def difference(one: str, other: str) -> str:
    """What tells two texts apart that are equal when folded."""
    ways: dict[str, Callable[[str], str]] = {
        "blanks at its ends": str.strip,
        "blanks": lambda text: "".join(text.split()),
        "characters without width": lambda text: text.translate(_UNSEEN),
        "its Unicode form (NFC or NFD)": lambda text: unicodedata.normalize("NFC", text),
        "capital letters": str.casefold,
        "full-width or half-width letters": lambda text: unicodedata.normalize("NFKC", text),
    }
    for words, fold in ways.items():
        if fold(one) == fold(other):
            return words
    return "writing (case, blanks, Unicode form)"


def folded(name: str) -> str:
    """``name`` without blanks, case, width, Unicode form and characters that nobody sees."""
    seen = unicodedata.normalize("NFKC", name.translate(_UNSEEN)).casefold()
    return "".join(unicodedata.normalize("NFKC", seen).split())


@lru_cache(maxsize=8)
def folded_names(folder: Path, changed: int) -> dict[str, str]:
    with os.scandir(folder) as entries:
        return {folded(entry.name): entry.name for entry in islice(entries, MOST_NAMES)}
