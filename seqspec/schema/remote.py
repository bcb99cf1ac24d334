"""Stores that a corpus may be read from by its address, and where their credentials come from."""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import urlsplit

_ARCHIVE = re.compile(r"\.(tgz|tar|tar\.\w+|zip|gz|bz2|xz|zst|7z|rar)$", re.IGNORECASE)


class Store(NamedTuple):
    """One kind of store."""

    package: str
    """What reads it, beside fsspec."""
    variables: tuple[str, ...]
    """Of the environment: its credentials, and where it is."""


STORES: dict[str, Store] = {
    "s3": Store("s3fs", ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_ENDPOINT_URL")),
    "gs": Store("gcsfs", ("GOOGLE_APPLICATION_CREDENTIALS",)),
    "gcs": Store("gcsfs", ("GOOGLE_APPLICATION_CREDENTIALS",)),
    "hf": Store("huggingface_hub", ("HF_TOKEN",)),
    "https": Store("aiohttp", ()),
    "http": Store("aiohttp", ()),
}


def scheme_of(address: str) -> str | None:
    """The scheme of an address that a corpus can be read from, else ``None``."""
    scheme, separator, _ = address.partition("://")
    return scheme.lower() if separator and scheme.lower() in STORES else None


def unfit(address: str) -> tuple[str, str] | None:
    """Why nothing can be read from an address of a known scheme, and the remedy."""
    parts = urlsplit(address)
    if parts.username or parts.password or parts.query:
        # A key in a spec would go to the lock, the report and whoever reads them.
        named = " and ".join(f"`{one}`" for one in STORES[parts.scheme.lower()].variables[:2])
        where = f"set {named} in the environment" if named else "use a server that the machine can reach"
        return "the address of a corpus must hold no user, key or query", f"take it out, and {where}"
    if not parts.netloc:
        return f"`{address}` names no {'server' if parts.scheme.startswith('http') else 'bucket'}", (
            f"write `{parts.scheme}://NAME/FOLDER`"
        )
    if _ARCHIVE.search(parts.path):
        return f"`{address}` is a file, and `root` is the folder of the corpus", (
            "unpack it there or here (`seqspec data fetch SPEC` can, for many corpora), and name the folder"
        )
    return None
