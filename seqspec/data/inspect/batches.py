"""D17 what each corpus contributes, D18 padding, D19 how well batches are shuffled, D20 whether all of it
repeats.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import islice

import numpy as np

from seqspec.data.batching.cached_layouts import stored_layout
from seqspec.data.batching.layout import MOST_WASTE
from seqspec.data.batching.order import Order
from seqspec.data.corpus.record import BadRow
from seqspec.data.inspect.finding import Bars, Finding, Histogram, Table, Verdict
from seqspec.data.inspect.sizes import histogram
from seqspec.data.inspect.subject import Subject

MOST_BATCHES = 3000
SCANNED = 2000


def check(subject: Subject) -> Iterator[Finding]:
    """Mixture, padding, shuffle, repetition."""
    yield from _mixture(subject)
    yield _padding(subject)
    yield _shuffle(subject)
    yield _repeats(subject)


def _mixture(subject: Subject) -> Iterator[Finding]:
    train = subject.train
    if "corpus" not in train.records:
        return
    names = Counter(train.records.text("corpus", int(train.rows[index])) for index in subject.seen(train))
    total = sum(names.values())
    told = ", ".join(f"{name} {count / total:.1%}" for name, count in names.most_common())
    yield Finding(
        "D17",
        "ok",
        f"examples by corpus: {told}",
        numbers={name: count for name, count in names.items()},
        figures=[Bars("Examples by corpus", dict(names))],
    )


def _padding(subject: Subject) -> Finding:
    split = subject.prepared.splits["train"]
    lengths, names = split.lengths, split.measured
    order = subject.order
    total = order.batches(0)
    read = range(min(total, MOST_BATCHES))
    real, cells, sizes, tokens = np.zeros(len(names)), np.zeros(len(names)), [], []
    for number in read:
        held = np.asarray(lengths[order.batch(number).examples])
        real += held.sum(axis=0)
        cells += held.max(axis=0) * len(held)
        sizes.append(len(held))
        tokens.append(int(held.sum()))
    share = 1 - real.sum() / max(cells.sum(), 1)
    sides = {side: 1 - real[c] / cells[c] for c, side in enumerate(names) if cells[c]}
    rows = [(side, f"{waste:.2%}") for side, waste in sides.items()]
    spread = float(np.std(tokens)) / max(float(np.mean(tokens)), 1.0)
    warn = share > 2 * MOST_WASTE
    return Finding(
        "D18",
        "warn" if warn else "ok",
        f"{share:.1%} of a batch is padding; {total:,} batches an epoch with {np.mean(sizes):,.1f} examples "
        f"and {np.mean(tokens):,.0f} ids or frames on average (spread {spread:.0%})",
        _advice(subject) if warn else "",
        numbers={
            "padding": round(float(share), 5),
            **{f"padding_{side}": round(float(waste), 5) for side, waste in sides.items()},
            "batches_an_epoch": total,
            "examples_a_batch": round(float(np.mean(sizes)), 3),
        },
        figures=[Table("Padding", ("side", "share"), rows), _sizes(sizes)],
    )


def _sizes(sizes: list[int]) -> Histogram:
    return histogram("Examples in a batch", {"train": np.array(sizes)})


def _shuffle(subject: Subject) -> Finding:
    """How far the order of batches still follows the corpus, and whether the corpus itself is sorted."""
    order = subject.order
    total = min(order.batches(0), MOST_BATCHES)
    centres = np.array([order.batch(number).examples.mean() for number in range(total)])
    planned = _rank_correlation(centres, np.arange(total))
    train = subject.train
    key = np.asarray(train.lengths).sum(axis=1).astype(np.float64)
    if subject.label_roles:
        key = subject.hashes(train, subject.label_roles[0]).astype(np.float64)
    sample = key[: subject.limit]
    runs = float((sample[1:] == sample[:-1]).mean()) if len(sample) > 1 else 0.0
    chance = float(np.square(np.unique(sample, return_counts=True)[1] / len(sample)).sum())
    is_sorted = runs > chance + (1 - chance) / 2 and len(sample) > 20
    numbers = {
        "order_correlation": round(planned, 4),
        "equal_neighbours": round(runs, 4),
        "by_chance": round(chance, 4),
    }
    verdict: Verdict
    if not subject.parts.config.batch.shuffle:
        verdict, told = (
            ("warn" if is_sorted else "info"),
            "`data.batch.shuffle` is off: the corpus order stands",
        )
    else:
        bad = abs(planned) > 0.3 and total > 30
        verdict = "warn" if bad else "ok"
        told = f"batches are shuffled: their order and the corpus's correlate by {planned:.2f}"
    if is_sorted:
        told += "; the corpus itself is sorted, with like beside like"
    advice = "turn `shuffle` on" if verdict == "warn" else ""
    return Finding("D19", verdict, told, advice, numbers=numbers)


def _rank_correlation(one: np.ndarray, other: np.ndarray) -> float:
    if len(one) < 3:
        return 0.0
    first, second = (np.argsort(np.argsort(values)).astype(np.float64) for values in (one, other))
    return float(np.corrcoef(first, second)[0, 1])


def _repeats(subject: Subject) -> Finding:
    """Read the corpus again, plan again, and go on in the middle: all must give the same."""
    faults = []
    train = subject.train
    count = min(SCANNED, train.records.rows)
    lost = sum(train.records.state["drops"]["counts"].values())  # recordings that could not be read, too
    rows = islice(subject.parts.adapter.examples("train"), count + lost)
    again = (str(row["id"]) for row in rows if not isinstance(row, BadRow))
    if not all(name in again for name in train.records.texts("id", 0, count)):
        faults.append("a second reading of the corpus gives other ids")
    split = subject.prepared.splits["train"]
    config = subject.parts.config.batch
    other = Order(stored_layout(split, subject.parts), seed=subject.parts.seed, shuffle=config.shuffle)
    middle = subject.order.batches(0) // 2
    if not np.array_equal(other.batch(middle).examples, subject.order.batch(middle).examples):
        faults.append("a second plan gives other batches")
    if faults:
        return Finding(
            "D20", "error", "; ".join(faults), "the adapter must give its records in one fixed order"
        )
    return Finding(
        "D20",
        "ok",
        f"a second reading of {count:,} rows and a second plan, begun in the middle, give the same",
        numbers={"rows": count, "batch": middle},
    )


def _advice(subject: Subject) -> str:
    """What pads less than the batches that were looked at; the default is no advice."""
    if subject.parts.config.batch.buckets == "auto":
        return "a smaller `data.batch.size` pads less"
    return "a smaller `data.batch.size`, or `buckets: auto`, pads less"
