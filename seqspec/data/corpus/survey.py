"""A first look at a folder or a table: what corpus it is, its columns, languages, rates and labels."""

from __future__ import annotations

import csv
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Literal

from seqspec.data.corpus.audio import file_rate
from seqspec.data.corpus.images import SUFFIXES as IMAGES
from seqspec.data.corpus.lines import read_lines
from seqspec.data.printable import show
from seqspec.schema.diagnostic import DataError

MOST_ROWS = 5000
"""Rows that are looked at."""
MOST_CLASSES = 100
AUDIO = (".wav", ".flac", ".mp3", ".ogg", ".opus")
TABLES = {".csv": "csv", ".tsv": "tsv", ".jsonl": "jsonl"}
_SCRIPTS = (("ja", "[ぁ-ゖァ-ヺ]"), ("ko", "[가-힣]"), ("zh", "[一-鿿]"), ("ru", "[а-яА-Я]"), ("ar", "[ء-ي]"))

Task = Literal["classification", "recognition", "translation", "language_model", "images"]


@dataclass(frozen=True)
class Survey:
    """What was found; ``source`` and ``target`` are columns, or language codes of parallel files."""

    task: Task
    root: Path
    adapter: str
    train: str
    rows: int
    source: str = ""
    target: str = ""
    source_language: str = ""
    target_language: str = ""
    rate: int = 0
    classes: int = 0
    longest: int = 0
    """Code points of the longest source text."""
    notes: tuple[str, ...] = ()


def survey(path: Path) -> Survey:
    """Look at a table, a text or a folder.  Raises ``DataError`` where nothing is recognised."""
    if path.is_file():
        return _file(path)
    if not path.is_dir():
        raise DataError(f"there is no file or folder `{show(path)}`")
    files = sorted(file for file in path.iterdir() if file.is_file() and not file.name.startswith("."))
    pair = _parallel(files)
    if pair is not None:
        return pair
    tables = [file for file in files if file.suffix.lower() in TABLES]
    if tables:
        return _table(next((file for file in tables if "train" in file.name), tables[0]))
    images = _image_folder(path)
    if images is not None:
        return images
    texts = [file for file in files if file.suffix.lower() == ".txt"]
    if texts:
        return _text(texts[0])
    raise DataError(
        f"nothing in `{show(path)}` is recognised",
        help="known are CSV, TSV and JSONL, train.ja beside train.en, folders of images by class, and .txt",
    )


def language_of(texts: Sequence[str]) -> str:
    """The language by script; ``en`` is a guess where the letters are Latin."""
    joined = "".join(texts[:500])
    for code, letters in _SCRIPTS:
        if len(re.findall(letters, joined)) > 0.05 * max(len(joined), 1):
            return code
    return "en"


def _file(path: Path) -> Survey:
    if path.suffix.lower() in TABLES:
        return _table(path)
    if path.suffix.lower() == ".txt":
        return _text(path)
    raise DataError(
        f"`{show(path)}` is no table or text that is known", help="known are .csv, .tsv, .jsonl and .txt"
    )


def _texts(path: Path) -> Iterator[str]:
    for line in read_lines(path):
        if line.fault:
            raise DataError(line.fault, file=show(path), row=line.row, byte=line.byte)
        yield line.text


def _read(path: Path) -> Iterator[Mapping[str, object]]:
    kind = TABLES[path.suffix.lower()]
    if kind == "jsonl":
        try:
            rows = (json.loads(text) for text in _texts(path) if text.strip())
            yield from (row for row in rows if isinstance(row, dict))
        except ValueError as error:
            raise DataError(f"a line is not JSON: {error}", file=show(path)) from None
    elif kind == "csv":
        yield from csv.DictReader(f"{text}\n" for text in _texts(path))
    else:
        lines = (text.split("\t") for text in _texts(path) if text.strip())
        names = next(lines, [])
        yield from (dict(zip(names, cells, strict=False)) for cells in lines)


