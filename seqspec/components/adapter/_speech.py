"""Records of transcribed speech as the task reads them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from seqspec.data.corpus.record import BadRow, Record
from seqspec.schema.adapter._speech import SpeechConfig


def for_task(config: SpeechConfig, rows: Iterable[Record | BadRow]) -> Iterator[Record | BadRow]:
    """``source`` is the recording and ``target`` its text in ``rows``; gives the sides that the task asks
    for, and the further views of the recording.
    """
    for row in rows:
        if isinstance(row, BadRow):
            yield row
            continue
        audio, text = row["source"], row["target"]
        source = text if config.task == "synthesis" else audio
        target = text if config.task == "recognition" else audio
        yield {**row, "source": source, "target": target, **dict.fromkeys(config.views, audio)}
