"""What hypothesis and reference go through before they are compared, and how a signature names it."""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Compared:
    """Named normalisers, then punctuation taken out where asked."""

    normalizers: tuple[Any, ...] = ()
    punctuation: str = "keep"

    def __call__(self, text: str) -> str:
        """``text`` as it is compared."""
        for normalizer in self.normalizers:
            text = normalizer.apply(text)
        return strip_punctuation(text) if self.punctuation == "strip" else text

    def names(self) -> str:
        """For a signature: ``nfkc+lowercase``, or ``none``."""
        return "+".join(_describe(normalizer.config) for normalizer in self.normalizers) or "none"


def strip_punctuation(text: str) -> str:
    """Without code points of Unicode's categories P (punctuation) and S (symbols); ー and 々 are letters and
    stay.
    """
    return "".join(character for character in text if unicodedata.category(character)[0] not in "PS")


def segmenter_name(segmenter: Any) -> str:
    """For a signature: the segmenter with what decides its words, or ``spaces``.

    A dictionary that is no package of its own is named by the beginning of its hash.
    """
    if segmenter is None:
        return "spaces"
    found: Mapping[str, Any] = segmenter.fingerprint()
    named = [
        str(found[key])[:40] for key in ("type", "dictionary", "by", "mode", "version") if found.get(key)
    ]
    if found.get("dictionary") in ("folder", "file") or found.get("user_dictionaries"):
        hashes = (found["sha256"], found.get("user_dictionaries"))
        named.append(hashlib.sha256(repr(hashes).encode()).hexdigest()[:8])
    return "-".join(named)


def signature(parts: Sequence[tuple[str, object]]) -> str:
    """``name:value`` pairs joined as sacreBLEU joins its own."""
    from seqspec import __version__

    return "|".join(f"{name}:{value}" for name, value in (*parts, ("version", f"seqspec-{__version__}")))


def _describe(config: Any) -> str:
    settings = {key: value for key, value in config.model_dump(mode="json", exclude_defaults=True).items()}
    inner = ",".join(f"{key}={value}" for key, value in sorted(settings.items()))
    return str(config.component[1]) + (f"({inner})" if inner else "")
