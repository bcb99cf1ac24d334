"""How a run stands, as far as its directory tells."""

from __future__ import annotations

import fcntl
import os
from typing import Literal

from seqspec.runtime.run_folder.folder import RunFolder

State = Literal["running", "done", "failed", "stopped"]


def state_of(folder: RunFolder) -> State:
    """``running`` while a process owns the directory; ``done`` with a result; ``failed`` where a loss was not
    finite; else ``stopped``: it can be resumed.
    """
    if is_owned(folder):
        return "running"
    if (folder.path / "result.json").is_file():
        return "done"
    return "failed" if (folder.path / "not_finite.json").is_file() else "stopped"


def is_owned(folder: RunFolder) -> bool:
    """Whether a living process owns the directory (on this machine)."""
    try:
        handle = os.open(folder.path / "LOCK", os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        # A shared lock, for a moment: whoever starts just now waits longer than that.
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    finally:
        os.close(handle)
    return False
