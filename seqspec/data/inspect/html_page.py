"""An inspection as one self-contained HTML page, in the design of every page."""

from __future__ import annotations

from collections.abc import Sequence

from seqspec.data.inspect.drawing import draw
from seqspec.data.inspect.finding import VERDICTS, Finding, Histogram
from seqspec.data.inspect.inspection import Inspection
from seqspec.pages.markup import Markup, badge, folded, listing, paragraph, prose, table
from seqspec.pages.media import Room
from seqspec.pages.page import Section, page

COUNTED = {"error": "errors", "warn": "warnings", "info": "notes", "ok": "ok", "accepted": "accepted"}


def as_page(inspection: Inspection, *, what: str = "Data") -> str:
    """The whole page; nothing is fetched when it is opened.  ``what`` was examined: data, or a model."""
    room = Room()
    sections = [
        Section(finding.message, _body(finding, room), mark=f"{badge(finding.verdict)} ", label=finding.check)
        for finding in inspection.findings
    ]
    counts = "  ".join(
        f"{badge(verdict)} {inspection.count(verdict)} {COUNTED[verdict]}"
        for verdict in VERDICTS
        if inspection.count(verdict)
    )
    lead = f"<p>{counts}</p>{_grave(inspection)}<p class=faint>looked at in {inspection.seconds:.1f} s</p>"
    return page(f"{what} of {inspection.name}", lead=lead, sections=sections)


def _grave(inspection: Inspection) -> Markup:
    """What to look at first."""
    grave = [finding for finding in inspection.findings if finding.verdict in ("error", "warn")]
    items = [
        Markup(f'<a href="#{finding.check.lower()}">{finding.check}</a> {prose(finding.message)}')
        for finding in grave
    ]
    return listing(items)


def _body(finding: Finding, room: Room) -> str:
    numbers = table(("", ""), list(finding.numbers.items())) if finding.numbers else ""
    return (
        (paragraph(finding.advice, kind="advice") if finding.advice else "")
        + listing(finding.examples)
        + _side_by_side([draw(one, room) for one in finding.figures if isinstance(one, Histogram)])
        + "".join(draw(one, room) for one in finding.figures if not isinstance(one, Histogram))
        + (folded("numbers", numbers) if numbers else "")
    )


def _side_by_side(drawings: Sequence[str]) -> str:
    return f'<div class="charts">{"".join(drawings)}</div>' if drawings else ""
