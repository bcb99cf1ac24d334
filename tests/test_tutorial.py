"""The tutorial's commands run, in its order, and do what it says."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = (Path(__file__).parents[1] / "docs" / "tutorial.md").read_text(encoding="utf-8")
COMMANDS = [
    line
    for block in re.findall(r"```console\n(.*?)```", PAGE, re.DOTALL)
    for line in re.findall(r"^\$ seqspec (.*)$", block, re.MULTILINE)
]


@pytest.mark.slow
def test_the_commands_run_in_order(tmp_path):
    (tmp_path / "new.txt").write_text("これはよい。\nひどい。\n", encoding="utf-8")
    printed, run = {}, ""
    for command in COMMANDS:
        words = [word.replace("RUN", run) for word in shlex.split(command)]
        more = _steps(2 if run else 60) if words[0] == "run" else []
        printed[command] = _seqspec([*words, *more], tmp_path)
        run = printed[command].split()[-1] if words[0] == "run" else run

    assert [command.split()[0] for command in COMMANDS] == (
        ["new", "validate", "explain", "run", "evaluate", "predict", "explain", "run"]
    )
    assert (tmp_path / run / "report.html").is_file()
    assert float(re.search(r"accuracy +([\d.]+) %", printed["evaluate RUN --split dev"])[1]) > 50
    assert len(printed["predict RUN new.txt"].splitlines()) == 2


def _steps(count):
    """Fewer steps than the page takes, to save time; the commands stay as they are printed."""
    names = ("train.max_steps", "train.checkpoint_every_steps", "evaluate.every_steps")
    settings = [f"{name}={count}" for name in names] + ["optimizer.schedule.warmup_steps=1"] * (count < 20)
    return [word for setting in settings for word in ("--set", setting)]


def _seqspec(words, folder):
    environment = {
        **os.environ,
        "PYTHONPATH": str(Path(__file__).parents[1]),
        "SEQSPEC_CACHE": str(folder / "cache"),
        "OMP_NUM_THREADS": "1",
    }
    done = subprocess.run(
        [sys.executable, "-m", "seqspec", *words],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
