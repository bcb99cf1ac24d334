"""A first look at a table: what its columns hold, which one is the label, what stands twice."""

from __future__ import annotations

import csv
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import islice
from pathlib import Path

from seqspec.data.corpus.audio import file_rate
from seqspec.data.corpus.file_kinds import noted_delimiter
from seqspec.data.corpus.lines import ARRAY_TO_LINES, MAX_LINE_BYTES, QUOTING, suffix_within, whole_texts
from seqspec.data.corpus.optional_packages import require
from seqspec.data.corpus.survey.surveyed import AUDIO, MOST_ROWS, Survey, language_of, other_splits
from seqspec.data.printable import show
from seqspec.schema.diagnostic import DataError

TABLES = {".csv": "csv", ".tsv": "tsv", ".jsonl": "jsonl", ".parquet": "parquet"}
MOST_CLASSES = 100
_LABEL_NAMES = (
    "label",
    "class",
    "category",
    "topic",
    "genre",
    "sentiment",
    "target",
    "ラベル",
    "分類",
    "カテゴリ",
)
"""What columns of labels are called, the clearest first; a name may go on behind it."""
DELIMITERS = {".csv": ",;\t|", ".tsv": "\t,;|"}
"""What may part the cells of a file with a suffix, the likeliest first."""
_LOOK_AT = 20
"""Rows that tell what parts their cells."""


def survey_table(path: Path) -> Survey:
    """What the columns of a table are good for.  Raises ``DataError`` where they show no task."""
    suffix = suffix_within(path)
    kind, delimiter = TABLES[suffix], _delimiter(path)
    if delimiter is not None and delimiter != DELIMITERS[suffix][0]:
        kind = "csv"
    try:
        rows = list(islice(_read(path, kind, delimiter), MOST_ROWS))
    except csv.Error as error:
        raise DataError(f"a row is not CSV: {error}", file=show(path), help=QUOTING) from None
    if not rows:
        raise DataError("the table holds no rows", file=show(path))
    columns = {str(name): [_text(row.get(name)) for row in rows] for name in rows[0] if name}
    _require_header(columns, path)
    others = other_splits(path.name, [file.name for file in path.parent.iterdir()])
    found = Survey("language_model", path.parent, kind, path.name, len(rows), others,
                   delimiter=delimiter if kind == "csv" and delimiter else ",")  # fmt: skip
    audio = next((name for name, cells in columns.items() if _is_audio(cells)), None)
    labels = [name for name in columns if name != audio and _is_label(columns[name])]
    numbers = [name for name in columns if _is_number(columns[name])]
    apart = {audio, *labels, *numbers, *(name for name in columns if _is_name(name, columns[name]))}
    texts = sorted(
        (name for name in columns if name not in apart and _mean_length(columns[name]) > 1),
        key=lambda name: -_mean_length(columns[name]),
    )
    if audio is not None and texts:
        return _recognition(found, columns, audio, texts[0])
    if texts and labels:
        return _classification(found, columns, texts[0], labels)
    if len(texts) > 1:
        return _translation(found, columns, texts)
    unlearned = [name for name in numbers if name not in labels and not _is_name(name, columns[name])]
    if audio is None and not unlearned and texts:
        return _lines_of_text(found, columns, texts[0])
    raise _only_numbers(unlearned, texts, path) if unlearned else _nothing(columns, path)


def _delimiter(path: Path) -> str | None:
    """What parts the cells of a delimited file: as Excel notes it in a first line, or what gives the first
    rows more than one cell, and all as many; its suffix's own where nothing does.
    """
    marks = DELIMITERS.get(suffix_within(path))
    if marks is None:
        return None
    texts = list(islice(whole_texts(path), _LOOK_AT))
    noted = noted_delimiter(texts[0]) if texts else None
    if noted:
        return noted

    def width(mark: str) -> int:
        with suppress(csv.Error):
            widths = {len(row) for row in csv.reader((f"{text}\n" for text in texts), delimiter=mark) if row}
            return widths.pop() if len(widths) == 1 else 0
        return 0

    even = next((mark for mark in marks if width(mark) > 1), None)
    return even or next((mark for mark in marks if texts and mark in texts[0]), marks[0])


