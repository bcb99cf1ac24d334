"""Predictions as HTML inside the demonstration's page; nothing in it is fetched."""

from __future__ import annotations

import base64
import tempfile
from pathlib import Path

import numpy as np

from seqspec.components.mask_colours import coloured, palette
from seqspec.components.predictions import (
    FramesPrediction,
    MaskPrediction,
    Predicted,
    TextPrediction,
    VectorPrediction,
)
from seqspec.pages.markup import Markup, escape, scrolling
from seqspec.pages.media import Room, embedded, image, png
from seqspec.runtime.demo.attention_text import Looked
from seqspec.runtime.evaluation.samples import frames_png
from seqspec.runtime.evaluation.value_files import write_value

MAX_BYTES = 25_000_000
"""What one prediction puts into the page."""
MAX_PIECES = 80
"""Pieces of a text whose weights are shown."""
MAX_CLASSES = 20
SHOWN_NUMBERS = 8
_STYLE = (
    "<style>.seqspec-look td{border:1px solid var(--border-color-primary);font-size:.75rem;height:1.4rem;"
    "min-width:1.4rem;padding:0 .2rem}.seqspec-look th{font-weight:400;padding:.1rem .3rem;white-space:pre}"
    ".wide:has(.seqspec-look){overflow-x:auto}"
    ".seqspec-swatch{display:inline-block;height:.8em;width:.8em}"
    ".seqspec-shown img{image-rendering:pixelated;max-height:24rem;max-width:100%;min-width:8rem}</style>"
)


def value_markup(value: Predicted | None) -> Markup:
    """A value that is heard or seen where that can be, and its files to keep."""
    if value is None:
        return Markup("")
    with tempfile.TemporaryDirectory(prefix="seqspec-demo-") as folder:
        files = write_value(value, Path(folder) / "prediction")
        room = Room(MAX_BYTES)
        seen = _seen(value) or "".join(embedded(file, room, name=value.kind) for file in files)
        kept = " · ".join(_download(file.name, file.read_bytes()) for file in files)
    return Markup(f'{_STYLE}<div class="seqspec-shown">{seen}{_said(value)}<p>{kept}</p></div>')


def text_markup(value: Predicted | None, looked: Looked | None) -> Markup:
    """What there is to a text beside its letters: the file that it stands for, and where the model looked."""
    parts = []
    if isinstance(value, TextPrediction) and value.as_file is not None:
        suffix, content = value.as_file()
        parts.append(f"<p>{_download(f'prediction{suffix}', content)}</p>")
    if looked is not None:
        parts.append(_look(looked))
    return Markup("".join(parts))


def _seen(value: Predicted) -> str:
    """A picture, where the files are for programs to read."""
    match value:
        case MaskPrediction():
            return image(png(coloured(value)), name=value.kind)
        case FramesPrediction(sound=None):
            return image(frames_png(value.frames_TD), name=value.kind)
    return ""


def _look(looked: Looked) -> str:
    """A table: what was written from above, the source from left to right, dark where the model looked."""
    source, target = looked.source[:MAX_PIECES], looked.target[:MAX_PIECES]
    head = "".join(f'<th scope="col">{escape(piece)}</th>' for piece in source)
    rows = "".join(
        f'<tr><th scope="row">{escape(piece) or "(end)"}</th>{"".join(map(_weight, row[:MAX_PIECES]))}</tr>'
        for piece, row in zip(target, looked.weights, strict=False)
    )
    cut = len(looked.source) > MAX_PIECES or len(looked.target) > MAX_PIECES
    first = f", the first {MAX_PIECES} of them" if cut else ""
    told = (
        f"Where the model looked: a row for each piece that it wrote, a column for each that it read{first}."
    )
    inside = f'<table class="seqspec-look"><tr><td></td>{head}</tr>{rows}</table>'
    return f"{_STYLE}<p>{told}</p>{scrolling(inside, name='where the model looked')}"


def _weight(weight: float) -> str:
    return f'<td title="{weight:.2f}" style="background:rgba(9,105,218,{weight:.3f})"></td>'


def _said(value: Predicted) -> str:
    """A value in words: its classes and their shares, or its first numbers."""
    match value:
        case MaskPrediction():
            return _classes(value)
        case VectorPrediction():
            first = ", ".join(f"{x:.4g}" for x in value.values_D[:SHOWN_NUMBERS].tolist())
            more = ", …" if len(value.values_D) > SHOWN_NUMBERS else ""
            return f"<p>{len(value.values_D):,} numbers: {first}{more}</p>"
    return ""


def _classes(mask: MaskPrediction) -> str:
    """Names in the colours of the picture, with the share of the pixels, the largest first."""
    found, counts = np.unique(mask.classes_HW, return_counts=True)
    colours = palette()
    items = []
    for number in np.argsort(-counts, kind="stable")[:MAX_CLASSES].tolist():
        kind = int(found[number])
        name = mask.labels[kind] if kind < len(mask.labels) else f"class {kind}"
        red, green, blue = colours[min(kind, len(colours) - 1)].tolist()
        swatch = f'<span class="seqspec-swatch" style="background:rgb({red},{green},{blue})"></span>'
        items.append(f"<li>{swatch} {escape(name)}: {counts[number] / mask.classes_HW.size:.1%}</li>")
    return f'<ul style="list-style:none;padding:0">{"".join(items)}</ul>'


def _download(name: str, data: bytes) -> str:
    uri = f"data:application/octet-stream;base64,{base64.b64encode(data).decode()}"
    return f'<a download="{escape(name)}" href="{uri}">{escape(name)}</a>'
