"""The micro-batch of ``benchmarks/reliability.py`` that every test run holds.

It forks, so it works in a process of its own: other tests leave threads behind, which a fork does not
survive.  No test looks at the clock.
"""

from __future__ import annotations

import multiprocessing
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module")
def harness() -> Iterator[Any]:
    """The modules of the harness; they live beside the benchmark."""
    sys.path.insert(0, str(ROOT))
    from benchmarks.harness import rows_dirty, rows_files, rows_lock, rows_runs, trials

    yield SimpleNamespace(dirty=rows_dirty, files=rows_files, lock=rows_lock, runs=rows_runs, trials=trials)
    sys.path.remove(str(ROOT))


@pytest.fixture(scope="module")
def apart(harness, tmp_path_factory) -> Iterator[Callable[..., Any]]:
    """Does work on a laboratory in a process that does nothing else."""
    root = tmp_path_factory.mktemp("reliability")
    usual, spawn = multiprocessing.get_start_method(), multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, spawn, initializer=start_loaders_by, initargs=(usual,)) as pool:
        yield lambda work, **named: pool.submit(harness.trials.in_laboratory, root, work, **named).result()


def start_loaders_by(method):
    """A process that was spawned would spawn every loader process too, which then imports torch again."""
    multiprocessing.set_start_method(method, force=True)


def same_though_killed(lab, *, family, workers, accumulate):
    from benchmarks.harness.trials import spec_of

    spec = lab.spec(family, spec_of(family, accumulate=accumulate))
    whole, killed = lab.root / "runs" / f"{family}-whole", lab.root / "runs" / f"{family}-killed"
    reference = lab.finish(spec, whole)
    return lab.finish(spec, killed, kills=2, seconds=1.5, seed=accumulate, workers=workers).same(reference)


def same_in_two_processes(lab):
    from benchmarks.harness.rows_runs import _two
    from benchmarks.harness.trials import spec_of

    spec = lab.spec("elastic", spec_of("seq2seq", accumulate=2, max_steps=8))
    one = lab.finish(spec, lab.root / "runs" / "elastic-one")
    return _two(lab, spec, lab.root / "runs" / "elastic-two").same(one)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("family", "workers", "accumulate"), [("seq2seq", 0, 3), ("lm", 2, 1), ("ctc", 0, 3)]
)
def test_kills_at_random_times_change_no_bit(apart, family, workers, accumulate):
    assert apart(same_though_killed, family=family, workers=workers, accumulate=accumulate)


@pytest.mark.slow
def test_kills_at_operations_on_files_change_no_bit(harness, apart):
    row = apart(harness.runs.nth_operation, step=70, limit=4)

    assert row["points"] == 4
    assert row["bad"] == []


@pytest.mark.slow
def test_a_full_disk_is_exit_five_and_loses_nothing(harness, apart):
    row = apart(harness.runs.full_disk, cases=2, seed=3)

    assert row["recovered"] == 2, row


def test_no_torn_checkpoint_is_loaded(harness, apart):
    assert apart(harness.files.torn_files, kills=6, seed=1)["torn_files_loaded"] == 0


def test_flipped_bits_are_found_in_checkpoints_and_in_the_cache(harness, apart):
    row = apart(harness.files.flipped_bits, flips=60, seed=1)

    assert row["detected"] == 60


@pytest.mark.slow
def test_the_lock_reports_every_edit_and_nothing_else(harness, apart):
    row = apart(harness.lock.honesty, edits=5, seed=1)

    assert (row["found"], row["false_alarms"]) == (5, 0), row


def test_dirty_data_are_told_with_corpus_file_and_row(harness, apart):
    row = apart(harness.dirty.dirty_data)

    assert row["defects"] >= 30
    assert row["missed"] == []


@pytest.mark.slow
def test_one_process_with_two_slices_equals_two_processes(apart):
    assert apart(same_in_two_processes)


@pytest.mark.slow
def test_signals_leave_a_checkpoint_at_a_boundary(harness, apart):
    row = apart(harness.runs.signals, each=1, seed=2)

    assert row["identical"] == row["exit_right"] == 3, row


@pytest.mark.slow
def test_of_two_that_start_at_once_one_wins(harness, apart):
    row = apart(harness.runs.owners, pairs=1)

    assert row["exactly_one"] == 1, row
    assert row["winner_unchanged"], row
