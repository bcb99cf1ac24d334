"""What parts of a plan take from model folders, as text below the plan."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from seqspec.compile.plan.model_folders import comparisons, folder_parts, left_over
from seqspec.compile.plan.plan import Plan
from seqspec.schema.source import dotted

MOST = 6
"""Names that are written out of a list."""


def folders_text(plan: Plan) -> str:
    """A paragraph; nothing where no part comes from a folder."""
    lines = list(_lines(plan))
    return "\n".join(["", "model folders", *lines, ""]) if lines else ""


def _lines(plan: Plan) -> Iterator[str]:
    found = {one.node.path: one.found for one in comparisons(plan)}
    for node, config in folder_parts(plan):
        here = found.get(node.path)
        what = "not here" if here is None else f"{len(here.names):,} tensors"
        yield f"  {dotted(node.path)}  {config.folder}  {what}"
        if here is not None and here.fresh:
            yield f"    begins at random: {_some(here.fresh)}"
    for folder, names in left_over(plan).items():
        if names:
            yield f"  left over in {folder}: {_some(names)}"


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - MOST:,} more" if len(names) > MOST else ""
    return ", ".join(names[:MOST]) + more
