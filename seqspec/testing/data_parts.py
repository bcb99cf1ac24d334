"""What tokenizers, adapters and schedules promise; none of them needs torch."""

from __future__ import annotations

import json
import math
import pickle
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from seqspec.schema.types import BOS, EOS, PAD, States, Text
from seqspec.testing.construction import Written, built, part_of, planned

_TEXTS = ("the cat sat on the mat", "a dog ran", "birds sing in the sun")
_RESERVED = {PAD, BOS, EOS}


def check_tokenizer(
    plugin: str,
    written: Written,
    *,
    texts: Sequence[str] = _TEXTS,
    language: str = "en",
    lossless: bool = True,
) -> None:
    """What a tokenizer promises of ``texts``, from which it also learns: equal bytes whenever it learns from
    equal texts, ids within the vocabulary that never pad, begin or end, a piece and a place in the text for
    each id, the same ids in a batch and in another process, and, where it is ``lossless``, the texts back.
    """

    def ready() -> Any:
        part = built(plugin, "tokenizer", written, (Text(language),)).part
        if part.trainable:
            part.load(part.train(texts))
        return part

    one = ready()
    if one.trainable:
        assert one.train(texts) == one.train(texts), "it learns other bytes from the same texts"
    other = pickle.loads(pickle.dumps(one))  # noqa: S301  # as worker processes get it
    assert json.dumps(one.fingerprint()) == json.dumps(other.fingerprint()), "its fingerprint changes"
    batch = [list(ids) for ids in one.encode_batch(list(texts))]
    for text, together in zip(texts, batch, strict=True):
        ids = list(one.encode(text))
        assert ids == together == list(other.encode(text)), f"{text!r} has other ids in a batch or process"
        wrong = [n for n in ids if not 0 <= n < one.vocab_size or n in _RESERVED]
        assert not wrong, f"{text!r} has ids {wrong}: reserved, or beyond its vocabulary of {one.vocab_size}"
        assert len(one.pieces(ids)) == len(ids), (
            f"{text!r} has {len(ids)} ids and {len(one.pieces(ids))} pieces"
        )
        _check_offsets(one.offsets(text), text, len(ids))
        assert not lossless or one.decode(ids) == text, f"{text!r} comes back as {one.decode(ids)!r}"


def _check_offsets(spans: Sequence[tuple[int, int]], text: str, count: int) -> None:
    assert len(spans) == count, f"{text!r} has {count} ids and {len(spans)} offsets"
    outside = [span for span in spans if not 0 <= span[0] <= span[1] <= len(text)]
    assert not outside, f"offsets {outside} lie outside {text!r}"
    assert list(spans) == sorted(spans), f"the offsets of {text!r} are out of order"


def check_adapter(plugin: str, written: Mapping[str, Any], *, folder: Path, count: int = 8) -> None:
    """What an adapter promises of the synthetic corpus that it writes below ``folder``, which must be empty.

    ``written`` has no ``root``.  The same seed writes the same bytes; every split names files that are
    there, and has records with an id of their own and a value for each role, the same in the same order at
    every reading.
    """
    writer = _adapter(plugin, written, folder)
    for name in ("one", "other"):
        (folder / name).mkdir(parents=True)
        writer.write_synthetic(folder / name, count=count, seed=1)
    assert _bytes(folder / "one") == _bytes(folder / "other"), "one seed writes two different corpora"
    adapter = _adapter(plugin, written, folder / "one")
    assert "train" in adapter.splits(), f"there is no split `train` among {', '.join(adapter.splits())}"
    for split in adapter.splits():
        files = list(adapter.files(split))
        assert files, f"`files` names nothing that {split} is read from"
        assert all(file.is_file() for file in files), f"`files` of {split} names what is not there"
        _check_records(adapter, split)
    found = sum(1 for _ in adapter.examples("train"))
    assert found == count, f"of {count} training examples {found} are read"


def _adapter(plugin: str, written: Mapping[str, Any], root: Path) -> Any:
    """Built alone: its keys are read when its records are."""
    from seqspec.compile.build.construct import Constructor

    _, plan = planned(plugin, "adapter", {**written, "root": str(root)}, (Text("und"),))
    return Constructor(plan).build("part")


def _bytes(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def _check_records(adapter: Any, split: str) -> None:
    rows, again = list(adapter.examples(split)), list(adapter.examples(split))
    assert rows, f"{split} has no examples"
    bad = [row.reason for row in rows if not isinstance(row, Mapping)]
    assert not bad, f"rows of {split} cannot be read: {bad[0]}"
    ids = [row["id"] for row in rows]
    assert ids == [row["id"] for row in again], f"a second reading of {split} has another order"
    assert len(set(ids)) == len(ids), f"ids of {split} stand there twice"
    roles = adapter.config.roles()
    lacking = {role for row in rows for role in roles if role not in row}
    assert not lacking, f"records of {split} lack {', '.join(sorted(lacking))}"


def check_schedule(plugin: str, written: Written, *, steps: int = 1000) -> None:
    """What a schedule promises from the first step to ``steps``: finite rates of at least 0 that are not
    all 0, each a function of its step alone.
    """
    _, plan = planned(plugin, "schedule", written, (States(8),))
    schedule = part_of(plan)
    rates = [schedule.rate(step) for step in range(1, steps + 1)]
    wrong = [(step, rate) for step, rate in enumerate(rates, 1) if not (math.isfinite(rate) and rate >= 0)]
    assert not wrong, f"the rate of step {wrong[0][0]} is {wrong[0][1]}"
    assert any(rates), f"the rate is 0 in all {steps} steps"
    backwards = [schedule.rate(step) for step in range(steps, 0, -1)]
    assert backwards[::-1] == rates, "the rate of a step depends on the steps that were asked for before"
