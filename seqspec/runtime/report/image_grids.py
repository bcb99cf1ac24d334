"""The images that a model has made, as grids of the report."""

from __future__ import annotations

import base64
import html
from pathlib import Path

MOST = 64


def image_grids(predictions: Path) -> str:
    """A grid for each folder of PNG files below the predictions of a run."""
    folders = sorted(path for path in predictions.glob("*") if path.is_dir())
    return "".join(_grid(folder) for folder in folders)


def _grid(folder: Path) -> str:
    files = sorted(folder.glob("*.png"))
    if not files:
        return ""
    shown = "".join(
        f"<img src='data:image/png;base64,{base64.b64encode(file.read_bytes()).decode()}' "
        f"alt='{html.escape(file.stem)}' title='{html.escape(file.stem)}'>"
        for file in files[:MOST]
    )
    count = f"{len(files[:MOST])} of {len(files)}" if len(files) > MOST else f"{len(files)}"
    return (
        f"<h2>Images: {html.escape(folder.name.replace('_', ' '))}</h2><div class=grid>{shown}</div>"
        f"<p><small>{count}.</small></p>"
    )
