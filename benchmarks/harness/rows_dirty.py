"""Rows about what comes from outside: R9 thirty kinds of dirty data, R11 data and specs that mean harm."""

from __future__ import annotations

import os
import shutil
import sys
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.harness.trials import CHARACTERS, COMMON, FAMILIES, Laboratory

Row = dict[str, Any]
CANARY = "canary-7f3a9c"


@dataclass(frozen=True)
class Defect:
    """One thing wrong with one file of a sound corpus."""

    name: str
    corpus: str
    file: str
    """Glob of the file that the message must name."""
    damage: Callable[[Path], None]
    row: int | None = None
    """Row that the message must name."""
    told: str = ""
    """The file that is named, where it is another one."""


def dirty_data(lab: Laboratory) -> Row:
    """R9: every defect gives one message that names the corpus, the file and the row."""
    told = 0
    silent: list[str] = []
    defects = list(_defects())
    for defect in defects:
        message = _message(lab, defect)
        file = Path(defect.told or defect.file).name
        good = (
            defect.corpus in message
            and file in message
            and (defect.row is None or f"{file}:{defect.row}" in message)
        )
        told += good
        if not good:
            silent.append(f"{defect.name}: {message[:120]}")
    return {"row": "R9", "defects": len(defects), "told": told, "missed": silent}


def _message(lab: Laboratory, defect: Defect) -> str:
    from seqspec.compile.pipeline import compile as compile_spec
    from seqspec.data.progress import silent
    from seqspec.runtime.assembly.assemble import assemble, of_corpus
    from seqspec.schema.diagnostic import DataError

    root = lab.root / "dirty"
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir()
    _WRITERS[defect.corpus](root)
    defect.damage(next(root.glob(defect.file)))
    content = {"name": "dirty", **COMMON, **_experiment(defect.corpus, root)}
    compiled = compile_spec(lab.spec("dirty", content))
    try:
        split = assemble(compiled, splits=("train",), progress=silent).prepared.splits["train"]
        for index in range(len(split)):
            split.example(index)
    except DataError as error:
        return str(of_corpus(error, compiled.plan))
    return "nothing was said"


def _experiment(corpus: str, root: Path) -> dict[str, Any]:
    table = {"splits": {"train": f"train.{corpus}"}, "source": {"text": "de", "language": "de"},
             "target": {"text": "en", "language": "en"}}  # fmt: skip
    sources: dict[str, dict[str, Any]] = {
        "bitext": {"source_language": "de", "target_language": "en"},
        "librispeech": {"parts": {"train": ["train-clean-100"]}},
        "jsonl": table,
        "csv": table,
        "tsv": table,
    }
    source = {"type": corpus, "root": str(root), **sources[corpus]}
    family = FAMILIES["ctc" if corpus == "librispeech" else "seq2seq"]
    text = {"target": CHARACTERS} if corpus == "librispeech" else {"source": CHARACTERS, "target": CHARACTERS}
    return {
        **family,
        "data": {**family["data"], "source": source, "text": text},
        "evaluate": {"splits": [], "metrics": []},
    }


PAIRS = [("der Hund", "the dog"), ("die Katze", "the cat"), ("das Haus", "the house"), ("ein Buch", "a book")]


def _bitext(root: Path) -> None:
    for index, language in enumerate(("de", "en")):
        (root / f"train.{language}").write_text("".join(f"{pair[index]}\n" for pair in PAIRS))


def _table(mark: str, name: str) -> Callable[[Path], None]:
    def write(root: Path) -> None:
        rows = [("de", "en"), *PAIRS]
        (root / f"train.{name}").write_text("".join(mark.join(row) + "\n" for row in rows))

    return write


def _jsonl(root: Path) -> None:
    (root / "train.jsonl").write_text("".join(f'{{"de": "{de}", "en": "{en}"}}\n' for de, en in PAIRS))


def _librispeech(root: Path) -> None:
    import numpy as np
    import soundfile

    folder = root / "LibriSpeech/train-clean-100/1/2"
    folder.mkdir(parents=True)
    noise = np.random.default_rng(0).normal(0, 0.1, 16_000)
    for number in range(3):
        soundfile.write(folder / f"1-2-000{number}.flac", noise, 16_000)
    (folder / "1-2.trans.txt").write_text("1-2-0000 ONE\n1-2-0001 TWO\n1-2-0002 THREE\n")


_WRITERS: dict[str, Callable[[Path], None]] = {
    "bitext": _bitext,
    "csv": _table(",", "csv"),
    "tsv": _table("\t", "tsv"),
    "jsonl": _jsonl,
    "librispeech": _librispeech,
}


