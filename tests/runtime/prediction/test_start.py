"""Whoever uses a run loads neither Lightning nor the compiler of torch."""

import subprocess
import sys

import pytest

MODULES = (
    "runtime.prediction.predict",
    "runtime.evaluation.evaluate",
    "runtime.checkpoints.selection",
    "runtime.assembly.assemble",
)


@pytest.mark.parametrize("module", MODULES)
def test_using_a_run_loads_no_trainer(module):
    code = f"import sys, seqspec.{module}; print([m for m in ('lightning', 'torch._dynamo') if m in sys.modules])"

    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert told.stdout.strip() == "[]"


def test_what_predict_refuses_at_once_needs_no_torch():
    code = "import sys, seqspec.runtime.commands.runs; print('torch' in sys.modules)"

    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert told.stdout.strip() == "False"