def _read(path: Path, kind: str, delimiter: str | None) -> Iterator[Mapping[str, object]]:
    match kind:
        case "jsonl":
            yield from _objects(path)
        case "csv":
            csv.field_size_limit(MAX_LINE_BYTES)
            texts = (text for row, text in enumerate(whole_texts(path)) if row or not noted_delimiter(text))
            rows = csv.reader((f"{text}\n" for text in texts), delimiter=delimiter or ",", strict=True)
            yield from _named((cells for cells in rows if cells), path)
        case "parquet":
            yield from _parquet(path)
        case _:
            lines = (text.split("\t") for text in whole_texts(path) if text.strip())
            yield from _named((cells for cells in lines if not noted_delimiter("\t".join(cells))), path)


def _named(rows: Iterator[list[str]], path: Path) -> Iterator[Mapping[str, object]]:
    """Rows below the one that names their columns."""
    names = next(rows, [])
    twice = next((name for name, count in Counter(names).items() if name and count > 1), None)
    if twice is not None:
        raise DataError(f"two columns are called `{show(twice[:40])}`", file=show(path), row=1,
                        help="give each column a name of its own")  # fmt: skip
    yield from (dict(zip(names, cells, strict=False)) for cells in rows)


def _objects(path: Path) -> Iterator[Mapping[str, object]]:
    for row, text in enumerate(whole_texts(path), 1):
        if not text.strip():
            continue
        try:
            value = json.loads(text)
        except (ValueError, RecursionError) as error:
            whole = text.lstrip().startswith("[")
            reason = (
                "the file is one JSON array over several lines" if whole else f"a line is not JSON: {error}"
            )
            raise DataError(reason, file=show(path), row=row, help=f"convert it by {ARRAY_TO_LINES}" if whole
                            else None) from None  # fmt: skip
        if not isinstance(value, dict):
            raise _no_objects(value, path)
        yield value


def _no_objects(value: object, path: Path) -> DataError:
    """Of a file whose first lines hold no objects: what they hold, and how they get names."""
    if isinstance(value, list) and all(isinstance(one, dict) for one in value):
        return DataError("the file is one JSON array, and a line is an object here", file=show(path),
                         help=f"convert it by {ARRAY_TO_LINES}")  # fmt: skip
    text = isinstance(value, str)
    what = "strings" if text else "arrays of values" if isinstance(value, list) else "single values"
    take = "{text: .}" if text else "{text: .[0], label: .[1]}" if isinstance(value, list) else "{value: .}"
    return DataError(
        f"the lines are JSON {what}, and a line is an object here: values need names",
        file=show(path),
        help=f"name them, as by `jq -c '{take}' FILE > NAMED.jsonl`",
    )


def _parquet(path: Path) -> Iterator[Mapping[str, object]]:
    arrow = require("pyarrow", extra="parquet", corpus="")
    parquet = require("pyarrow.parquet", extra="parquet", corpus="")
    try:
        with parquet.ParquetFile(path) as file:
            for batch in file.iter_batches(MOST_ROWS):
                yield from batch.to_pylist()
    except (arrow.ArrowException, OSError, ValueError, OverflowError) as error:
        reason = show(str(error).splitlines()[0])[:200]
        raise DataError(f"the file is no sound Parquet: {reason}", file=show(path)) from None


def _text(value: object) -> str:
    return "" if value is None else str(value)


def _require_header(columns: Mapping[str, Sequence[str]], path: Path) -> None:
    """A first row whose cells stand below it again names no columns."""
    again = next((name for name, cells in columns.items() if _is_label(cells) and name in cells), None)
    if again is None:
        return
    names = ",".join(f"column{number}" for number in range(1, len(columns) + 1))
    raise DataError(
        f"the first row names no columns: `{show(again[:40])}` stands below it as a value",
        file=show(path),
        help=f"write a row of names above it, as by `sed -i '1i {names}'`, or name columns by their numbers",
    )


def _recognition(found: Survey, columns: Mapping[str, Sequence[str]], audio: str, text: str) -> Survey:
    return replace(found, task="recognition", source=audio, target=text,
                   rate=file_rate(found.root / columns[audio][0]),
                   target_language=language_of(columns[text]))  # fmt: skip


