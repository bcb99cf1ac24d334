"""``make bench-gpu``: without a GPU one line and an exit code; at tiny sizes the same code on the CPU."""

import json
import math
import sys
from pathlib import Path

import pytest
import torch

from seqspec.schema.diagnostic import Exit

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


@pytest.fixture
def bench(monkeypatch, tmp_path):
    monkeypatch.setenv("SEQSPEC_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import gpu

    yield gpu.main
    for name in [name for name in sys.modules if name == "gpu" or name.startswith("accelerator")]:
        del sys.modules[name]


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a device")
def test_without_a_gpu_one_line_says_so(bench, capsys):
    assert bench([]) == Exit.USAGE

    assert len(capsys.readouterr().err.splitlines()) == 1


def test_both_loops_are_measured_in_float16_and_start_alike(bench, tmp_path):
    steps = ["--warm", "1", "--steps", "1", "--windows", "2", "--rounds", "1", "--no-compile"]

    code = bench(["--device", "cpu", "--cases", "language_model", "--precisions", "float16", *steps,
                  "--out", str(tmp_path)])  # fmt: skip

    assert code == 0
    report = json.loads((tmp_path / "report.json").read_text())
    (case,) = report["cases"]
    assert {(row["loop"], row["options"]) for row in case["rows"]} == {
        ("seqspec", "plain"), ("plain", "plain"), ("plain", "not fused"), ("seqspec", "exact"),
    }  # fmt: skip
    for row in case["rows"]:
        assert "error" not in row
        assert row["rate"] > 0
        assert row["mfu"] > 0
        # The same model, batches and rates: after three steps the loops differ by rounding and by how an
        # overflow was dropped.
        assert math.isclose(row["loss"], case["rows"][0]["loss"], rel_tol=0.05)
    assert "| seqspec | float16 |" in (tmp_path / "report.md").read_text()


def test_what_does_not_fit_into_the_time_is_told(bench, tmp_path):
    steps = [
        "--warm",
        "1",
        "--steps",
        "1",
        "--windows",
        "1",
        "--rounds",
        "1",
        "--no-compile",
        "--minutes",
        "0",
    ]

    code = bench(["--device", "cpu", "--cases", "language_model", "--precisions", "float32", *steps,
                  "--out", str(tmp_path)])  # fmt: skip

    assert code == 0
    (case,) = json.loads((tmp_path / "report.json").read_text())["cases"]
    assert [row["error"] for row in case["rows"]] == ["not begun: the time was over"] * 4
    assert "not begun" in (tmp_path / "report.md").read_text()
