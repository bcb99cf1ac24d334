"""A procedure of another package, in whole runs: encoder and decoder take turns, each with its own optimiser."""

from __future__ import annotations

import json
import os
import subprocess
import sys
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
train: {max_steps: 6, accumulate: 2, ema: 0.9, log_every_steps: 1, keep_last: 3}
evaluate: {every_steps: 6, metrics: [perplexity]}
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


def test_a_killed_run_ends_in_the_bits_of_a_run_that_was_left_alone(place):
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(place), str(ROOT)]),
        "OMP_NUM_THREADS": "1",
        "SEQSPEC_CACHE": str(place / "cache"),
    }
    # Four updates make a step: the tenth is the second of step 3, the nineteenth the third of step 5.
    command = [sys.executable, "-m", "tests.runtime.killed_runs", "spec.yaml", "runs", "6", "10", "19"]
    done = subprocess.run(command, cwd=place, env=environment, capture_output=True, text=True)

    assert (done.returncode, done.stdout.strip()) == (0, "[]"), done.stderr
    (journal,) = (place / "runs/whole").glob("*/*/metrics.jsonl")
    names = json.loads(journal.read_text().splitlines()[0])
    assert {"reading/loss", "writing/loss", "reading/rate", "writing/norm"} <= names.keys()
