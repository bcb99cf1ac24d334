"""Examples to look at: those with the worst errors first, then some at random; with what the model read, what
it should have written, and what it wrote.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from seqspec.pages.markup import Markup, escape, identity, shortened
from seqspec.pages.media import Room, embedded, overlay
from seqspec.pages.page import Section
from seqspec.runtime.report.alignment import side_by_side
from seqspec.runtime.report.predictions import Example, Predictions
from seqspec.runtime.run_folder.documents import read_json
from seqspec.runtime.run_folder.shapes import NUMBER, TEXT, WHOLE, Each, Items, Keys, Shape, fault_of
from seqspec.schema.diagnostic import Exit, RunError

WORST, RANDOM = 12, 12
SCORES = "scores.json"
"""What a metric says of the examples whose values are kept, the worst first; among their media."""
TEXTS = "texts.json"
"""The source text and the speaker of these examples, there too."""
MOST_TEXT = 1_500
"""Code points of one text that are shown."""


def chosen(predictions: Predictions) -> tuple[list[int], list[int]]:
    """The rows of the worst examples, and of others."""
    worst = predictions.worst(WORST)
    return worst, predictions.random(RANDOM, without=frozenset(worst))


def sample_sections(all_predictions: Sequence[Predictions], room: Room) -> Iterator[Section]:
    """A section for each split."""
    for predictions in all_predictions:
        worst, others = chosen(predictions)
        body = _group("Worst errors first", worst, predictions, room) + _group(
            "At random", others, predictions, room
        )
        yield Section(f"Samples of {predictions.name}", _legend(predictions) + body)


def value_sections(folder: Path, room: Room) -> Iterator[Section]:
    """Predicted values of splits without texts, beside what was read and what should have been predicted."""
    for place in sorted(folder.glob("*.media")):
        if place.with_suffix(".jsonl").exists() or "." in place.stem or not place.is_dir():
            continue
        rows: dict[str, list[Path]] = {}
        for file in sorted(place.iterdir()):
            rows.setdefault(file.name.partition(".")[0], []).append(file)
        scores, texts = _scores(place), _held(place / TEXTS, Each(Each(TEXT))) or {}
        worst = [row for row in scores if row in rows][:WORST]
        others = [row for row in rows if row.isdigit() and row not in worst]
        shown = (("Worst first", worst), ("Others" if worst else "", others))
        body = "".join(
            _titled(
                title,
                (_value_card(row, rows[row], scores.get(row, ""), texts.get(row, {}), room) for row in some),
            )
            for title, some in shown
        )
        yield Section(f"Samples of {place.stem}", body)


def _scores(place: Path) -> dict[str, str]:
    """What is said of each example by the number that its files begin with, the worst first.  Raises
    ``RunError``.
    """
    found = _held(place / SCORES, _SCORES)
    if found is None:
        return {}
    return {f"{one['row']:06d}": f"{found['metric']} {one['value']:.4g}" for one in found["worst"]}


def _held(file: Path, shape: Shape) -> Any:
    """What a file of a run holds; ``None`` where there is none.  Raises ``RunError``."""
    found = read_json(file)
    why = None if found is None else fault_of(found, shape)
    if why is not None:
        raise RunError(f"{file} is not what a run writes: {why}", exit=Exit.STORAGE)
    return found


_SCORES = Keys(
    {"metric": TEXT, "worst": Items(Keys({"row": WHOLE, "value": NUMBER}, ("row", "value")))},
    ("metric", "worst"),
)


def _value_card(row: str, files: Sequence[Path], score: str, texts: Mapping[str, str], room: Room) -> str:
    about = [identity(f"example {int(row) + 1:,}"), f"<small>{escape(score)}</small>"]
    about += [f"<small>speaker {escape(texts['speaker'])}</small>"] if "speaker" in texts else []
    read = _labelled({"source": texts["source"]}) if "source" in texts else ""
    return f'<article class="sample"><header>{"".join(about)}</header>{read}{media(files, room)}</article>'


def _titled(title: str, cards: Iterable[str]) -> str:
    """Cards under a heading; nothing without cards."""
    joined = "".join(cards)
    heading = f"<h3>{title}</h3>" if title else ""
    return f"{heading}<div class=samples>{joined}</div>" if joined else ""


def _legend(predictions: Predictions) -> str:
    count = f"{len(predictions.examples):,} examples"
    if predictions.labels:
        wrong = sum(one.reference != one.hypothesis for one in predictions.examples)
        return f"<p class=faint>{count}, {wrong:,} with another label than the reference.</p>"
    wrong = sum(1 for pair in predictions.pairs if pair.edits)
    return (
        f"<p class=faint>{count}, {wrong:,} that differ from their reference. Above: <del>reference</del>, "
        f"below: <ins>hypothesis</ins>; compared by {'words' if predictions.words else 'characters'}, case "
        "passed over.</p>"
    )


def _group(title: str, rows: Sequence[int], predictions: Predictions, room: Room) -> str:
    return _titled(title, (_card(predictions, row, room) for row in rows))


def _card(predictions: Predictions, row: int, room: Room) -> str:
    one = predictions.examples[row]
    said = _label(one) if predictions.labels else _texts(predictions, row)
    about = [identity(one.id), *_about(one, predictions)]
    return (
        f'<article class="sample"><header>{" ".join(about)}</header>'
        f"{_source(one)}{media(predictions.media(row), room)}{said}</article>"
    )


def _about(one: Example, predictions: Predictions) -> Iterator[str]:
    if one.speaker is not None:
        yield f"<small>speaker {escape(one.speaker)}</small>"
    if not predictions.labels:
        pair = predictions.pairs[one.row]
        yield f"<small>{pair.edits:,} of {pair.units:,} ({pair.rate:.0%})</small>"
        yield f"<small>score {one.score:.2f}</small>" if math.isfinite(one.score) else ""


def _source(one: Example) -> str:
    return _labelled(({"source": one.source} if one.source is not None else {}) | dict(one.fields))


def _labelled(texts: Mapping[str, str]) -> str:
    return "".join(
        f'<p><span class="label">{escape(name)}</span>{_shown(text)}</p>' for name, text in texts.items()
    )


def _label(one: Example) -> str:
    sure = f" <small>{math.exp(min(one.score, 0.0)):.1%}</small>" if math.isfinite(one.score) else ""
    if one.reference == one.hypothesis:
        return f'<p><span class="right">✓ {escape(one.hypothesis)}</span>{sure}</p>'
    return (
        f'<p><span class="wrong">✗ {escape(one.hypothesis)}</span>{sure} '
        f'<span class="label">reference</span>{escape(one.reference)}</p>'
    )


def _texts(predictions: Predictions, row: int) -> str:
    one = predictions.examples[row]
    if predictions.pairs[row].edits:
        return side_by_side(one.reference, one.hypothesis, words=predictions.words)
    return f'<p><span class="right">✓</span> {_shown(one.hypothesis)}</p>'


def media(files: Sequence[Path], room: Room) -> Markup:
    """Players and images; a mask lies over the source that it belongs to."""
    if not files:
        return Markup("")
    source = next((file for file in files if _part(file) == "source" and file.suffix == ".png"), None)
    parts = []
    for file in files:
        name = _part(file)
        if source is not None and name.startswith("mask"):
            below, above = source.read_bytes(), file.read_bytes()
            if room.take(below) and room.take(above):
                parts.append(overlay(below, above, name=name))
            continue
        parts.append(embedded(file, room, name=name))
    return Markup(f'<div class="media">{"".join(parts)}</div>')


def _part(file: Path) -> str:
    """What of the example a file holds: ``source`` of ``000012.source.wav``."""
    return file.stem.partition(".")[2] or file.stem


def _shown(text: str) -> Markup:
    return escape(shortened(text, MOST_TEXT))
