"""The page on serving a run: its commands run in its order, its export answers by numpy, its request is answered."""

import json
import re
import shlex
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from seqspec.cli import app

PAGE = (Path(__file__).parents[1] / "docs" / "service.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^\$ seqspec (.*)$", PAGE, re.MULTILINE)
SIZES = ("train.max_steps=4", "train.checkpoint_every_steps=4", "evaluate.every_steps=4", "data.source.synthetic=60",
         "optimizer.schedule.warmup_steps=1")  # fmt: skip

pytestmark = pytest.mark.filterwarnings(
    "ignore::FutureWarning", "ignore::DeprecationWarning", "ignore::UserWarning"
)


@pytest.mark.slow
def test_the_commands_run_in_order(tmp_path, monkeypatch):
    for package in ("onnx", "onnxruntime", "onnxscript", "uvicorn"):
        pytest.importorskip(package)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SEQSPEC_CACHE", str(tmp_path / "cache"))
    runs = []
    for command in COMMANDS:
        words = shlex.split(command)
        if words[0] == "serve":
            _answers_the_request(runs[-1])
            continue
        named = {"RUN": runs[-1:], "RUN_A": runs[:1], "RUN_B": runs[-1:]}
        words = [one for word in words for one in named.get(word, [word])]
        more = [word for size in SIZES for word in ("--set", size)] if words[0] == "run" else []
        done = CliRunner().invoke(app, [*words, *more])

        assert done.exit_code == 0, (command, done.output)
        runs += [done.stdout.split()[-1]] if words[0] == "run" else []

    (code,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    monkeypatch.setattr(sys, "path", list(sys.path))
    exec(code, {})
    assert (tmp_path / runs[0] / "report.html").is_file()
    assert (tmp_path / "card.md").stat().st_size > 1000


def _answers_the_request(run):
    """What the page sends by curl gets a label, and the one that `predict` gives."""
    from tests.runtime.serving.conftest import Serving, served

    (body,) = re.findall(r"curl -s localhost:8000/v1/predict .* -d '(.*)'", PAGE)
    with served(Serving({"mine": Path(run)})) as client:
        found = client.post("/v1/predict", json=json.loads(body)).json()["predictions"]
    Path("new.txt").write_text(json.loads(body)["inputs"][0] + "\n", encoding="utf-8")
    offline = CliRunner().invoke(app, ["predict", run, "new.txt", "--format", "json"])

    assert found[0]["hypotheses"] == json.loads(offline.stdout)["hypotheses"]
