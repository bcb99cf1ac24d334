"""A sharded run is the run: its journal, its checkpoints, whatever the number of processes."""

import json
import os
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from torch import nn

from seqspec.compile.pipeline import compile as compile_spec
from seqspec.compile.resolve.overlay import Overlay
from seqspec.runtime.devices.launch import Launch
from seqspec.runtime.run import resume, run
from seqspec.runtime.training.strategies.shardable import require_shardable
from seqspec.runtime.training.strategies.sharded_model import stacked_blocks
from seqspec.schema.diagnostic import RunError
from tests.runtime.training.sharded_runs import cut

SPEC = """\
seqspec: 1
name: sharded
data:
  source: {type: lines, synthetic: 40, language: en, splits: {train: input.txt}, cut: {train: 0.9, dev: 0.1}}
  text: {target: {tokenizer: bytes}}
  pack: {length: 12, document_mask: false, sample: offsets}
  batch: {unit: examples, size: 8}
model:
  type: language_model
  tie: target
  decoder: {type: transformer, num_layers: 2, dim: 10, num_heads: 2, dropout: 0.1, positions: learned, max_positions: 12}
  head: {type: linear}
optimizer: {type: adamw, schedule: {type: constant, peak: 1.0e-2}}
train:
  {max_steps: 4, clip_norm: 0.5, ema: 0.9, l2: 1.0e-4, checkpoint_every_steps: 2, log_every_steps: 1, accumulate: 4,
   keep_last: 4}
evaluate: {every_steps: 2, splits: [dev], metrics: [perplexity]}
"""
pytestmark = pytest.mark.timeout(600)
ONE = Launch(device="cpu", threads=1, quiet=True)


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """One process, two that shard, and each going on where the other stopped."""
    folder = tmp_path_factory.mktemp("sharded")
    spec = folder / "sharded.yaml"
    spec.write_text(SPEC)
    one = run(compile_spec(spec), runs=folder / "one", launch=ONE).folder.path
    cut(one, folder / "grown")
    _together(spec, folder, count=2)
    found = {name: next((folder / name).glob("*/2*")) for name in ("one", "whole", "again", "grown")}
    found["shrunk"] = cut(found["whole"], folder / "shrunk")
    resume(found["shrunk"], launch=ONE)
    return found | {"found": json.loads((folder / "found.json").read_text())}


def _together(spec, folder, *, count):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    shared = {**os.environ, "WORLD_SIZE": str(count), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    command = [sys.executable, "-m", "tests.runtime.training.sharded_runs", str(spec), str(folder)]
    started = [
        subprocess.Popen(
            command, env={**shared, "RANK": str(rank), "LOCAL_RANK": str(rank)}, stderr=subprocess.PIPE
        )
        for rank in range(count)
    ]
    try:
        told = [process.communicate(timeout=550)[1] for process in started]
    finally:
        for process in started:
            process.kill()
    assert not any(process.returncode for process in started), told[0].decode()


def journal(path):
    lines = [json.loads(line) for line in (path / "metrics.jsonl").read_text().splitlines()]
    return [{**line, **line.get("metrics", {})} for line in lines]


def bits(path):
    return {
        file.relative_to(path): file.read_bytes()
        for file in (*path.glob("checkpoints/*/*"), path / "metrics.jsonl")
        if file.name != "MANIFEST.json"
    }


@pytest.mark.slow
def test_shards_make_the_journal_of_one_process_and_resume_to_the_bit(runs):
    one = journal(runs["one"])

    for name in ("whole", "grown", "shrunk"):
        for expected, line in zip(one, journal(runs[name]), strict=True):
            assert line.keys() == expected.keys()
            for key in ("loss", "norm", "perplexity"):
                assert line.get(key, 0) == pytest.approx(expected.get(key, 0), rel=1e-6), (name, key)
    assert any(line["norm"] > 0.5 for line in one if line["event"] == "train"), "clipping was not tested"
    assert bits(runs["again"]) == bits(runs["whole"])
    # From a checkpoint of one process the first half is its own.
    half = Path("checkpoints") / "step-00000002" / "weights.safetensors"
    assert bits(runs["grown"])[half] == bits(runs["one"])[half]
    result = json.loads((runs["whole"] / "result.json").read_text())
    expected = json.loads((runs["one"] / "result.json").read_text())
    assert result["metrics"]["dev"] == pytest.approx(expected["metrics"]["dev"], rel=1e-6)


def test_what_was_saved_is_held_in_parts(runs):
    found = runs["found"]

    assert found["equal"]
    assert found["total"] * 0.5 <= max(found["held"]) < found["total"] * 0.6


class _Stack(nn.Module):
    stacked = ("layers",)

    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(2, 2) for _ in range(3))
        self.outside = nn.Linear(2, 2)
        self.outside.weight = self.layers[1].weight


def test_a_block_with_a_tied_weight_is_not_cut_off_from_it():
    model = _Stack()

    assert list(stacked_blocks(nn.ModuleDict({"one": model, "same": model}))) == [
        model.layers[0],
        model.layers[2],
    ]


@pytest.mark.parametrize(
    ("setting", "why"),
    [
        ("procedure={type: diloco, replicas: 2, every: 2}", "replicas"),
        ("train.weight_noise={std: 0.1}", "weight_noise"),
    ],
)
def test_what_cannot_be_sharded_is_refused_before_data_are_read(tmp_path, setting, why):
    spec = tmp_path / "sharded.yaml"
    spec.write_text(SPEC.replace("synthetic: 40", "root: nowhere"))
    plan = compile_spec(spec, overlays=[Overlay.set(setting)]).plan

    with pytest.raises(RunError, match=why):
        require_shardable(plan, replace(ONE, devices=2, strategy="fsdp"))
    require_shardable(plan, replace(ONE, devices=2))
