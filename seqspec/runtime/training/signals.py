"""Signals only set a flag; the run acts on it at the next step boundary, with a checkpoint."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Iterator
from types import FrameType

from seqspec.schema.diagnostic import Exit

SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def _heard(*numbers: signal.Signals) -> list[signal.Signals]:
    """Without the hangup where what started the process has it ignored, as ``nohup`` does."""
    ignored = signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    return [number for number in numbers if number != signal.SIGHUP or not ignored]


@contextlib.contextmanager
def telling_ends() -> Iterator[None]:
    """Says that the process was asked to end where no step is under way, such as while data are prepared, and
    ends it at once, as any kill would; processes that are started meanwhile end without a word.
    """
    own = os.getpid()

    def end(number: int, frame: FrameType | None) -> None:
        # An exception would not do: compiled code that it passes through (pydantic's) turns it into another.
        if os.getpid() == own:
            with contextlib.suppress(RuntimeError, OSError):
                sys.stdout.flush()
            name = signal.Signals(number).name
            told = f"stopped by {name}: a run directory that has a checkpoint goes on with"
            with contextlib.suppress(OSError):
                os.write(2, f"{told} `seqspec run --resume`\n".encode())
        os._exit(Exit.TERMINATED)

    before = {number: signal.signal(number, end) for number in _heard(signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class Interrupts:
    """While entered, notes the first signal.  A second SIGINT stops at once, as a person expects who presses
    Ctrl-C twice.
    """

    def __init__(self) -> None:
        self.received: int | None = None
        self.hurried = False
        """Whether a second SIGINT has come."""
        self._before: dict[int, object] = {}

    def __enter__(self) -> Interrupts:
        for number in _heard(*SIGNALS):
            self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]

    @property
    def exit(self) -> Exit | None:
        """The exit code that the signal asks for."""
        if self.received is None:
            return None
        return Exit.INTERRUPTED if self.received == signal.SIGINT else Exit.TERMINATED

    def _note(self, number: int, frame: FrameType | None) -> None:
        if number == signal.SIGINT and self.received == signal.SIGINT:
            self.hurried = True
            raise KeyboardInterrupt
        if self.received is None:
            self.received = number
