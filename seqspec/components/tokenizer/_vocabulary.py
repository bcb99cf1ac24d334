"""A vocabulary that training text decides: counting, choosing, writing and reading it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from typing import Any

from seqspec.schema.diagnostic import DataError

SPECIAL = ("<pad>", "<unk>", "<s>", "</s>")


def choose(counts: Counter[str], *, min_count: int, max_size: int | None) -> tuple[str, ...]:
    """The symbols that get an id, in the order of their ids: the most frequent first, equals by code
    point.
    """
    kept = [symbol for symbol, count in counts.items() if count >= min_count]
    kept.sort(key=lambda symbol: (-counts[symbol], symbol))
    return tuple(kept[: max_size - len(SPECIAL)] if max_size is not None else kept)


def dump(symbols: Iterable[str]) -> bytes:
    """The artifact: a JSON list, whole in UTF-8."""
    return json.dumps(list(symbols), ensure_ascii=True, separators=(",", ":")).encode()


def parse(artifact: bytes) -> tuple[str, ...]:
    """The symbols of an artifact.  Raises ``DataError`` where it is not one."""
    try:
        symbols = json.loads(artifact)
    except ValueError:
        raise DataError("the stored vocabulary is damaged", help="run `seqspec data prepare` again") from None
    if not isinstance(symbols, list) or not all(isinstance(symbol, str) for symbol in symbols):
        raise DataError(
            "the stored vocabulary is not a list of symbols", help="run `seqspec data prepare` again"
        )
    return tuple(symbols)


def ids_of(symbols: Iterable[str]) -> dict[str, int]:
    """The id of each symbol, after the special ones."""
    return {symbol: index for index, symbol in enumerate(symbols, start=len(SPECIAL))}


def sha256(artifact: bytes | None) -> str | None:
    """The artifact's SHA-256 in hex; ``None`` before there is one."""
    import hashlib

    return None if artifact is None else hashlib.sha256(artifact).hexdigest()


def fingerprint(config: Any, artifact: bytes | None) -> dict[str, Any]:
    """What decides the ids of a learned vocabulary."""
    return {"type": config.component[1], **config.model_dump(mode="json"), "sha256": sha256(artifact)}
