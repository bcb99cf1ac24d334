"""``explain SPEC --batches``: what an epoch is, once the corpus is known: batches by length, padding.

Prepares the training split where that has not been done yet; a corpus in the cache is opened at once.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from seqspec.compile.diff.consequences import batches as of_the_run
from seqspec.compile.plan.plan import Compiled

GROUPS = 8
"""Rows of the table of lengths."""


def epoch_text(compiled: Compiled, *, cache: Path | None = None) -> str:
    """Steps, batches and padding of the first epoch.  Raises ``DataError`` where the corpus is not there."""
    from seqspec.compile.build.data_parts import build_data
    from seqspec.data.batching.loader import training_order
    from seqspec.data.stages.prepare import prepare
    from seqspec.data.store.cache import default_cache

    prepared = prepare(build_data(compiled.plan), cache=cache or default_cache(), splits=["train"])
    split = prepared.splits["train"]
    order = training_order(prepared.parts, split)
    steps = order.batches(0)
    lengths = np.asarray(split.lengths).max(axis=1)
    batches = [lengths[order.batch(number).examples] for number in range(steps)]
    train = compiled.plan.experiment.train
    real = sum(int(batch.sum()) for batch in batches)
    room = sum(int(batch.max()) * len(batch) for batch in batches)
    facts = [f"  {name} = {number:,}" for name, number in sorted(prepared.facts.items())]
    lines = [
        f"training split: {len(split):,} examples, {steps:,} optimizer steps an epoch",
        f"the run: {train.max_steps:,} steps, {of_the_run(compiled.plan) / max(steps, 1):,.2f} epochs",
        f"padding: {1 - real / max(room, 1):.1%} of the longer side",
        *(["known from the data:", *facts] if facts else []),
        "",
        *_table(batches),
    ]
    return "\n".join(lines) + "\n"


def _table(batches: list[np.ndarray]) -> list[str]:
    """Batches grouped by the length of their longest example."""
    longest = np.array([batch.max() for batch in batches])
    bounds = np.unique(np.quantile(longest, np.linspace(0, 1, GROUPS + 1)[1:], method="higher"))
    lines = [f"  {'up to':>8}  {'batches':>8}  {'examples a batch':>16}"]
    below = 0
    for bound in bounds:
        held = [len(batch) for batch, size in zip(batches, longest, strict=True) if below < size <= bound]
        lines.append(f"  {int(bound):>8,}  {len(held):>8,}  {np.mean(held):>16,.1f}")
        below = int(bound)
    return lines