def _classification(
    found: Survey, columns: Mapping[str, Sequence[str]], text: str, labels: Sequence[str]
) -> Survey:
    label = next(
        (name for word in _LABEL_NAMES for name in labels if name.lower().startswith(word)), labels[-1]
    )
    source, target = columns[text], columns[label]
    rest = ", ".join(f"`{name}`" for name in labels if name != label)
    notes = _notes(source, target) + ((f"labels may stand in {rest} as well",) if rest else ())
    return replace(
        found,
        task="classification",
        source=text,
        target=label,
        source_language=language_of(source),
        classes=len(set(target)),
        longest=max(map(len, source)),
        notes=notes,
    )


def _translation(found: Survey, columns: Mapping[str, Sequence[str]], texts: Sequence[str]) -> Survey:
    first, second = (name for name in columns if name in texts[:2])
    return replace(found, task="translation", source=first, target=second,
                   source_language=language_of(columns[first]), target_language=language_of(columns[second]),
                   notes=_notes(columns[first], columns[second]))  # fmt: skip


def _lines_of_text(found: Survey, columns: Mapping[str, Sequence[str]], text: str) -> Survey:
    """One column of text is what a language model learns."""
    return replace(found, target=text, target_language=language_of(columns[text]))


def _only_numbers(numbers: Sequence[str], texts: Sequence[str], path: Path) -> DataError:
    """A number of many values is no label, and no text."""
    seen = ", ".join(f"`{show(name[:40])}`" for name in numbers[:8])
    holds = "holds" if len(numbers) == 1 else "hold"
    beside = f" beside the text of `{show(texts[0][:40])}`" if texts else " and no column a text"
    return DataError(
        f"{seen} {holds} numbers{beside}: a draft learns labels or texts, never a number",
        file=show(path),
        help="make a column of labels of it, such as `low` and `high`; "
        "`seqspec explain adapter.csv` tells what a column can be",
    )


def _nothing(columns: Mapping[str, Sequence[str]], path: Path) -> DataError:
    message = "the columns show no text with a label, a recording or a second text"
    seen = ", ".join(f"`{show(name[:40])}`" for name in list(columns)[:8])
    return DataError(
        message, file=show(path), help=f"the columns are {seen}; `seqspec new` lists specs to fill in"
    )


def _is_audio(cells: Sequence[str]) -> bool:
    return bool(cells) and all(cell.lower().endswith(AUDIO) for cell in cells)


def _is_label(cells: Sequence[str]) -> bool:
    distinct = len(set(cells))
    return 1 < distinct <= min(MOST_CLASSES, max(2, len(cells) // 5)) and all(cells)


_NUMBER = re.compile(r"\s*[-+]?(\d[\d,]*)?\.?\d*([eE][-+]?\d+)?\s*")
_NAMES_OF_ROWS = re.compile(r"(?i:(.*[_\W])?(id|uuid|guid|key|index|url))|[a-z]+Id")
_MISSING = ("", "nan", "na", "n/a", "null", "none", "-", "?")


def _is_number(cells: Sequence[str]) -> bool:
    """Every cell that is filled is a number."""
    filled = [cell for cell in cells if cell.strip().lower() not in _MISSING]
    return bool(filled) and all(_NUMBER.fullmatch(cell) and any(map(str.isdigit, cell)) for cell in filled)


def _is_name(name: str, cells: Sequence[str]) -> bool:
    """Whether a column only tells the rows apart: it is called so, and no value stands twice."""
    called = _NAMES_OF_ROWS.fullmatch(name.strip())
    return bool(called) and len(set(cells)) == len(cells) and not any(" " in cell.strip() for cell in cells)


def _mean_length(cells: Sequence[str]) -> float:
    return sum(map(len, cells)) / max(len(cells), 1)


def _notes(source: Sequence[str], target: Sequence[str]) -> tuple[str, ...]:
    pairs = Counter(zip(source, target, strict=True))
    repeated = len(source) - len(pairs)
    against = len(pairs) - len({text for text, _ in pairs})
    notes = [f"{repeated:,} row{'s' * (repeated != 1)} stood before, word for word"] if repeated else []
    stand = "text stands" if against == 1 else "texts stand"
    return (*notes, *([f"{against:,} {stand} with more than one target"] if against else []))
