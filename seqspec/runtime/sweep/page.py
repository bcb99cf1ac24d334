"""``report.html`` of a study: the best, what mattered, every trial."""

from __future__ import annotations

import json
import math
import statistics

from seqspec.data.store.durable import write_durably
from seqspec.pages.bars import bars
from seqspec.pages.chart import Line, chart, number
from seqspec.pages.markup import Cell, Markup, badge, escape, folded, listing, paragraph, table
from seqspec.pages.page import Section, joined, page
from seqspec.pages.parallel_coordinates import Thread, Upright, parallel_coordinates
from seqspec.runtime.sweep.importance import FEWEST, importances
from seqspec.runtime.sweep.result import number_of, ranked
from seqspec.runtime.sweep.sweep import Swept
from seqspec.runtime.sweep.trial import Trial
from seqspec.schema.sections.sweep_space import Dimension


def write_page(swept: Swept) -> None:
    """Write the page of a study into its directory."""
    write_durably(swept.study.path / "report.html", study_page(swept).encode())


def study_page(swept: Swept) -> str:
    """The whole page."""
    aim = swept.objective
    name = swept.study.path.resolve().name
    which = "lower" if aim.direction == "minimize" else "higher"
    lead = paragraph(f"`{aim.metric}` on `{aim.split}`, {which} is better; {_counted(swept)}.")
    sections = [
        Section("The best", _best(swept)),
        Section("Over several seeds", _repeated(swept)),
        Section("Which settings matter", _importance(swept)),
        Section("All settings together", _parallel(swept)),
        Section("From trial to trial", _progress(swept)),
        Section("Trials", _trials(swept)),
    ]
    return page(f"Sweep {name}", lead=lead, sections=sections)


def _counted(swept: Swept) -> str:
    states = [one.state for one in swept.trials]
    return ", ".join(f"{states.count(one)} {one}" for one in dict.fromkeys(states)) or "no trials"


def _best(swept: Swept) -> str:
    best = swept.best
    if best is None:
        return paragraph("No trial is complete.")
    rows: list[list[Cell]] = [
        [one.path, one.name(best.params[one.path]), str(one)] for one in swept.space.dimensions
    ]
    told = paragraph(f"Trial {best.number}: {number_of(best)}. `best.yaml` beside this page is its spec.")
    return joined(told, table(("setting", "value", "from"), rows), _nearby(swept, best))


def _nearby(swept: Swept, best: Trial) -> str:
    """The complete trials whose settings are nearest: a peak without neighbours is luck."""
    others = [one for one in swept.trials if one.state == "complete" and one.params != best.params]
    near = sorted(others, key=lambda one: (_distance(swept, one, best), one.number))[:3]
    rows: list[list[Cell]] = [
        [
            f"{one.number}",
            number_of(one),
            _distance(swept, one, best),
            *swept.space.names(one.params).values(),
        ]
        for one in near
    ]
    if not rows:
        return ""
    head = ("trial", swept.objective.metric, "distance", *swept.space.names(best.params))
    return joined(
        paragraph("Its nearest neighbours in the space, which has sides of length 1:"), table(head, rows)
    )


def _distance(swept: Swept, one: Trial, other: Trial) -> float:
    sides = (it.place(one.params[it.path]) - it.place(other.params[it.path]) for it in swept.space.dimensions)
    return math.hypot(*sides)


def _repeated(swept: Swept) -> str:
    rows: list[list[Cell]] = []
    for one in swept.stages.leading(swept.trials):
        every = (*one.values, *one.repeats)
        if one.repeats:
            rows.append(
                [
                    f"{one.number}",
                    one.mean,
                    statistics.stdev(every),
                    " ".join(f"{it:.6g}" for it in every),
                    *swept.space.names(one.params).values(),
                ]
            )
    if not rows:
        return ""
    told = paragraph(
        "The best trials, each trained with more seeds; the best of them is the best of the sweep."
    )
    paths = [one.path for one in swept.space.dimensions]
    return joined(told, table(("trial", "mean", "deviation", "by seed", *paths), rows))


def _importance(swept: Swept) -> str:
    found = importances(swept.space, swept.trials, swept.objective.direction)
    if not found:
        return paragraph(f"It takes {FEWEST} trials, not all of the same value, to tell.")
    at = ", by their values at the first rung" if swept.stages.rungs else ""
    told = paragraph(f"What tells the best trials from the others (PED-ANOVA){at}; the shares add up to 1.")
    return joined(told, bars("importance", found))


def _parallel(swept: Swept) -> str:
    complete = [one for one in ranked(swept) if one.state == "complete"]
    values = [one.mean or 0.0 for one in complete]
    if not complete:
        return ""
    low, high = min(values), max(values)
    axes = [
        *map(_upright, swept.space.dimensions),
        Upright(swept.objective.metric, ((0, number(low)), (1, number(high)))),
    ]
    best = swept.best
    threads = [
        Thread(
            f"trial {one.number}: {number_of(one)}",
            [*(it.place(one.params[it.path]) for it in swept.space.dimensions), _within(value, low, high)],
            1.0 if one is best else 0.95 * (1 - rank / len(complete)),
        )
        for rank, (one, value) in enumerate(zip(complete, values, strict=True))
    ]
    return parallel_coordinates("one line a trial, the best in the second colour", axes, threads)


def _upright(one: Dimension) -> Upright:
    """Marked at each choice, or at both ends."""
    last = len(one.values) - 1
    marks = range(last + 1) if last < 8 else (0, last)
    return Upright(one.path, [(at / max(last, 1), one.name(one.values[at])) for at in marks])


def _within(value: float, low: float, high: float) -> float:
    return (value - low) / (high - low) if high > low else 0.5


def _progress(swept: Swept) -> str:
    complete = [(one.number, one.value) for one in swept.trials if one.value is not None]
    better = min if swept.objective.direction == "minimize" else max
    best, points = None, []
    for trial, value in complete:
        best = value if best is None else better(best, value)
        points.append((float(trial), best))
    lines = [Line("each trial", [(float(n), v) for n, v in complete]), Line("best so far", points)]
    return chart(swept.objective.metric, lines, across="trial") if len(complete) > 1 else ""


def _trials(swept: Swept) -> str:
    paths = [one.path for one in swept.space.dimensions]
    order = ranked(swept)
    rows: list[list[Cell]] = [
        [
            f"{one.number}",
            badge(one.state, kind=_kind(one)),
            number_of(one),
            *swept.space.names(one.params).values(),
            _run(one),
        ]
        for one in order
    ]
    best = swept.best
    marked = [at for at, one in enumerate(order) if best is not None and one.number == best.number]
    failed = listing(f"trial {one.number}: {one.reason}" for one in order if one.reason)
    return joined(
        table(("trial", "state", swept.objective.metric, *paths, "run"), rows, best=marked),
        folded("why trials failed", failed) if failed else "",
        folded("all settings of the sweep", Markup(f"<pre>{_settings(swept)}</pre>")),
    )


def _settings(swept: Swept) -> str:
    return escape(json.dumps(dict(swept.study.settings), indent=2, ensure_ascii=False))


def _kind(one: Trial) -> str:
    return {"complete": "finished", "failed": "failed"}.get(one.state, "other")


def _run(one: Trial) -> str:
    return one.runs[0] if one.runs else ""
