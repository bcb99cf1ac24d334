"""Which of the processes that one command has started says what ended them: most often they all meet the same
mistake, and it is to be read once.
"""

from __future__ import annotations

import os

_VARIABLE = "SEQSPEC_SPEAKER"
"""Names the end of a pipe that the processes share; its one byte is the right to speak."""


def share_the_word() -> int:
    """A new pipe for this process and those that it starts, which must inherit its end."""
    end, start = os.pipe()
    os.write(start, b"1")
    os.close(start)
    os.environ[_VARIABLE] = str(end)
    return end


def takes_the_word() -> bool:
    """Whether no other process has spoken; always where this one is alone."""
    try:
        return bool(os.read(int(os.environ[_VARIABLE]), 1))
    except (KeyError, ValueError, OSError):
        return True