def _table(path: Path) -> Survey:
    rows = list(islice(_read(path), MOST_ROWS))
    columns = {
        str(name): [str(row.get(name) or "") for row in rows] for name in (rows[0] if rows else ()) if name
    }
    if not columns:
        raise DataError("the table holds no rows", file=show(path))
    kind = TABLES[path.suffix.lower()]
    found = Survey("language_model", path.parent, kind, path.name, len(rows))
    audio = next((name for name, cells in columns.items() if _is_audio(cells)), None)
    texts = sorted(
        (name for name, cells in columns.items() if name != audio and _mean_length(cells) > 1),
        key=lambda name: -_mean_length(columns[name]),
    )
    labels = [name for name in columns if name != audio and _is_label(columns[name])]
    texts = [name for name in texts if name not in labels]
    if audio is not None and texts:
        rate = file_rate(path.parent / columns[audio][0])
        target = columns[texts[0]]
        return replace(found, task="recognition", source=audio, target=texts[0], rate=rate,
                      target_language=language_of(target))  # fmt: skip
    if texts and labels:
        source, target = columns[texts[0]], columns[labels[-1]]
        return replace(found, task="classification", source=texts[0], target=labels[-1],
                      source_language=language_of(source), classes=len(set(target)),
                      longest=max(map(len, source)), notes=_notes(source, target))  # fmt: skip
    if len(texts) > 1:
        first, second = (name for name in columns if name in texts[:2])
        codes = language_of(columns[first]), language_of(columns[second])
        return replace(found, task="translation", source=first, target=second,
                      source_language=codes[0], target_language=codes[1],
                      notes=_notes(columns[first], columns[second]))  # fmt: skip
    raise DataError("the columns show no text with a label, a recording or a second text", file=show(path))


def _is_audio(cells: Sequence[str]) -> bool:
    return bool(cells) and all(cell.lower().endswith(AUDIO) for cell in cells)


def _is_label(cells: Sequence[str]) -> bool:
    distinct = len(set(cells))
    return 1 < distinct <= min(MOST_CLASSES, max(2, len(cells) // 5)) and all(cells)


def _mean_length(cells: Sequence[str]) -> float:
    return sum(map(len, cells)) / max(len(cells), 1)


def _notes(source: Sequence[str], target: Sequence[str]) -> tuple[str, ...]:
    pairs = Counter(zip(source, target, strict=True))
    repeated = len(source) - len(pairs)
    against = len(pairs) - len({text for text, _ in pairs})
    notes = [f"{repeated:,} rows stood before, word for word"] if repeated else []
    return (*notes, *([f"{against:,} texts stand with more than one target"] if against else []))


def _parallel(files: Sequence[Path]) -> Survey | None:
    sides = [file for file in files if re.fullmatch(r"train\.[a-z]{2,3}", file.name)]
    if len(sides) != 2:
        return None
    first, second = sorted(sides, key=lambda file: file.suffix != ".ja")
    texts = list(islice(_texts(first), MOST_ROWS))
    codes = first.suffix[1:], second.suffix[1:]
    return Survey("translation", first.parent, "bitext", "train", len(texts),
                  source_language=codes[0], target_language=codes[1])  # fmt: skip


def _image_folder(path: Path) -> Survey | None:
    home = path / "train" if (path / "train").is_dir() else path
    classes = [
        folder
        for folder in home.iterdir()
        if folder.is_dir() and any(file.suffix.lower() in IMAGES for file in folder.iterdir())
    ]
    if len(classes) < 2:
        return None
    count = sum(file.suffix.lower() in IMAGES for folder in classes for file in folder.iterdir())
    name = home.relative_to(path).as_posix() if home != path else "."
    return Survey("images", path, "image_folder", name, count, classes=len(classes))


def _text(path: Path) -> Survey:
    texts = list(islice(_texts(path), MOST_ROWS))
    return Survey(
        "language_model", path.parent, "lines", path.name, len(texts), target_language=language_of(texts)
    )
