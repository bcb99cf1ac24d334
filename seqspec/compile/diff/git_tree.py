"""The specs of a revision of git, written out beside one another for as long as they are read."""

from __future__ import annotations

import io
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from seqspec.compile.parse.parse import SUFFIXES


class NotFound(Exception):
    """The text names nothing that could be compared; the message says why and what is expected."""


@contextmanager
def checked_out(revision: str, inside: str) -> Iterator[tuple[Path, Path]]:
    """A folder with the revision's specs, and where ``inside`` would stand in it.

    Raises ``NotFound`` where git does not know the revision, or ``inside`` leads out of the repository.
    """
    with tempfile.TemporaryDirectory(prefix="seqspec-") as folder:
        root = Path(folder).resolve()
        yield root, _check_out(revision, inside, root)


def _check_out(revision: str, inside: str, root: Path) -> Path:
    """Write every spec of the revision below ``root``, for bases are found beside what extends them."""
    if revision.startswith("-"):
        raise NotFound(f"`{revision}` is no revision")
    top = Path(_git("rev-parse", "--show-toplevel").decode().strip())
    try:
        _git("rev-parse", "--verify", "--quiet", f"{revision}^{{tree}}")
    except NotFound:
        help = "name a commit, a branch or a tag; a shallow clone lacks older commits"
        raise NotFound(f"git knows no revision `{revision}` here; {help}") from None
    names = _git("ls-tree", "-r", "-z", "--name-only", "--full-tree", revision).decode().split("\0")
    wanted = [name for name in names if name.endswith(SUFFIXES)]
    if wanted:
        archive = _git("-C", str(top), "archive", "--format=tar", revision, "--", *wanted)
        with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
            tar.extractall(root, filter="data")
    (root / ".git").mkdir()  # marks the project's root, so that bases above a spec's folder are found
    if inside.startswith("./") or inside.startswith("../"):
        inside = str((Path.cwd() / inside).resolve().relative_to(top.resolve()))
    path = (root / inside).resolve()
    if not path.is_relative_to(root):
        raise NotFound(f"`{inside}` leads out of the repository")
    return path


def _git(*arguments: str) -> bytes:
    try:
        done = subprocess.run(["git", *arguments], capture_output=True, check=False, timeout=60)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NotFound(f"`REV:path` needs git, and git cannot be run: {error}") from None
    if done.returncode:
        words = done.stderr.decode(errors="replace").strip().splitlines() or ["git failed"]
        raise NotFound(words[0].removeprefix("fatal: "))
    return done.stdout
