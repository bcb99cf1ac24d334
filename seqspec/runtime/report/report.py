"""``report.html``: one page that needs nothing else, about what a run was and what came of it; of a run that
is going on or was stopped, as far as it has come.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from seqspec.data.store.durable import write_durably
from seqspec.pages.markup import escape
from seqspec.pages.media import Room, matrix
from seqspec.pages.page import Section
from seqspec.pages.page import page as whole_page
from seqspec.runtime.report.breakdown import breakdown_section
from seqspec.runtime.report.classification import class_section
from seqspec.runtime.report.curves import curves
from seqspec.runtime.report.gauges import gauge_section
from seqspec.runtime.report.image_grids import image_grids
from seqspec.runtime.report.overview import (
    data_section,
    evaluations_section,
    in_full_section,
    lead,
    other_evaluations_section,
    result_section,
)
from seqspec.runtime.report.predictions import own_predictions
from seqspec.runtime.report.samples import sample_sections, value_sections
from seqspec.runtime.report.tasks import of_all, task_sections
from seqspec.runtime.run_folder.folder import RunFolder
from seqspec.runtime.run_folder.metrics_log import read_journal
from seqspec.runtime.run_folder.state import State, state_of
from seqspec.schema.diagnostic import Exit, RunError


def write_report(folder: RunFolder, *, output: Path | None = None, state: State | None = None) -> None:
    """Write the page from what the run directory holds, into it or to ``output``.

    ``state`` is how the run stands, where its lock does not tell: a run that stops still owns it.
    """
    try:
        text = page(folder, state=state)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError, RecursionError) as error:
        why = f"{folder.path} holds what no run has written ({type(error).__name__}: {error})"
        raise RunError(why, exit=Exit.STORAGE, help="look at its JSON files") from None
    write_durably(output or folder.report, text.encode("utf-8", "surrogatepass"))


def page(folder: RunFolder, *, state: State | None = None) -> str:
    """The whole page."""
    lock = folder.read("lock.json") or {}
    state = "done" if folder.read("result.json") else state or state_of(folder)
    name = str(lock.get("spec", {}).get("name", folder.path.parent.name))
    return whole_page(name, lead=lead(folder, lock, state), sections=list(_sections(folder, lock, state)))


def _sections(folder: RunFolder, lock: dict[str, object], state: State) -> Iterator[Section]:
    journal, speed = read_journal(folder.metrics), read_journal(folder.speed)
    tasks = folder.read("tasks.json")
    predictions = own_predictions(folder)
    yield result_section(folder, journal, lock, state)
    yield Section("Curves", curves(of_all(journal) if tasks else journal, speed))
    yield from task_sections(tasks, journal)
    yield gauge_section(journal)
    yield evaluations_section(folder, journal)
    yield other_evaluations_section(folder)
    for one in predictions:
        yield class_section(one)
        yield breakdown_section(one)
    room = Room()
    yield from sample_sections(predictions, room)
    yield from value_sections(folder.predictions, room)
    yield from image_grids(folder.predictions, room)
    yield _attention(folder)
    yield data_section(folder, speed)
    yield in_full_section(folder, lock)


def _attention(folder: RunFolder) -> Section:
    title = "Where the model looked"
    held = folder.read("attention.json")
    if not held:
        return Section(title, "")
    rows = held["weights"]
    top = max((max(row) for row in rows), default=0.0) or 1.0
    image = matrix([[value / top for value in row] for row in rows], name="attention, the target from above")
    return Section(
        title,
        f"<p>{escape(held['target'])}</p>{image}<p class=faint>The target's symbols or frames from above, "
        f"the source from left to right, example {escape(held['id'])}.</p>",
    )
