"""Synthetic corpora: written once in their real layout, into the cache, and read by the adapter like any
other.
"""

from __future__ import annotations

import copy
import shutil
from pathlib import Path
from typing import Any

from seqspec.data.store.cache import key_of
from seqspec.data.store.durable import sync_folder


def at(adapter: Any, folder: Path) -> Any:
    """The same adapter over the corpus in ``folder``."""
    other = copy.copy(adapter)
    other.__dict__["root"] = folder
    return other


def synthetic(adapter: Any, *, cache: Path, fingerprint: object, count: int, seed: int) -> Any:
    """The adapter over a synthetic corpus of ``count`` training examples, which is written if it is not
    there.
    """
    folder = cache / "synthetic" / key_of({"adapter": fingerprint, "count": count, "seed": seed})
    if not folder.is_dir():
        beside = folder.with_name(f"{folder.name}.{id(adapter):x}.tmp")
        shutil.rmtree(beside, ignore_errors=True)
        beside.mkdir(parents=True)
        adapter.write_synthetic(beside, count=count, seed=seed)
        try:
            beside.rename(folder)
        except OSError:  # another process was first, with the same bytes
            shutil.rmtree(beside)
        sync_folder(folder.parent)
    return at(adapter, folder)
