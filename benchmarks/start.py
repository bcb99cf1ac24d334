"""What commands take until their first answer, in CPU seconds of the whole process, beside the imports of others.

    python benchmarks/start.py [--families translation recognition] [--repeats 3]

Small runs (profile ``tiny``, two steps) of several families; then each command in turn, in alternating order: ``run`` up
to its first step (one step, no evaluation; the first ``run`` of a family, whose corpus is not prepared yet, is told
as ``run, cold``), ``predict`` of one input, ``evaluate`` of the dev part, ``export`` to safetensors, ``average``, ``doctor``
of three steps, and ``serve`` up to the answer to one request and SIGTERM.  ``imports`` are ``import torch`` and ``import
torch, lightning`` in turn with them.  One thread.  Prints a JSON line a family: medians of CPU seconds (user and
system), and ``of_imports``, what ``run`` takes over ``import torch, lightning``.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
import wave
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

SPECS = Path(__file__).parents[1] / "specs"
PYTHON = (sys.executable, "-c")
SEQSPEC = (sys.executable, "-m", "seqspec")


@dataclass(frozen=True)
class Family:
    """A spec, and what its run is asked."""

    spec: str
    asked: str
    """A line of text, or the name of a file that the script makes."""


FAMILIES = {
    "translation": Family("mt_tanaka_jaen", "私は本を読む。"),
    "language_model": Family("lm_shakespeare_char", "First"),
    "chat": Family("lm_chat_ja", "こんにちは。"),
    "recognition": Family("asr_librispeech_ctc", "sound.wav"),
    "recognition_attention": Family("asr_librispeech", "sound.wav"),
    "images": Family("image_mnist_lenet5", "image.png"),
    "embeddings": Family("embed_tanaka_enja", "I read a book."),
    "synthesis": Family("tts_ljspeech_fastpitch", "in being comparatively modern."),
}


def main() -> None:
    """Prints a JSON line a family."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--families", nargs="+", choices=FAMILIES, default=list(FAMILIES))
    parser.add_argument("--repeats", type=int, default=3)
    given = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"
    for name in given.families:
        with tempfile.TemporaryDirectory() as folder:
            os.environ["SEQSPEC_CACHE"] = f"{folder}/cache"
            found = _measured(FAMILIES[name], Path(folder), repeats=given.repeats)
        print(json.dumps({"family": name, **found}), flush=True)


def _measured(family: Family, folder: Path, *, repeats: int) -> dict[str, Any]:
    spec, runs = str(SPECS / f"{family.spec}.yaml"), folder / "runs"
    tiny, one = (
        ("--profile", "tiny", "--threads", "1"),
        ("--set", "train.max_steps=1", "--set", "evaluate.every_steps=null"),
    )
    cold = _seconds(*SEQSPEC, "run", spec, *tiny, *one, "--runs", str(folder / "cold"))
    _seconds(*SEQSPEC, "run", spec, *tiny, "--set", "train.max_steps=2", "--runs", str(runs))
    run, asked = str(next(runs.glob("*/2*"))), str(_input(family.asked, folder))
    turns = iter(range(10**6))

    def new(what: str) -> str:
        return str(folder / f"{what}{next(turns)}")

    commands: dict[str, Callable[[], float]] = {
        "import torch": lambda: _seconds(*PYTHON, "import torch"),
        "import torch, lightning": lambda: _seconds(*PYTHON, "import torch, lightning"),
        "run": lambda: _seconds(*SEQSPEC, "run", spec, *tiny, *one, "--runs", new("runs")),
        "predict": lambda: _seconds(*SEQSPEC, "predict", run, asked, "--out", new("out")),
        "evaluate": lambda: _seconds(*SEQSPEC, "evaluate", run),
        "export": lambda: _seconds(*SEQSPEC, "export", run, "--to", "safetensors", "--output", new("export")),
        "average": lambda: _seconds(*SEQSPEC, "average", run, "--output", new("mean") + ".safetensors"),
        "doctor": lambda: _seconds(
            *SEQSPEC, "doctor", spec, "--profile", "tiny", "--steps", "3", leaves=(0, 1)
        ),  # three steps may be too few to learn
        "serve": lambda: _served(run, family.asked),
    }
    if family.asked.endswith((".wav", ".png")):
        del commands["serve"]  # the same server, whose requests of files are made otherwise
    times: dict[str, list[float]] = {name: [] for name in commands}
    for number in range(repeats):
        for name in list(commands)[:: 1 if number % 2 == 0 else -1]:
            times[name].append(commands[name]())
    told = {name: round(median(each), 2) for name, each in times.items()}
    ratio = told["run"] / told["import torch, lightning"]
    return {"cpu_seconds": {"run, cold": round(cold, 2), **told}, "of_imports": round(ratio, 2)}


def _seconds(*command: str, leaves: tuple[int, ...] = (0,)) -> float:
    """User and system time of a process, which leaves with one of these codes."""
    before = os.times()
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode not in leaves:
        raise SystemExit(f"{' '.join(command)} ended with {done.returncode}:\n{done.stderr[-2000:]}")
    after = os.times()
    return after.children_user + after.children_system - before.children_user - before.children_system


def _served(run: str, line: str) -> float:
    before = os.times()
    server = subprocess.Popen(
        [*SEQSPEC, "serve", run, "--port", "0", "--threads", "1"], stderr=subprocess.PIPE, text=True
    )
    try:
        assert server.stderr is not None
        while (found := re.search(r"http://\S+?:\d+", server.stderr.readline())) is None:
            assert server.poll() is None
        body = json.dumps({"inputs": [line]}).encode()
        request = urllib.request.Request(f"{found[0]}/v1/predict", body, {"content-type": "application/json"})
        while not _answered(request):
            assert server.poll() is None
            time.sleep(0.05)
    finally:
        server.terminate()
        server.communicate(timeout=60)
    after = os.times()
    return after.children_user + after.children_system - before.children_user - before.children_system


def _answered(request: urllib.request.Request) -> bool:
    """Whether the server listens already."""
    try:
        with urllib.request.urlopen(request, timeout=120) as answer:
            return bool(json.load(answer))
    except urllib.error.HTTPError:
        raise
    except urllib.error.URLError:
        return False


def _input(asked: str, folder: Path) -> Path:
    """The file that is asked about."""
    path = folder / (asked if asked.endswith((".wav", ".png")) else "line.txt")
    if asked.endswith(".png"):
        from PIL import Image

        Image.new("L", (28, 28), 90).save(path)
    elif asked.endswith(".wav"):
        with wave.open(str(path), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(16_000)
            file.writeframes(os.urandom(32_000))
    else:
        path.write_text(f"{asked}\n", encoding="utf-8")
    return path


if __name__ == "__main__":
    main()
