"""What a step costs beside forward, backward and update, in calls of Python functions: the same on every machine."""

import sys
from collections import Counter
from functools import cache, partial
from itertools import pairwise
from pathlib import Path
from statistics import median

import pytest
import torch

import seqspec
from seqspec.data.batching.permutation import permute_one
from seqspec.runtime.devices.launch import Launch
from seqspec.runtime.devices.random_numbers import set_seed
from seqspec.runtime.run import run
from seqspec.runtime.training.training_module import Training

SPECS = Path(__file__).parents[3] / "specs"
STEPS = 24
CALLS = {
    "lm_shakespeare_char": {
        "lightning": 13,
        "seqspec": 224,
        "components": 169,
        "torch": 268,
        "elsewhere": 65,
    },
    # Two phases, an update each.
    "gan_mnist": {"lightning": 23, "seqspec": 305, "components": 92, "torch": 570, "elsewhere": 89},
    # Augments what it reads.
    "segmentation_pet_unet": {
        "lightning": 13,
        "seqspec": 202,
        "components": 218,
        "torch": 705,
        "elsewhere": 69,
    },
}
"""Most calls a step of one micro-batch a phase; measured with torch 2.13, Lightning 2.6 and Python 3.11, and a
twentieth more, since what ran before in the process adds up to ten.  Those of ``components`` and ``torch`` are mostly
of forward and update: a loop over parameters that joins a step is seen there.
"""
EACH = [(spec, part) for spec, parts in CALLS.items() for part in parts]


def counted(spec, steps, patch):
    """Calls a step by where the function is written, while the tiny model of a spec trains."""
    seen, each = Counter(), []

    def see(frame, event, _):
        if event == "call":
            name = frame.f_code.co_filename
            part = next(
                (p for p in ("/lightning/", "seqspec/components", "/torch/", "seqspec") if p in name), ""
            )
            seen[part.strip("/").removeprefix("seqspec/") or "elsewhere"] += 1

    finish = Training._finish_cycle

    def finished(module):
        each.append(Counter(seen))
        finish(module)

    patch.setattr(Training, "_finish_cycle", finished)
    sets = [f"train.max_steps={steps}", f"train.checkpoint_every_steps={steps}", "evaluate.every_steps=null",
            f"train.log_every_steps={steps}"]  # fmt: skip
    compiled = seqspec.load(SPECS / f"{spec}.yaml", profiles=["tiny"], set=sets)
    return compiled, see, each


@pytest.fixture(scope="module")
def calls(tmp_path_factory):
    return cache(partial(calls_of, tmp_path_factory))


def calls_of(folders, spec):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SEQSPEC_CACHE", str(folders.mktemp("cache")))
        compiled, see, each = counted(spec, STEPS, patch)
        sys.setprofile(see)
        try:
            run(compiled, runs=folders.mktemp("runs"), launch=Launch(quiet=True, threads=1, device="cpu"))
        finally:
            sys.setprofile(None)
    steps = [after - before for before, after in pairwise(each[4:-1])]
    return {part: median(step[part] for step in steps) for part in CALLS[spec]}


@pytest.mark.parametrize(("spec", "part"), EACH)
def test_a_step_makes_no_more_calls_than_it_did(calls, spec, part):
    most, found = CALLS[spec][part], calls(spec)

    assert most * 0.8 <= found[part] <= most, found


def test_a_seed_wakes_no_device_and_gives_the_bits_of_torchs_own():
    torch.manual_seed(2**40 + 7)
    drawn = torch.rand(5)
    seen = []

    sys.setprofile(lambda frame, event, _: seen.append(frame.f_code.co_name) if event == "call" else None)
    try:
        set_seed(2**40 + 7)
    finally:
        sys.setprofile(None)

    assert torch.equal(torch.rand(5), drawn)
    assert torch.cuda.is_initialized() or "format_stack" not in seen


def test_finding_the_place_of_a_batch_takes_one_call():
    seen = []
    sys.setprofile(lambda frame, event, _: seen.append(frame.f_code.co_name) if event == "call" else None)
    try:
        permute_one(5, size=1000, key=3)
    finally:
        sys.setprofile(None)

    assert seen == ["permute_one"]
