"""The sides of a ``diff``: a file, a folder, a run directory, or one of them in git (``REV:path``)."""

from __future__ import annotations

import io
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

SUFFIXES = (".yaml", ".yml", ".toml")


class NotFound(Exception):
    """The text names nothing that could be compared; the message says why and what is expected."""


@dataclass(frozen=True, slots=True)
class Side:
    """One side of a comparison."""

    title: str
    """As the person wrote it."""
    files: Mapping[str, Path]
    """Specs by their name inside a folder; a single spec has the name ``""``."""
    prefix: str = ""
    """Beginning of file names that stands for ``shown`` in what is printed."""
    shown: str = ""

    def display(self, place: str) -> str:
        """``place`` with the temporary folder of a revision shown as the revision."""
        return place.replace(self.prefix, self.shown) if self.prefix else place


@contextmanager
def opened(text: str) -> Iterator[Side]:
    """The side that ``text`` names; raises ``NotFound``."""
    if Path(text).exists():
        yield Side(text, _specs(Path(text), text))
        return
    revision, colon, inside = text.partition(":")
    if not colon or not revision or not inside:
        raise NotFound(f"`{text}` is no file, folder, run directory or `REV:path`")
    with tempfile.TemporaryDirectory(prefix="seqspec-") as folder:
        root = Path(folder).resolve()
        path = _check_out(revision, inside, root)
        if not path.exists():
            raise NotFound(f"revision `{revision}` has no `{inside}`")
        yield Side(text, _specs(path, text), f"{root}/", f"{revision}:")


def _specs(path: Path, text: str) -> dict[str, Path]:
    if path.is_file():
        return {"": path}
    run = path / "spec.yaml"
    if run.is_file():
        return {"": run}
    found = {
        str(file.relative_to(path)): file
        for file in sorted(path.rglob("*"))
        if file.suffix in SUFFIXES and "base" not in file.relative_to(path).parts[:-1]
    }
    if not found:
        raise NotFound(f"`{text}` holds no spec ({', '.join(SUFFIXES)}) and no `spec.yaml` of a run")
    return found


def _check_out(revision: str, inside: str, root: Path) -> Path:
    """Write every spec of the revision below ``root``, for bases are found beside what extends them."""
    if revision.startswith("-"):
        raise NotFound(f"`{revision}` is no revision")
    top = Path(_git("rev-parse", "--show-toplevel").decode().strip())
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
