"""A comparison as text for a terminal, as JSON for programs, as Markdown for a pull request."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Sequence

from seqspec.runtime.compare.comparison import SIGNIFICANT, Cell, Comparison, Row
from seqspec.runtime.report.numbers import is_rate, shown

WIDEST = 60
"""Longest value of a setting that is shown whole."""


def as_text(found: Comparison) -> str:
    """Tables in columns."""
    parts = [
        _columns([("run", *_marked(found)), *_about(found)]),
        _titled("settings that differ", _columns(_settings(found))),
        _titled(
            "metrics (95 % of the bootstrap; p against the first run, † below 0.05)",
            _columns(_metrics(found)),
        ),
        _titled("cost", _columns(_cost(found))),
        "".join(f"note: {note}\n" for note in found.notes),
    ]
    return "\n".join(part for part in parts if part)


def as_markdown(found: Comparison) -> str:
    """Tables of Markdown."""
    head = ("", *_marked(found))
    parts = [
        _table((head, *_about(found))),
        _heading("Settings that differ", _table((head, *_settings(found)))),
        _heading("Metrics", _table((head, *_metrics(found)))) + LEGEND,
        _heading("Cost", _table((head, *_cost(found)))),
        "".join(f"> {_piped(note)}\n\n" for note in found.notes),
    ]
    return "".join(part for part in parts if part)


LEGEND = (
    "In brackets 95 % of the bootstrap; p against the first run (paired bootstrap), † below 0.05; the best "
    "is bold.\n\n"
)


def as_json(found: Comparison) -> str:
    """One object; rates are fractions."""
    return (
        json.dumps(
            {
                "runs": [
                    {"label": run.label, "path": str(run.folder.path), "state": run.state,
                     "plan": run.plan.digests["all"], "cost": run.cost} for run in found.runs
                ],
                "settings": [
                    {"path": one.path, "values": list(one.values), "derived": one.derived}
                    for one in found.settings
                ],
                "metrics": [_row_json(row) for row in found.rows],
                "notes": list(found.notes),
            },
            ensure_ascii=False,
        )
        + "\n"
    )  # fmt: skip


def cell_text(row: Row, cell: Cell) -> str:
    """``31.20 [29.84, 32.51] p 0.012†``."""
    if cell.value is None:
        return ""
    text = shown(row.metric, cell.value)
    if cell.interval is not None:
        scale = 100 if is_rate(row.metric) else 1
        text += f" [{scale * cell.interval[0]:.2f}, {scale * cell.interval[1]:.2f}]"
    if cell.p is not None:
        text += f" p {cell.p:.3f}{'†' if cell.p < SIGNIFICANT else ''}"
    return text


def cost_rows(found: Comparison) -> list[tuple[str, ...]]:
    """What each run cost, a row a figure."""
    costs = [run.cost for run in found.runs]
    names = dict.fromkeys(name for cost in costs for name in cost if name != "state")
    return [(name, *(_number(cost.get(name)) for cost in costs)) for name in names]


def clipped(text: str) -> str:
    """A value of a setting, not too long for a table."""
    return text if len(text) <= WIDEST else text[: WIDEST - 1] + "…"


def _row_json(row: Row) -> dict[str, object]:
    cells = [{"value": c.value, "interval": c.interval, "p": c.p} for c in row.cells]
    return {"split": row.split, "metric": row.metric, "better": row.better, "best": row.best, "runs": cells}


def _marked(found: Comparison) -> list[str]:
    return [run.label for run in found.runs]


def _about(found: Comparison) -> list[tuple[str, ...]]:
    return [
        ("state", *(run.state for run in found.runs)),
        ("directory", *(run.folder.path.resolve().name for run in found.runs)),
    ]


def _settings(found: Comparison) -> list[tuple[str, ...]]:
    return [
        (f"{one.path}{' (follows)' if one.derived else ''}", *map(clipped, one.values))
        for one in found.settings
    ]


def _metrics(found: Comparison) -> list[tuple[str, ...]]:
    return [
        (
            f"{row.split} {row.metric}",
            *(
                f"**{cell_text(row, cell)}**" if number == row.best else cell_text(row, cell)
                for number, cell in enumerate(row.cells)
            ),
        )
        for row in found.rows
    ]


def _cost(found: Comparison) -> list[tuple[str, ...]]:
    return cost_rows(found)


def _number(value: float | str | None) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else f"{value:,.10g}"


def _titled(title: str, body: str) -> str:
    return f"{title}\n{body}" if body else ""


def _heading(title: str, body: str) -> str:
    return f"### {title}\n\n{body}" if body.count("\n") > 3 else ""


def _columns(rows: Sequence[Sequence[str]]) -> str:
    """Columns of equal width, East Asian characters counted as two."""
    if not rows:
        return ""
    cells = [[cell.replace("**", "") for cell in row] for row in rows]
    widths = [max(map(_width, column)) for column in zip(*cells, strict=True)]
    lines = [
        "  ".join(
            cell + " " * (width - _width(cell)) for cell, width in zip(row, widths, strict=True)
        ).rstrip()
        for row in cells
    ]
    return "".join(f"  {line}\n" for line in lines)


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def _table(rows: Sequence[Sequence[str]]) -> str:
    head, *body = [f"| {' | '.join(map(_piped, row))} |\n" for row in rows]
    return head + f"|{' --- |' * len(rows[0])}\n" + "".join(body) + "\n"


def _piped(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
