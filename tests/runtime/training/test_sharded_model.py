"""A sharded run is the run: its journal, its checkpoints, whatever the number of processes."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import distributed, nn
from torch.distributed.device_mesh import init_device_mesh

from seqspec.compile.pipeline import compile as compile_spec
from seqspec.compile.resolve.overlay import Overlay
from seqspec.components._layers.attention import Attention
from seqspec.components._layers.feed_forward import FeedForward
from seqspec.components.splittable import require_splittable, splittable
from seqspec.components.stacked import stacked_blocks
from seqspec.runtime.devices.launch import Launch, Place
from seqspec.runtime.devices.sharded_tensors import gathered
from seqspec.runtime.training.strategies.shardable import require_divisible, require_shardable
from seqspec.runtime.training.strategies.tensor_parallel_model import TensorParallelModel
from seqspec.schema.diagnostic import RunError
from tests.runtime.training.split_parts import PARTS

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
  decoder: {type: transformer, num_layers: 2, dim: 12, num_heads: 2, dropout: 0.1, attention_dropout: 0.1,
            feed_forward_dropout: 0.1, positions: relative, per_dim_scale: true, activation: swiglu}
  head: {type: linear}
optimizer: {type: adamw, schedule: {type: constant, peak: 1.0e-2}}
train:
  {max_steps: 4, clip_norm: 0.5, ema: 0.9, l2: 1.0e-4, checkpoint_every_steps: 2, log_every_steps: 1, accumulate: 4,
   keep_last: 4}
evaluate: {every_steps: 2, splits: [dev], metrics: [perplexity]}
"""
GROUPED = """\
seqspec: 1
name: grouped
extends: sharded.yaml
model:
  decoder: {type: llama, num_layers: 2, dim: 12, num_heads: 4, num_kv_heads: 2, head_dim: 4, feed_forward_dim: 10,
            query_key_norm: true, dropout: 0.1, attention_dropout: 0.1}
adapt: {type: lora, parts: [model.decoder], rank: 2, dropout: 0.1}
"""
FACTORED = """\
seqspec: 1
name: factored
extends: sharded.yaml
optimizer: {type: adafactor, schedule: {type: constant, peak: 1.0e-2}}
train: {gradient_checkpointing: true}
"""
pytestmark = pytest.mark.timeout(600)
ONE = Launch(device="cpu", threads=1, quiet=True)


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """One process, several that share it out in both ways, and each going on where another stopped."""
    folder = tmp_path_factory.mktemp("sharded")
    spec = folder / "sharded.yaml"
    spec.write_text(SPEC)
    (folder / "grouped.yaml").write_text(GROUPED)
    (folder / "factored.yaml").write_text(FACTORED)
    command = [sys.executable, "-m", "tests.runtime.training.sharded_runs", str(spec), str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=550, check=False)
    assert done.returncode == 0, done.stderr
    found = {path.parent.parent.name: path for path in folder.glob("*/*/2*")}
    told = {
        name: json.loads((folder / f"{name}.json").read_text())
        for name in ("found", "split_found", "both_found", "parts-0", "parts-1")
    }
    return found | told


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
@pytest.mark.parametrize(
    "name",
    ["ddp", "whole", "grown", "shrunk", "fewer", "split_whole", "split_grown", "split_shrunk", "mesh",
     "both_whole", "both_grown", "both_shrunk", "both", "factored"],
)  # fmt: skip
def test_shards_make_the_journal_of_one_process(runs, name):
    alone = runs[{"mesh": "grouped_one", "both": "grouped_one", "factored": "factored_one"}.get(name, "one")]
    one = journal(alone)

    for expected, line in zip(one, journal(runs[name]), strict=True):
        assert line.keys() == expected.keys()
        for key in ("loss", "norm", "perplexity"):
            assert line.get(key, 0) == pytest.approx(expected.get(key, 0), rel=1e-6), key
    assert any(line["norm"] > 0.5 for line in one if line["event"] == "train"), "clipping was not tested"
    result = json.loads((runs[name] / "result.json").read_text())
    expected = json.loads((alone / "result.json").read_text())
    assert result["metrics"]["dev"] == pytest.approx(expected["metrics"]["dev"], rel=1e-6)


@pytest.mark.parametrize("way", ["", "split_", "both_"])
def test_shards_resume_to_the_bit(runs, way):
    assert bits(runs[f"{way}again"]) == bits(runs[f"{way}whole"])
    # From a checkpoint of one process the first half is its own.
    half = Path("checkpoints") / "step-00000002" / "weights.safetensors"
    assert bits(runs[f"{way}grown"])[half] == bits(runs["one"])[half]


