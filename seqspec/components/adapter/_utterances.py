"""Utterances of a list: an id, a text, a place for the audio, and what makes a row bad."""

from __future__ import annotations

from pathlib import Path

from seqspec.data.corpus.lines import Line
from seqspec.data.corpus.near_names import absent
from seqspec.data.corpus.record import AudioRef, BadRow, Record
from seqspec.data.printable import show


def utterance(
    name: str, text: str, audio: Path, *, file: Path, line: Line, speaker: str | None = None
) -> Record | BadRow:
    """The record of one line of a transcript, or why there is none."""
    fault = line.fault
    if fault is None and (not name or "/" in name or "\\" in name or "\0" in name or name.startswith(".")):
        fault = f"`{show(name[:60])}` is no name of an utterance"
    if fault is None and not text:
        fault = f"`{show(name[:60])}` has no text"
    if fault is None and not audio.is_file():
        fault = absent(audio)
    if fault is not None:
        return BadRow(f"{file.name}:{line.row}", fault, str(file), line.row, line.byte)
    place = {"speaker": speaker} if speaker is not None else {}
    return {
        "id": name,
        "source": AudioRef(audio),
        "target": text,
        **place,
        "file": str(file),
        "row": line.row,
    }
