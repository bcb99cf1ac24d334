"""A first look at a folder or a table: what corpus it is, its columns, languages, rates and labels."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from seqspec.data.corpus.file_kinds import HEAD, not_text
from seqspec.data.corpus.images import SUFFIXES as IMAGES
from seqspec.data.corpus.lines import suffix_within
from seqspec.data.corpus.near_names import absent
from seqspec.data.corpus.survey.layouts import refuse_recordings_without_table, survey_layout
from seqspec.data.corpus.survey.surveyed import Survey, first_texts, language_of, other_splits
from seqspec.data.corpus.survey.tables import TABLES, survey_table
from seqspec.data.printable import show
from seqspec.data.regular_file import open_regular
from seqspec.schema.diagnostic import DataError

_KNOWN = (
    "known are CSV, TSV, JSONL and Parquet, train.ja beside train.en, folders of images by class, .txt, and "
    "the layouts of Kaldi, LibriSpeech, Common Voice and LJSpeech"
)


def survey(path: Path) -> Survey:
    """Look at a table, a text or a folder.  Raises ``DataError`` where nothing is recognised."""
    if path.is_file():
        return _file(path)
    if not path.is_dir():
        there = path.is_symlink() or path.exists()
        raise DataError(absent(path) if there else f"there is no file or folder `{show(path)}`")
    files = sorted(file for file in path.iterdir() if file.is_file() and not file.name.startswith("."))
    pair = _parallel(files) or survey_layout(path)
    if pair is not None:
        return pair
    tables = [file for file in files if suffix_within(file) in TABLES]
    if tables:
        return survey_table(next((file for file in tables if "train" in file.name), tables[0]))
    images = _image_folder(path)
    if images is not None:
        return images
    refuse_recordings_without_table(path)
    texts = [file for file in files if suffix_within(file) == ".txt"]
    if texts:
        return _text(next((file for file in texts if "train" in file.name), texts[0]))
    raise DataError(f"nothing in `{show(path)}` is recognised", help=_KNOWN)


def _file(path: Path) -> Survey:
    if suffix_within(path) in TABLES:
        return survey_table(path)
    if suffix_within(path) == ".txt":
        return _text(path)
    with open_regular(path) as file:
        kind = not_text(file.read(HEAD))
        file.seek(0)
        start = b"".join(file.read(HEAD).split())[:2]
    if kind is not None:
        raise DataError(f"the file is {kind.what}", file=show(path), help=kind.remedy)
    if path.suffix.lower() == ".json":
        rows = {b'["': ".[] | {text: .}", b"[[": ".[] | {text: .[0], label: .[1]}"}
        take = rows.get(start, ".[]" if start[:1] == b"[" else "{text: .}" if start[:1] == b'"' else ".")
        raise DataError("JSON is read one object a line, from a file named .jsonl", file=show(path),
                        help=f"convert it, as by `jq -c '{take}' FILE.json > FILE.jsonl`")  # fmt: skip
    raise DataError(f"`{show(path)}` is no table or text that is known",
                    help="known are .csv, .tsv, .jsonl, .parquet and .txt")  # fmt: skip


def _parallel(files: Sequence[Path]) -> Survey | None:
    sides = [
        file
        for file in files
        if file.stem == "train" and file.suffix[1:].isalpha() and len(file.suffix) in (3, 4)
    ]
    sides = [file for file in sides if file.suffix.islower() and file.suffix not in {*TABLES, ".txt"}]
    if len(sides) != 2:
        return None
    first, second = sorted(sides, key=lambda file: file.suffix != ".ja")
    names = [file.name for file in files]
    both = [other_splits(side.name, names) for side in (first, second)]
    others = {split: Path(both[0][split]).stem for split in both[0] if split in both[1]}
    return Survey("translation", first.parent, "bitext", "train", len(first_texts(first)), others,
                  source_language=first.suffix[1:], target_language=second.suffix[1:])  # fmt: skip


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
    beside = [folder.name for folder in path.iterdir() if folder.is_dir()] if home != path else []
    return Survey(
        "images", path, "image_folder", name, count, other_splits(name, beside), classes=len(classes)
    )


def _text(path: Path) -> Survey:
    texts = first_texts(path)
    others = other_splits(path.name, [file.name for file in path.parent.iterdir()])
    return Survey(
        "language_model",
        path.parent,
        "lines",
        path.name,
        len(texts),
        others,
        target_language=language_of(texts),
    )
