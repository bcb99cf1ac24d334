"""Small runs of one translation model, whose corpus lies in a folder."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from seqspec.compile.resolve.overlay import Overlay
from seqspec.runtime.commands import runs as commands
from seqspec.runtime.devices.launch import Launch

LAUNCH = Launch(quiet=True, threads=1)
SPEC = """
seqspec: 1
name: small
data:
  source: {type: bitext, root: ROOT, source_language: de, target_language: en}
  text: {shared: {tokenizer: bytes}}
  batch: {unit: examples, size: 4}
model:
  type: encoder_decoder
  encoder: {type: transformer, num_layers: 1, dim: 8, num_heads: 2, dropout: 0.1}
  decoder: {type: transformer, num_layers: 1}
optimizer: {type: adamw, schedule: constant}
train: {max_steps: 5, checkpoint_every_steps: 2, log_every_steps: 3}
evaluate: {every_steps: 2, metrics: [perplexity]}
"""


class Bench:
    """A spec, its corpus, and what the commands make of them."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.spec = folder, folder / "small.yaml"
        self.spec.write_text(SPEC.replace("ROOT", str(folder / "corpus")))
        for side in ("de", "en"):
            for split, count in (("train", 24), ("dev", 6)):
                lines = "".join(f"{side} {split} {n}\n" for n in range(count))
                path = folder / "corpus" / f"{split}.{side}"
                path.parent.mkdir(exist_ok=True)
                path.write_text(lines)

    def run(self, *sets: str, **named: Any) -> Any:
        """The outcome of a new run, or with ``resume=`` of one that goes on."""
        given: dict[str, Any] = {
            "runs": self.folder / "runs", "resume": None, "locked": False, "lock": None, "allow_drift": False,
            "launch": LAUNCH, "format": "text", "command": ("seqspec", "run", "small.yaml"), **named,
        }  # fmt: skip
        spec = None if given["resume"] else self.spec
        return commands.run(spec, over=tuple(map(Overlay.set, sets)), **given)

    def path(self, *sets: str) -> Path:
        """The directory of a new run."""
        outcome = self.run(*sets)
        assert outcome.exit == 0, outcome.error
        return Path(outcome.out.splitlines()[-1])

    def resume(self, run: Path, *sets: str, **named: Any) -> Any:
        """The outcome of going on with a run."""
        return self.run(*sets, resume=run, **named)


@pytest.fixture(scope="session")
def bench(tmp_path_factory) -> Bench:
    return Bench(tmp_path_factory.mktemp("bench"))


@pytest.fixture(scope="session")
def finished(bench) -> Path:
    return bench.path()


@pytest.fixture
def copy(finished, tmp_path) -> Path:
    """A finished run that a test may damage."""
    return Path(shutil.copytree(finished, tmp_path / "run"))


@pytest.fixture
def halfway(copy) -> Path:
    """A run that was killed after step 4."""
    shutil.rmtree(copy / "checkpoints" / "step-00000005")
    (copy / "result.json").unlink()
    return copy
