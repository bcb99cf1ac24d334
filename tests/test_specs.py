"""Every spec under ``specs/``: its tiny profile prepares, steps once, and its modules give what the plan
says.
"""

import math
from pathlib import Path

import pytest
import torch

from seqspec.compile.build.data_parts import build_data
from seqspec.compile.build.program import build
from seqspec.compile.pipeline import compile as compile_spec
from seqspec.compile.pipeline import recompile
from seqspec.compile.resolve.resolve import Overlay
from seqspec.data.batching.loader import training_loader
from seqspec.data.stages.prepare import prepare
from seqspec.schema.types import Frames, States, Vector

SPECS = sorted(Path(__file__).parents[1].joinpath("specs").glob("*.yaml"))
SMALL = [Overlay.profile("tiny"), Overlay.set("data.source.synthetic=24")]


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.stem)
def test_spec_steps_once_and_gives_what_it_declares(spec, cache):
    torch.set_num_threads(1)
    compiled = compile_spec(spec, overlays=SMALL)
    prepared = prepare(build_data(compiled.plan), cache=cache, splits=["train"], processes=1)
    compiled = recompile(compiled, facts=dict(prepared.facts))
    program = build(compiled.plan, tree=compiled.tree)
    batch = next(iter(training_loader(prepared.parts, prepared.splits["train"], stop=1)))
    seen = _watch(program)

    torch.manual_seed(0)
    loss = program.losses(program.model, batch)
    loss.total.backward()

    assert math.isfinite(loss.total.item())
    gradients = {name: p.grad for name, p in program.model.named_parameters() if p.requires_grad}
    assert [name for name, g in gradients.items() if g is not None and not g.isfinite().all()] == []
    assert any(g is not None and g.any() for g in gradients.values())
    assert seen != []
    for path, gives, given in seen:
        assert given == gives, f"{path} declares {gives} and gives {given}"


def _watch(program):
    """Hooks that compare the width and the stride of what each encoder and embedding gives with the plan."""
    seen = []
    for node in program.plan.nodes:
        module = program.components.get(node.path)
        if node.component[0] in ("encoder", "embedding") and isinstance(node.gives, States | Frames | Vector):
            module.register_forward_hook(_compare(node, seen))
        elif node.component[0] == "vocoder" and isinstance(module, torch.nn.Module):
            module.register_forward_hook(_compare_samples(node, seen))
    return seen


def _compare_samples(node, seen):
    """A vocoder that learns makes as many samples of a frame as its hop."""

    def hook(module, arguments, output):
        seen.append((node.path, arguments[0].shape[1] * node.source.mel.hop, output.shape[-1]))

    return hook


def _compare(node, seen):
    def hook(module, arguments, output):
        taken = arguments[0]
        given = output[0] if isinstance(output, tuple) else output
        seen.append((node.path, node.gives.dim, given.shape[-1]))
        if isinstance(node.gives, States) and node.component[0] == "encoder":
            expected = -(-taken.shape[1] // node.gives.stride)
            seen.append((node.path, expected, given.shape[1]))

    return hook
