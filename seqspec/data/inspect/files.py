"""D01 the files that were read, D21 a licence beside them, D22 files that could run code."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from seqspec.data.inspect.finding import Finding, Table
from seqspec.data.inspect.subject import Subject
from seqspec.data.regular_file import open_regular

CARDS = ("readme", "license", "licence", "copying", "dataset_card", "dataset_infos", "citation")
CODE = {
    ".pkl",
    ".pickle",
    ".pt",
    ".pth",
    ".joblib",
    ".py",
    ".sh",
    ".exe",
    ".dll",
    ".so",
    ".bat",
    ".ps1",
    ".jar",
}
MOST_ENTRIES = 20_000


def check(subject: Subject) -> Iterator[Finding]:
    """Files by split; cards; code."""
    yield _read(subject)
    names = list(islice(_walk(subject.root), MOST_ENTRIES))
    yield _card(subject, names)
    yield _code(subject, names)


def _read(subject: Subject) -> Finding:
    rows = []
    sizes: dict[str, int] = {}
    for name, files in subject.prepared.files.items():
        own = {file: path.stat().st_size for file in files if (path := subject.root / file).exists()}
        digest = next(iter(files.values()), "")[:16] if len(files) == 1 else ""
        rows.append((name, len(files), sum(own.values()), digest))
        sizes |= dict.fromkeys(files, 0) | own
    total, count = sum(sizes.values()), len(sizes)
    return Finding(
        "D01",
        "ok",
        f"{count:,} files with {total:,} bytes were read and hashed",
        numbers={"files": count, "bytes": total},
        figures=[Table("Files", ("split", "files", "bytes", "SHA-256"), rows)],
    )


def _walk(root: Path) -> Iterator[str]:
    for folder, folders, files in os.walk(root):
        folders.sort()
        for file in sorted(files):
            yield os.path.relpath(os.path.join(folder, file), root)


def _card(subject: Subject, names: list[str]) -> Finding:
    if getattr(subject.parts.config.source, "synthetic", 0):
        return Finding("D21", "ok", "the corpus is synthetic and needs no licence")
    found = [name for name in names if Path(name).name.lower().startswith(CARDS)]
    if found:
        return Finding("D21", "ok", f"the corpus says what it is in `{found[0]}`", examples=found[:5])
    return Finding(
        "D21",
        "info",
        "no README or licence lies beside the corpus",
        "note where it comes from and what may be done with it in the spec's `description`",
    )


def _code(subject: Subject, names: list[str]) -> Finding:
    code = [name for name in names if Path(name).suffix.lower() in CODE]
    pipes = [name for name in names if Path(name).name == "wav.scp" and _has_pipe(subject.root / name)]
    if not code and not pipes:
        return Finding("D22", "ok", "no pickle, script or pipe lies in the corpus folder")
    return Finding(
        "D22",
        "info",
        f"{len(code) + len(pipes):,} files in the corpus folder could run code; none of them is ever opened",
        "take them away if you do not need them",
        numbers={"files": len(code) + len(pipes)},
        examples=[*pipes, *code][:5],
    )


def _has_pipe(path: Path) -> bool:
    if not path.is_file():
        return False
    with open_regular(path) as file:
        return any(line.rstrip().endswith(b"|") for line in islice(file, 1000))
