"""Recordings that cannot be read as they are: what they are by their first bytes, and what converts them."""

from __future__ import annotations

import struct

CONVERT = "convert it, as by `ffmpeg -i FILE FILE.wav`"
"""What makes a recording of nearly any format one that is read."""
FINISH = "write its header anew, as by `sox --ignore-length FILE FINISHED.wav`"
"""What makes a recording whole whose writer was stopped."""
_MARKS = {
    b"\x1aE\xdf\xa3": "WebM or Matroska",
    b"0&\xb2u": "Windows Media",
    b"#!AMR": "AMR",
    b"\xff\xf1": "AAC",
    b"\xff\xf9": "AAC",
    b"FLV": "Flash video",
}


def unread_format(head: bytes) -> str | None:
    """The name of a format of recordings that no reader here knows."""
    if head[4:8] == b"ftyp":
        return "MPEG-4 (`.m4a`, `.mp4`)"
    return next((name for mark, name in _MARKS.items() if head.startswith(mark)), None)


def bytes_behind_empty_data(head: bytes, size: int) -> int:
    """Bytes that follow the header of a WAV file of ``size`` bytes which promises none: its writer was
    stopped before it wrote how many there are.  0 for every other file.
    """
    at = 12
    while head[:4] == b"RIFF" and at + 8 <= len(head):
        name, length = struct.unpack_from("<4sI", head, at)
        if name == b"data":
            return max(size - at - 8, 0) if length == 0 else 0
        at += 8 + length + length % 2
    return 0
