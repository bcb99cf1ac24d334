"""A procedure of another package, in whole runs: encoder and decoder take turns, each with its own optimiser."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CONFIG = '''"""Each optimiser has a turn."""

from seqspec.schema.procedure._procedure import Phase, ProcedureConfig


class InTurnConfig(ProcedureConfig):
    """A phase for each optimiser, in the order of their names."""

    repeats: int = 1
    """Updates of each."""

    def phases(self, optimizers):
        return tuple(Phase(name, name, repeats=self.repeats) for name in sorted(optimizers))
'''
MODULE = '''from seqspec.components.procedure._procedure import Procedure


class InTurn(Procedure):
    """Encoder, decoder, encoder, …"""
'''
SPEC = """
seqspec: 1
name: turns
plugins: [turns]
data:
  source: {type: bitext, source_language: en, target_language: de, synthetic: 60}
  text:
    source: {tokenizer: characters}
    target: {tokenizer: characters}
  filter: {max_source_tokens: 64, max_target_tokens: 64}
  batch: {unit: tokens, size: 512}
model:
  type: encoder_decoder
  encoder: {type: transformer, num_layers: 1, dim: 16, num_heads: 2, dropout: 0.2}
  decoder: {type: transformer, num_layers: 1, dropout: 0.2}
procedure: {type: in_turn, repeats: 2}
optimizers:
  reading:
    type: adam
    parameters: [model.embedding, model.encoder]
    groups: [{parts: [model.embedding], rate: 0.5}]
  writing: {type: adamw, parameters: [model.decoder, model.head], clip_norm: 0.3}
train: {max_steps: 20, accumulate: 2, ema: 0.9, checkpoint_every_steps: 5, log_every_steps: 1, keep_last: 3}
evaluate: {every_steps: 20, metrics: [perplexity]}
"""

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture
def place(tmp_path):
    """A folder with the package, installed as far as Python can tell, and the spec."""
    package = tmp_path / "seqspec_turns"
    for kind, text in (("schema", CONFIG), ("components", MODULE)):
        (package / kind / "procedure").mkdir(parents=True)
        for folder in (package, package / kind, package / kind / "procedure"):
            (folder / "__init__.py").write_text("")
        (package / kind / "procedure" / "in_turn.py").write_text(text)
    info = tmp_path / "seqspec_turns-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: seqspec-turns\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[seqspec]\nturns = seqspec_turns\n")
    (tmp_path / "spec.yaml").write_text(SPEC)
    return tmp_path


def seqspec(place: Path, *arguments: str) -> subprocess.Popen:
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(place), str(ROOT)]),
        "OMP_NUM_THREADS": "1",
        "SEQSPEC_CACHE": str(place / "cache"),
    }
    command = [sys.executable, "-m", "seqspec", *arguments, "--quiet", "--workers", "0"]
    return subprocess.Popen(command, cwd=place, env=environment, stdout=subprocess.PIPE, text=True)


def finish(process: subprocess.Popen) -> Path:
    """The directory of the run."""
    out, _ = process.communicate(timeout=200)
    assert process.returncode == 0
    return Path(out.strip().splitlines()[-1])


def written(place: Path, folder: Path) -> tuple[str, str]:
    """The journal, and the digests of every tensor of the last checkpoint."""
    run = place / folder
    last = sorted((run / "checkpoints").glob("step-*"))[-1]
    manifest = json.loads((last / "MANIFEST.json").read_bytes().split(b"\n", 1)[1])
    return (run / "metrics.jsonl").read_text(), json.dumps(manifest["files"], sort_keys=True)


def test_a_killed_run_ends_in_the_bits_of_a_run_that_was_left_alone(place):
    whole = written(place, finish(seqspec(place, "run", "spec.yaml", "--runs", "whole")))

    assert written(place, kill_and_resume(place)) == whole
    names = json.loads(whole[0].splitlines()[0])
    assert {"reading/loss", "writing/loss", "reading/rate", "writing/norm"} <= names.keys()


def kill_and_resume(place: Path) -> Path:
    """Killed without warning once it is past its second checkpoint; gives its directory when it is done."""
    process = seqspec(place, "run", "spec.yaml", "--runs", "killed")
    while process.poll() is None and not list(place.glob("killed/*/*/checkpoints/step-00000010")):
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert process.returncode == -signal.SIGKILL, "it was over before it could be killed"
    (folder,) = place.glob("killed/*/*")
    return finish(seqspec(place, "run", "--resume", str(folder.relative_to(place))))
