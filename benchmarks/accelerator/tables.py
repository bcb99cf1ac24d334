"""The report as Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

HEAD = ("loop", "precision", "options", "{unit} a second", "of plain", "MFU", "peak GiB", "first step, s",
        "loss at the end", "s to quality")  # fmt: skip


def markdown(report: Mapping[str, Any]) -> str:
    """The machine, what it was measured by, and a table a case."""
    return "\n".join(_lines(report)) + "\n"


def _lines(report: Mapping[str, Any]) -> Iterator[str]:
    yield "# Training on a device"
    yield ""
    if report["tiny"]:
        yield "Tiny sizes, which show that the code works and nothing about speed."
        yield ""
    for name, value in report["machine"].items():
        yield f"- {name}: {value}"
    for name, one in report["peaks"].items():
        yield f"- peak in {name}: {one['operations_a_second'] / 1e12:.2f} TFLOP/s, {one['source']}"
    for case in report["cases"]:
        yield from _case(case)


def _case(case: Mapping[str, Any]) -> Iterator[str]:
    unit = case["unit"]
    yield ""
    yield f"## {case['case']} (`specs/{case['spec']}.yaml`{', profile `tiny`' if case['tiny'] else ''})"
    yield ""
    yield (
        f"{case['parameters']:,} parameters; a step has {case[f'{unit}_a_step']:,.0f} {unit} and "
        f"{case['operations_a_step'] / 1e12:.3g} TFLOP."
    )
    yield ""
    yield f"| {' | '.join(HEAD)} |".format(unit=unit)
    yield "|---" * 3 + "|---:" * (len(HEAD) - 3) + "|"
    best = {row["precision"]: row["rate"] for row in reversed(case["rows"])
            if row["loop"] == "plain" and row["options"] == "plain" and "rate" in row}  # fmt: skip
    for row in case["rows"]:
        yield f"| {' | '.join(_cells(row, best.get(row['precision'])))} |"


def _cells(row: Mapping[str, Any], plain: float | None) -> Iterator[str]:
    yield from (row["loop"], row["precision"], row["options"])
    if "error" in row:
        yield f"failed: {row['error'].replace('|', '/')}"
        yield from [""] * 6
        return
    yield f"{row['rate']:,.0f}"
    yield f"{row['rate'] / plain:.2f}" if plain else ""
    yield f"{row['mfu']:.1%}"
    yield f"{row['memory'] / 2**30:.2f}"
    yield f"{row['first']:.1f}"
    yield f"{row['loss']:.3f}"
    yield f"{row['seconds_to_quality']:.1f}" if row["seconds_to_quality"] is not None else "not reached"
