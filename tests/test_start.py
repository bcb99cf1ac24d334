"""What the commands load, in modules: a count that no machine and no load can change."""

import json
import subprocess
import sys
import wave
from pathlib import Path

import pytest
from PIL import Image

SPECS = Path(__file__).parents[1] / "specs"
SPEC = SPECS / "lm_shakespeare_char.yaml"
TINY = ("--profile", "tiny")
COMMANDS = """
import json, sys
from unittest import mock
from seqspec.cli import app

def loaded(*arguments, label=None):
    try:
        app(list(arguments), standalone_mode=False)
    except SystemExit as leave:
        assert not leave.code, (arguments, leave.code)
    print("LOADED", json.dumps([label or arguments[0], sorted(sys.modules)]))
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
FAMILIES = {
    "asr_librispeech_ctc": "sound.wav",
    "image_mnist_lenet5": "image.png",
    "lm_chat_ja": "line.txt",
    "embed_tanaka_enja": "line.txt",
    "tts_ljspeech_fastpitch": "line.txt",
}
"""What a run of each family is asked."""
TRAINING_FAMILIES = """
specs, runs, *names = sys.argv[1:]
short = ["--set=train.max_steps=1", "--set=evaluate.every_steps=null", "--threads=1"]
for name in names:
    loaded("run", f"{specs}/{name}.yaml", "--profile", "tiny", "--runs", f"{runs}/{name}", *short)
"""
USING_FAMILIES = """
out, *asked = sys.argv[1:]
for run, given in zip(asked[::2], asked[1::2]):
    loaded("predict", run, given, "--out", out, label=f"predict {run}")
    loaded("evaluate", run, label=f"evaluate {run}")
"""
TRAINERS = {"lightning", "torchmetrics", "tensorboard"}
COMPILERS = {"torch._dynamo", "torch._inductor", "sympy", "networkx"}
MOST_OF_TORCH = 780
"""Modules; it had 767 to 770, and its compiler would bring some 500."""
SELDOM = {
    "scipy",
    "pandas",
    "matplotlib",
    "sklearn",
    "transformers",
    "onnx",
    "onnxruntime",
    "librosa",
    "numba",
}
"""What nothing that uses a run of these families needs."""


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
    assert not (COMPILERS | {"scipy.signal", "transformers"}) & modules
    assert sum(name.partition(".")[0] == "torch" for name in modules) < MOST_OF_TORCH


def test_what_uses_a_run_loads_neither_trainer_nor_compiler(trained, tmp_path):
    (tmp_path / "in.txt").write_text("First\n")
    _, run = trained

    found = commands(USING, run, tmp_path / "in.txt", tmp_path)

    assert list(found) == ["predict", "evaluate", "average", "export", "serve", "doctor"]
    for name, modules in found.items():
        assert not (TRAINERS | COMPILERS | SELDOM) & modules, name
        assert sum(part.partition(".")[0] == "torch" for part in modules) < MOST_OF_TORCH, name
    # Of the first command alone; the later ones have what those before them left.
    assert len(found["predict"]) < 1_680


def test_no_family_needs_trainer_or_compiler_to_be_used(tmp_path):
    (tmp_path / "line.txt").write_text("こんにちは hello\n", encoding="utf-8")
    with wave.open(str(tmp_path / "sound.wav"), "wb") as file:
        file.setparams((1, 2, 16_000, 0, "NONE", ""))
        file.writeframes(b"\1\2\3\4" * 8_000)
    Image.new("L", (28, 28), 90).save(tmp_path / "image.png")
    commands(TRAINING_FAMILIES, SPECS, tmp_path / "runs", *FAMILIES)

    runs = {name: next((tmp_path / "runs" / name).glob("*/2*")) for name in FAMILIES}
    asked = [one for name, given in FAMILIES.items() for one in (runs[name], tmp_path / given)]
    found = commands(USING_FAMILIES, tmp_path / "out", *asked)

    assert len(found) == 2 * len(FAMILIES)
    for name, modules in found.items():
        assert not (TRAINERS | COMPILERS | SELDOM) & modules, name
        assert sum(part.partition(".")[0] == "torch" for part in modules) < MOST_OF_TORCH, name


def test_the_compiled_engine_loads_no_compiler_until_it_compiles():
    engine = "seqspec.runtime.prediction.engines.compiled_step"
    code = f"import json, sys, {engine}\nprint(json.dumps(list(sys.modules)))"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    modules = set(json.loads(done.stdout))
    assert engine in modules
    assert not (TRAINERS | COMPILERS | SELDOM) & modules