def _line(number: int, content: bytes) -> Callable[[Path], None]:
    """Put ``content`` in place of a line."""

    def damage(path: Path) -> None:
        lines = path.read_bytes().split(b"\n")
        lines[number - 1] = content
        path.write_bytes(b"\n".join(lines))

    return damage


def _cut(share: float) -> Callable[[Path], None]:
    return lambda path: path.write_bytes(path.read_bytes()[: int(len(path.read_bytes()) * share)]) and None  # type: ignore[func-returns-value]


def _audio(rate: int = 16_000, channels: int = 1, seconds: float = 1.0) -> Callable[[Path], None]:
    def damage(path: Path) -> None:
        import numpy as np
        import soundfile

        soundfile.write(path, np.zeros((int(16_000 * seconds), channels)), rate)

    return damage


def _whole(data: bytes) -> Callable[[Path], None]:
    return lambda path: path.write_bytes(data) and None  # type: ignore[func-returns-value]


def _defects() -> Iterator[Defect]:
    flac, trans = "**/1-2-0001.flac", "**/1-2.trans.txt"
    for side in ("de", "en"):
        file = f"train.{side}"
        yield Defect(f"{side}: not UTF-8", "bitext", file, _line(2, b"ab\xff\xfe"), 2)
        yield Defect(f"{side}: a lone continuation byte", "bitext", file, _line(3, b"\x80"), 3)
        yield Defect(f"{side}: an overlong form", "bitext", file, _line(4, b"a\xc0\xafb"), 4)
        yield Defect(f"{side}: a surrogate in UTF-8", "bitext", file, _line(2, b"\xed\xa0\x80"), 2)
        yield Defect(f"{side}: a line is missing", "bitext", file, lambda p: _drop_line(p))
        yield Defect(f"{side}: an empty line", "bitext", file, _line(2, b""), 2)
        yield Defect(f"{side}: the file is gone", "bitext", file, lambda p: p.unlink())
    for kind, mark in (("csv", b","), ("tsv", b"\t")):
        file = f"train.{kind}"
        yield Defect(f"{kind}: too few columns", kind, file, _line(3, b"one"), 3)
        yield Defect(f"{kind}: too many columns", kind, file, _line(3, mark.join([b"a", b"b", b"c"])), 3)
        yield Defect(f"{kind}: not UTF-8", kind, file, _line(2, b"a" + mark + b"\xff"), 2)
        yield Defect(f"{kind}: a column is missing", kind, file, _line(1, b"de" + mark + b"fr"))
    yield Defect("csv: a quote that never ends", "csv", "train.csv", _line(3, b'a,"b'), 3)
    yield Defect("jsonl: broken", "jsonl", "train.jsonl", _line(2, b'{"de": "a", '), 2)
    yield Defect("jsonl: no object", "jsonl", "train.jsonl", _line(2, b"[1, 2]"), 2)
    yield Defect("jsonl: a key is missing", "jsonl", "train.jsonl", _line(3, b'{"de": "a"}'), 3)
    yield Defect(
        "jsonl: an object for a text", "jsonl", "train.jsonl", _line(3, b'{"de": "a", "en": {"x": 7}}'), 3
    )
    yield Defect("jsonl: nothing for a text", "jsonl", "train.jsonl", _line(3, b'{"de": "a", "en": null}'), 3)
    yield Defect("jsonl: not UTF-8", "jsonl", "train.jsonl", _line(4, b'{"de": "\xff", "en": "a"}'), 4)
    yield Defect("audio: cut off", "librispeech", flac, _cut(0.5))
    yield Defect("audio: nearly empty", "librispeech", flac, _cut(0.01))
    yield Defect("audio: empty", "librispeech", flac, _whole(b""))
    yield Defect("audio: no audio at all", "librispeech", flac, _whole(b"hello " * 500))
    yield Defect("audio: another rate", "librispeech", flac, _audio(rate=8000))
    yield Defect("audio: two channels", "librispeech", flac, _audio(channels=2))
    yield Defect("audio: no samples", "librispeech", flac, _audio(seconds=0))
    yield Defect("transcript: not UTF-8", "librispeech", trans, _line(2, b"1-2-0001 \xff"), 2)
    yield Defect("transcript: no text", "librispeech", trans, _line(2, b"1-2-0001"), 2)
    yield Defect("transcript: the audio is gone", "librispeech", flac, lambda p: p.unlink(), 2, trans)
    yield Defect("audio: no line transcribes it", "librispeech", trans, lambda p: _drop_line(p), told=flac)


def _drop_line(path: Path) -> None:
    lines = path.read_bytes().split(b"\n")
    path.write_bytes(b"\n".join([*lines[:1], *lines[2:]]))


