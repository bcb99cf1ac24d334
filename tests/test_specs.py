"""Every spec under ``specs/``: its tiny profile prepares, steps once, and its modules give what the plan
says.
"""

import math
from pathlib import Path

import pytest
import torch

from seqspec.compile.build.data_parts import build_data
from seqspec.compile.build.program import build
from seqspec.compile.commands import overlays
from seqspec.compile.pipeline import compile as compile_spec
from seqspec.compile.pipeline import recompile
from seqspec.compile.resolve.resolve import Overlay
from seqspec.data.batching.loader import training_loader
from seqspec.data.progress import silent
from seqspec.data.stages.prepare import prepare
from seqspec.runtime.assembly.assemble import assemble, in_whole
from seqspec.runtime.assembly.default_search import search_of
from seqspec.runtime.doctor.examination import examine
from seqspec.runtime.doctor.subject import Patient
from seqspec.schema.types import Frames, Image, Points, States, Vector

SPECS = sorted(Path(__file__).parents[1].joinpath("specs").glob("*.yaml"))
TINY = [Overlay.profile("tiny")]
APART = {"wav2vec2_pretrain_digits", "video_frame_folder", "video_moving_mnist"}
"""Models that call the halves of their encoder, and never the whole, or have no part."""
LEARNED = {"M02", "M04", "M05"}
"""Doctor's checks of examples that were learned by heart, for which there is no time here."""


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.stem)
def test_spec_steps_once_and_gives_what_it_declares(spec, cache):
    torch.set_num_threads(1)
    compiled = compile_spec(spec, overlays=_small(spec))
    prepared = {
        task: prepare(build_data(one.plan), cache=cache, splits=["train"], processes=1)
        for task, one in compiled.each.items()
    }
    facts = {in_whole(task, name): value for task, p in prepared.items() for name, value in p.facts.items()}
    compiled = recompile(compiled, facts=facts)
    whole = build(compiled.plan, tree=compiled.tree)
    seen = [_watch(program) for program in whole.each.values()]

    torch.manual_seed(0)
    losses = [
        _loss(program, training_loader(prepared[task].parts, prepared[task].splits["train"], stop=1))
        for task, program in whole.each.items()
    ]
    sum(losses).backward()

    assert all(math.isfinite(loss.item()) for loss in losses)
    gradients = {name: p.grad for name, p in whole.model.named_parameters() if p.requires_grad}
    assert [name for name, g in gradients.items() if g is not None and not g.isfinite().all()] == []
    assert any(g is not None and g.any() for g in gradients.values())
    assert all(seen) or spec.stem in APART
    for path, gives, given in (one for each in seen for one in each):
        assert given == gives, f"{path} declares {gives} and gives {given}"


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.stem)
def test_doctor_finds_no_fault(spec):
    torch.set_num_threads(1)
    small = _small(spec)
    for task in _kinds(compile_spec(spec, overlays=small).plan):
        compiled = compile_spec(spec, overlays=[*small, *overlays([], [], task)])
        ready = assemble(compiled, splits=["train"], progress=silent)
        patient = Patient(
            ready.program, ready.prepared, search_of(ready.program), max_steps=2, num_examples=4
        )

        found = examine(patient, name=spec.stem).findings

        faults = {one.check: one.message for one in found if one.verdict == "error"}
        assert {check: faults[check] for check in faults.keys() - LEARNED} == {}


def _kinds(plan):
    """A task for each kind: those that read and give the same types are examined once."""
    if not plan.tasks:
        return [None]
    kinds = {
        (
            type(one.experiment.model),
            *map(type, one.experiment.data.source.roles().values()),
            *map(type, one.outputs.values()),
        ): task
        for task, one in reversed(plan.each.items())
    }
    return sorted(kinds.values())


def _small(spec):
    """Overlays under which every corpus is made up, and small."""
    tasks = compile_spec(spec, overlays=TINY).plan.tasks
    return [*TINY, *(Overlay.set(f"{in_whole(task, 'data.source.synthetic')}=24") for task in tasks or [""])]


def _loss(program, loader):
    return program.losses(program.model, next(iter(loader))).total


def _watch(program):
    """Hooks that compare the width and the stride of what each encoder and embedding gives with the plan."""
    seen = []
    for node in program.plan.nodes:
        module = program.components.get(node.path)
        if node.component[0] in ("encoder", "embedding") and isinstance(node.gives, States | Frames | Vector):
            module.register_forward_hook(_compare(node, seen))
        elif isinstance(node.gives, Image) and isinstance(module, torch.nn.Module):
            module.register_forward_hook(_compare_images(node, seen))
        elif node.component[0] == "encoder" and isinstance(node.gives, Points):
            module.register_forward_hook(_compare_points(node, seen))
        elif node.component[0] == "vocoder" and isinstance(module, torch.nn.Module):
            module.register_forward_hook(_compare_samples(node, seen))
    return seen


def _compare_images(node, seen):
    """Of what gives images: their channels, height and width."""

    def hook(module, arguments, output):
        given = output[0] if isinstance(output, tuple) else output
        expected = (node.gives.channels, node.gives.height, node.gives.width)
        seen.append((node.path, expected, tuple(given.shape[1:])))

    return hook


def _compare_points(node, seen):
    """Of what gives sets of points: how many, and their width."""

    def hook(module, arguments, output):
        seen.append((node.path, (node.gives.num, node.gives.dim), tuple(output[0].shape[1:])))

    return hook


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
            expected = node.gives.size or -(-taken.shape[1] // node.gives.stride)
            seen.append((node.path, expected, given.shape[1]))

    return hook
