"""``seqspec`` and ``python -m seqspec``: who ends it is answered from the first moment on."""

from __future__ import annotations

import contextlib
import os
import signal
from types import FrameType


def main() -> None:
    """Entry point of the ``seqspec`` command."""
    _tell_ends()
    try:
        from seqspec.cli import main as command_line

        command_line()
    except KeyboardInterrupt:
        os.write(2, b"interrupted\n")
        raise SystemExit(130) from None
    finally:
        # Libraries that are interrupted while the process is on its way out print where they stood.
        if signal.getsignal(signal.SIGINT) == signal.default_int_handler:
            signal.signal(signal.SIGINT, lambda number, frame: os._exit(130))


def _tell_ends() -> None:
    """Until a command hears signals itself, SIGTERM and SIGHUP end the process with a word and the code of
    signals.  What starts it may have them ignored (``nohup``), and that stays.
    """
    own = os.getpid()

    def end(number: int, frame: FrameType | None) -> None:
        # Neither an exception nor `sys.exit`: what is under way would turn them into something else.
        if os.getpid() == own:
            with contextlib.suppress(OSError):
                os.write(2, f"stopped by {signal.Signals(number).name}\n".encode())
        os._exit(143)

    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) == signal.SIG_DFL:
            signal.signal(number, end)


if __name__ == "__main__":
    main()
