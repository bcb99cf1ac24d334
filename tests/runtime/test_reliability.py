"""The slice of ``benchmarks/reliability.py`` that every test run holds, in forked children."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def harness() -> Any:
    """The modules of the harness; they live beside the benchmark."""
    sys.path.insert(0, str(ROOT))
    try:
        from benchmarks.harness import rows_dirty, rows_files, rows_lock, rows_runs, trials
    finally:
        sys.path.remove(str(ROOT))
    from types import SimpleNamespace

    return SimpleNamespace(dirty=rows_dirty, files=rows_files, lock=rows_lock, runs=rows_runs, trials=trials)


@pytest.fixture(scope="module")
def lab(harness, tmp_path_factory) -> Iterator[Any]:
    before = os.environ.get("SEQSPEC_CACHE")
    yield harness.trials.Laboratory.make(tmp_path_factory.mktemp("reliability"))
    if before is None:
        os.environ.pop("SEQSPEC_CACHE", None)
    else:
        os.environ["SEQSPEC_CACHE"] = before


@pytest.mark.slow
@pytest.mark.parametrize(
    ("family", "workers", "accumulate"), [("seq2seq", 0, 3), ("lm", 2, 1), ("ctc", 0, 1)]
)
def test_kills_at_random_times_change_no_bit(harness, lab, family, workers, accumulate):
    spec = lab.spec(family, harness.trials.spec_of(family, accumulate=accumulate))
    reference = lab.finish(spec, lab.root / "runs" / f"{family}-whole")

    killed = lab.finish(
        spec, lab.root / "runs" / f"{family}-killed", kills=2, seconds=1.5, seed=accumulate, workers=workers
    )

    assert killed.same(reference)


@pytest.mark.slow
def test_kills_at_operations_on_files_change_no_bit(harness, lab):
    row = harness.runs.nth_operation(lab, step=70, limit=4)

    assert row["points"] == 4
    assert row["bad"] == []


@pytest.mark.slow
def test_a_full_disk_is_exit_five_and_loses_nothing(harness, lab):
    row = harness.runs.full_disk(lab, cases=2, seed=3)

    assert row["recovered"] == 2, row


def test_no_torn_checkpoint_is_loaded(harness, lab):
    assert harness.files.torn_files(lab, kills=6, seed=1)["torn_files_loaded"] == 0


def test_flipped_bits_are_found_in_checkpoints_and_in_the_cache(harness, lab):
    row = harness.files.flipped_bits(lab, flips=40, seed=1)

    assert row["detected"] == 40


@pytest.mark.slow
def test_the_lock_reports_every_edit_and_nothing_else(harness, lab):
    row = harness.lock.honesty(lab, edits=5, seed=1)

    assert (row["found"], row["false_alarms"]) == (5, 0), row


def test_dirty_data_are_told_with_corpus_file_and_row(harness, lab):
    row = harness.dirty.dirty_data(lab)

    assert row["defects"] >= 30
    assert row["missed"] == []


@pytest.mark.slow
def test_one_process_with_two_slices_equals_two_processes(harness, lab):
    spec = lab.spec("elastic", harness.trials.spec_of("seq2seq", accumulate=2, max_steps=8))
    one = lab.finish(spec, lab.root / "runs" / "elastic-one")

    two = harness.runs._two(lab, spec, lab.root / "runs" / "elastic-two")

    assert two.same(one)


@pytest.mark.slow
def test_signals_leave_a_checkpoint_at_a_boundary(harness, lab):
    row = harness.runs.signals(lab, each=1, seed=2)

    assert row["identical"] == row["exit_right"] == 3, row


@pytest.mark.slow
def test_of_two_that_start_at_once_one_wins(harness, lab):
    row = harness.runs.owners(lab, pairs=1)

    assert row["exactly_one"] == 1
    assert row["winner_unchanged"]
