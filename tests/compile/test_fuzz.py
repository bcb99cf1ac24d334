"""A slice of ``benchmarks/fuzz.py``: no input may crash, hang or print a traceback."""

import importlib.util
from pathlib import Path

import pytest

FILE = Path(__file__).parents[2] / "benchmarks" / "fuzz.py"


@pytest.fixture(scope="module")
def fuzz():
    import sys

    spec = importlib.util.spec_from_file_location("seqspec_fuzz", FILE)
    module = importlib.util.module_from_spec(spec)
    sys.modules["seqspec_fuzz"] = module
    spec.loader.exec_module(module)
    return module


def test_two_thousand_inputs(fuzz, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    tally = fuzz.run(2026, range(2000))

    assert tally.failures == []
    assert max(tally.times) < 2
    assert len(tally.codes) > 25


def test_inputs_are_a_function_of_seed_and_number(fuzz):
    assert fuzz.make(1, 17) == fuzz.make(1, 17)
    assert len({fuzz.make(1, number)[1] for number in range(50)}) > 40


def test_the_spec_that_is_mutated_is_valid(fuzz, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    assert fuzz.look(fuzz.BASE, "yaml", ()) == []


def test_a_shard_in_a_process_of_its_own(fuzz, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    total = fuzz.shards(3, 50)

    assert fuzz.report(total) == 0
    assert "inputs    50" in capsys.readouterr().out