def test_what_was_saved_is_held_in_parts(runs):
    found, split, both = runs["found"], runs["split_found"], runs["both_found"]

    assert found["equal"]
    assert found["total"] * 0.5 <= max(found["held"]) < found["total"] * 0.6
    assert split["equal"]
    assert split["total"] * 0.5 < max(split["held"]) < split["total"] * 0.95
    # Of four processes two have a half of what is not split.
    assert both["equal"]
    assert max(both["held"]) < 0.52 * max(split["held"])


@pytest.mark.parametrize("name", PARTS)
def test_a_part_that_two_processes_split_gives_what_it_gave(runs, name):
    for rank in (0, 1):
        found = runs[f"parts-{rank}"][name]

        assert max(found.values()) < 1e-6, found


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


def test_parts_say_how_they_are_split_and_what_must_divide():
    convolution = FeedForward(6, inner=8, activation="relu", dropout=0.0, kernel=3)
    tied = FeedForward(6, inner=8, activation="relu", dropout=0.0)
    model = nn.ModuleDict(
        {
            "attention": Attention(6, num_heads=3),
            "inner": FeedForward(6, inner=8, activation="swiglu", dropout=0.0),
            "convolution": convolution,
            "tied": tied,
            "holder": nn.Linear(6, 8),
        }
    )
    model["holder"].weight = tied.expand.weight
    parts = tuple(splittable(model))

    assert [part.name for part in parts] == ["attention", "inner"]
    assert parts[1].plan.layers["expand"].pieces == 2
    require_splittable(tuple(splittable(model["inner"])), processes=4)
    with pytest.raises(RunError, match="2 processes do not divide the 3 of `num_heads` in `attention`"):
        require_splittable(parts, processes=2)
    with pytest.raises(RunError) as told:
        require_splittable(tuple(splittable(model["inner"])), processes=12)
    assert told.value.help == "use `--tensor-parallel 4`, or `--strategy fsdp` alone"
    with pytest.raises(RunError, match="none in this model that it can split"):
        require_splittable(tuple(splittable(convolution)), processes=2)


def test_only_what_is_split_has_to_divide():
    model, launch = Attention(6, num_heads=3), replace(ONE, devices=4, strategy="fsdp")

    require_divisible(model, launch, Place(0, 4))
    for strategy in ("fsdp", "tp"):
        with pytest.raises(RunError, match="2 processes do not divide the 3 of `num_heads`"):
            require_divisible(model, replace(launch, strategy=strategy, tensor_parallel=2), Place(0, 4))


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
    with pytest.raises(RunError, match="strategy tp"):
        require_shardable(plan, replace(ONE, devices=2, strategy="tp"))
    require_shardable(plan, replace(ONE, devices=2))


@pytest.mark.parametrize(
    ("launch", "why"),
    [
        (replace(ONE, devices=4, strategy="ddp", tensor_parallel=2), "`--strategy ddp` splits none"),
        (replace(ONE, devices=4, strategy="tp", tensor_parallel=3), "4 processes cannot form groups of 3"),
        (replace(ONE, devices=4, strategy="fsdp", tensor_parallel=3), "4 processes cannot form groups of 3"),
        (replace(ONE, strategy="tp", tensor_parallel=2), "1 process cannot form groups of 2"),
    ],
)
def test_groups_that_cannot_be_formed_are_refused(tmp_path, launch, why):
    spec = tmp_path / "sharded.yaml"
    spec.write_text(SPEC.replace("synthetic: 40", "root: nowhere"))

    with pytest.raises(RunError, match=why):
        require_shardable(compile_spec(spec).plan, launch)


@pytest.mark.parametrize("activation", ["relu", "gelu", "swiglu"])
def test_a_split_network_gives_what_it_gave(activation):
    """In one process, which holds all of what is split."""
    network = FeedForward(6, inner=8, activation=activation, dropout=0.0)
    x = torch.randn(2, 3, 6)
    expected = network(x)
    expected.sum().backward()
    gradients = {name: parameter.grad for name, parameter in network.named_parameters()}
    network.zero_grad()
    distributed.init_process_group("gloo", store=distributed.HashStore(), rank=0, world_size=1)
    try:
        mesh = init_device_mesh("cpu", (1, 1), mesh_dim_names=("data", "tensor"))
        TensorParallelModel(nn.ModuleDict({"network": network}), mesh)

        given = network(x)
        given.sum().backward()

        torch.testing.assert_close(given, expected, rtol=0, atol=1e-6)
        for name, parameter in network.named_parameters():
            torch.testing.assert_close(gathered(parameter.grad), gradients[name], rtol=0, atol=1e-6)
    finally:
        distributed.destroy_process_group()