def harm(lab: Laboratory) -> Row:
    """R11: nothing is executed, nothing escapes its folder, no secret reaches the run directory."""
    seen: list[str] = []

    def watch(event: str, args: tuple[object, ...]) -> None:
        if event in ("os.system", "subprocess.Popen", "os.exec", "pickle.find_class", "os.posix_spawn"):
            seen.append(f"{event} {args}"[:100])

    sys.addaudithook(watch)
    refused, tried = 0, 0
    for text in _specs():
        tried += 1
        refused += _refuses(lab, text)
    escaped, archives = _archives(lab)
    canary = _canary(lab)
    return {"row": "R11", "specs": tried, "specs_refused": refused, "archives": archives, "escaped": escaped,
            "executed": len(seen), "canary_bytes": canary, "notes": seen[:3]}  # fmt: skip


def _specs() -> Iterator[bytes]:
    yield b"seqspec: !!python/object/apply:os.system ['true']\n"
    yield b"seqspec: !!python/name:os.system\n"
    yield b"a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n"
    yield b"base: &b {x: 1}\nseqspec: {<<: *b}\n"
    yield b"[" * 100_000
    yield b"seqspec: " + b"9" * 100_000
    yield b"extends: ../../../../etc/passwd\nseqspec: 1\n"
    yield b"extends: /etc/passwd\nseqspec: 1\n"
    yield b"seqspec: 1\nseqspec: 2\n"
    yield b"x" * 2_000_000
    yield b"plugins: [os]\n"
    yield b'name: "${env:HOME}"\nseqspec: 1\n'


def _refuses(lab: Laboratory, text: bytes) -> bool:
    from seqspec.compile.pipeline import compile as compile_spec
    from seqspec.schema.diagnostic import SpecError

    path = lab.root / "harm.yaml"
    path.write_bytes(text)
    try:
        compile_spec(path)
    except SpecError as error:
        return "root:" not in str(error)
    return False


def _archives(lab: Laboratory) -> tuple[int, int]:
    from seqspec.data.corpus.archive import extract
    from seqspec.schema.diagnostic import DataError

    place = lab.root / "archives"
    shutil.rmtree(place, ignore_errors=True)
    inside = place / "deep" / "inside"
    inside.mkdir(parents=True)
    count = escaped = 0
    for name in ("../out.txt", "/tmp/seqspec-out.txt", "a/../../out.txt", "..", "a\x1b[31m"):
        for kind in ("tar", "zip"):
            archive = place / f"evil.{kind}"
            archive.unlink(missing_ok=True)
            _pack(archive, name)
            before = {path for path in place.rglob("*") if inside not in path.parents}
            count += 1
            with suppress(DataError):
                extract(archive, inside)
            after = {path for path in place.rglob("*") if inside not in path.parents}
            escaped += bool(after - before) + Path("/tmp/seqspec-out.txt").exists()
    link = place / "link.tar"
    with tarfile.open(link, "w") as tar:
        info = tarfile.TarInfo("l")
        info.type, info.linkname = tarfile.SYMTYPE, "/etc"
        tar.addfile(info)
    with suppress(DataError):
        extract(link, inside)
    return escaped + any(path.is_symlink() for path in inside.rglob("*")), count + 1


def _pack(archive: Path, name: str) -> None:
    import io

    if archive.suffix == ".tar":
        with tarfile.open(archive, "w") as tar:
            info = tarfile.TarInfo(name)
            info.size = 5
            tar.addfile(info, io.BytesIO(b"hello"))
    else:
        with zipfile.ZipFile(archive, "w") as whole:
            whole.writestr(name, "hello")


def _canary(lab: Laboratory) -> int:
    """Bytes of a run directory that hold the value of a variable that the spec names."""
    corpus = lab.root / CANARY
    shutil.rmtree(corpus, ignore_errors=True)
    corpus.mkdir()
    for split in ("train", "dev"):
        for index, language in enumerate(("de", "en")):
            (corpus / f"{split}.{language}").write_text("".join(f"{pair[index]}\n" for pair in PAIRS * 4))
    source = {
        "type": "bitext",
        "root": "${env:SECRET_CORPUS}",
        "source_language": "de",
        "target_language": "en",
    }
    content = {"name": "canary", **COMMON, **FAMILIES["seq2seq"]}
    content["data"] = {**FAMILIES["seq2seq"]["data"], "source": source}
    os.environ["SECRET_CORPUS"] = str(corpus)
    spec = lab.spec("canary", content)
    runs = lab.root / "runs" / "canary"
    shutil.rmtree(runs, ignore_errors=True)
    lab.finish(spec, runs)
    return sum(CANARY.encode() in path.read_bytes() for path in runs.rglob("*") if path.is_file())
