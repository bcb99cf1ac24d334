"""The images that a model has made, as grids of the report."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from seqspec.pages.markup import escape
from seqspec.pages.media import Room, embedded
from seqspec.pages.page import Section

MOST = 64
"""Images of one grid."""


def image_grids(predictions: Path, room: Room) -> Iterator[Section]:
    """A grid for each folder of PNG files that a model has shown of itself."""
    for folder in sorted(path for path in predictions.glob("*") if path.is_dir() and not path.suffix):
        files = sorted(folder.glob("*.png"))
        shown = "".join(embedded(file, room, name=file.stem) for file in files[:MOST])
        count = f"{MOST} of {len(files):,} images" if len(files) > MOST else f"{len(files)} images"
        title = f"Images: {folder.name.replace('_', ' ')}"
        yield Section(
            title, f"<div class=grid>{shown}</div><p class=faint>{escape(count)}.</p>" if files else ""
        )
