"""What the commands load, in modules: a count that no machine and no load can change."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

SPEC = Path(__file__).parents[1] / "specs" / "lm_shakespeare_char.yaml"
TINY = ("--profile", "tiny")
COMMANDS = """
import json, sys
from unittest import mock
from seqspec.cli import app

def loaded(*arguments):
    try:
        app(list(arguments), standalone_mode=False)
    except SystemExit as leave:
        assert not leave.code, (arguments, leave.code)
    print("LOADED", json.dumps([arguments[0], sorted(sys.modules)]))
"""
USING = """
import uvicorn
run, text, out = sys.argv[1:]
loaded("predict", run, text)
loaded("evaluate", run)
loaded("average", run, "--output", out + "/mean.safetensors")
loaded("export", run, "--to", "safetensors", "--output", out + "/exported")
with mock.patch.object(uvicorn.Server, "run"):
    loaded("serve", run, "--port", "0")
loaded("doctor", *SPEC, "--steps", "3")
"""


def commands(code, *arguments):
    """The modules that are there after each command."""
    script = f"{COMMANDS}SPEC = {[str(SPEC), *TINY]!r}\n{code}"
    done = subprocess.run(
        [sys.executable, "-c", script, *map(str, arguments)], capture_output=True, text=True
    )
    assert not done.returncode, done.stderr
    lines = [json.loads(line[7:]) for line in done.stdout.splitlines() if line.startswith("LOADED ")]
    return {name: set(modules) for name, modules in lines}


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """What ``run`` had loaded, and its folder."""
    folder = tmp_path_factory.mktemp("runs")
    sets = [f"--set={text}" for text in ("train.max_steps=2", "evaluate.search.max_tokens=4")]
    found = commands("loaded('run', *SPEC, *sys.argv[1:])", "--runs", folder, "--threads=1", *sets)
    return found["run"], next(folder.glob("*/2*"))


def test_training_loads_no_compiler(trained):
    modules, _ = trained

    assert "lightning" in modules
    assert not {"torch._dynamo", "torch._inductor", "sympy", "scipy.signal", "transformers"} & modules
    assert sum(name.partition(".")[0] == "torch" for name in modules) < 850


def test_what_uses_a_run_loads_neither_trainer_nor_compiler(trained, tmp_path):
    (tmp_path / "in.txt").write_text("First\n")
    _, run = trained

    found = commands(USING, run, tmp_path / "in.txt", tmp_path)

    assert list(found) == ["predict", "evaluate", "average", "export", "serve", "doctor"]
    for name, modules in found.items():
        assert not {"lightning", "torch._dynamo", "torch._inductor", "sympy"} & modules, name
        assert sum(part.partition(".")[0] == "torch" for part in modules) < 850, name
    # Of the first command alone; the later ones have what those before them left.
    assert len(found["predict"]) < 1_800
