"""Signals only set a flag; the run acts on it at the next step boundary, with a checkpoint."""

from __future__ import annotations

import signal
from types import FrameType

from seqspec.schema.diagnostic import Exit

SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class Interrupts:
    """While entered, notes the first signal.  A second SIGINT stops at once, as a person expects who presses
    Ctrl-C twice.
    """

    def __init__(self) -> None:
        self.received: int | None = None
        self._before: dict[int, object] = {}

    def __enter__(self) -> Interrupts:
        for number in SIGNALS:
            self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]

    def again(self) -> None:
        """Take the signals back from a library that has claimed them meanwhile."""
        for number in SIGNALS:
            signal.signal(number, self._note)

    @property
    def exit(self) -> Exit | None:
        """The exit code that the signal asks for."""
        if self.received is None:
            return None
        return Exit.INTERRUPTED if self.received == signal.SIGINT else Exit.TERMINATED

    def _note(self, number: int, frame: FrameType | None) -> None:
        if number == signal.SIGINT and self.received == signal.SIGINT:
            raise KeyboardInterrupt
        if self.received is None:
            self.received = number
