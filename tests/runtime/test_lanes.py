"""Rows in lanes: the memory goes on from row to row, over kills, slices and processes, and gives what one pass
over the whole text gives.
"""

from types import SimpleNamespace

import pytest
import torch

from seqspec.compile.pipeline import compile as compile_spec
from seqspec.compile.resolve.resolve import Overlay
from seqspec.components.lane_state import Carried
from seqspec.data.batching.batch import InLanes
from seqspec.runtime.checkpoints.checkpoint import read_checkpoint
from seqspec.runtime.devices.launch import Launch
from seqspec.runtime.evaluation.evaluate import evaluation
from seqspec.runtime.run import resume, run
from seqspec.runtime.training import carried_memories
from seqspec.runtime.training.carried_memories import CarriedMemories, LaneMemories
from seqspec.runtime.training.trainer import require_lanes
from seqspec.schema.diagnostic import RunError
from tests.runtime.lanes_spec import SPEC
from tests.runtime.paired_processes import in_processes

LAUNCH = Launch(device="cpu", threads=1, quiet=True)


def written(root, text, name):
    (root / name).write_text(text)
    return root / name


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """One process; two that share the lanes up to a step from which one goes on; a killed one."""
    root = tmp_path_factory.mktemp("lanes")
    spec = written(root, SPEC, "lanes.yaml")
    alone = run(compile_spec(spec), runs=root / "alone", launch=LAUNCH).folder.path
    in_processes("--pause", 4, spec, root / "shared", "--kill", 5, spec, root / "killed")
    shared, killed = (next((root / name).glob("*/2*")) for name in ("shared", "killed"))
    resume(killed, launch=LAUNCH)
    resume(shared, launch=LAUNCH)
    return SimpleNamespace(alone=alone, shared=shared, killed=killed)


def bits(path):
    found = {file.name: file.read_bytes() for file in path.glob("checkpoints/step-00000006/*")}
    assert "carried.safetensors" in found
    return found | {"metrics": (path / "metrics.jsonl").read_bytes()}


@pytest.mark.slow
@pytest.mark.parametrize("other", ["shared", "killed"])
def test_processes_that_share_lanes_and_runs_that_go_on_end_in_the_same_bits(runs, other):
    assert bits(getattr(runs, other)) == bits(runs.alone)


def test_a_checkpoint_holds_the_memory_of_every_lane(runs):
    held = read_checkpoint(runs.alone / "checkpoints" / "step-00000006", step=6).tensors["carried"]

    assert {tuple(tensor.shape) for tensor in held.values()} == {(4, 24, 16)}  # lanes, memory, width
    assert len(held) == 2  # layers
    assert all(not torch.equal(tensor[0], tensor[1]) for tensor in held.values())


def test_perplexity_along_a_lane_is_that_of_the_whole_text(runs):
    def perplexity(*sets):
        over = [Overlay.set(one) for one in sets]
        scored = evaluation(runs.alone, split="dev", checkpoint="last", over=over, launch=LAUNCH).scored
        return scored.metrics["perplexity"]

    lane = perplexity("data.batch.size=16")
    whole = perplexity("data.pack.sample=rows", "data.pack.length=2048")
    apart = perplexity("data.pack.sample=rows")

    assert lane == pytest.approx(whole, rel=1e-6)
    assert abs(apart - whole) > 1e-4 * whole
    assert perplexity() == pytest.approx(whole, rel=0.02)  # four lanes begin four times


def test_more_processes_than_lanes_are_refused(tmp_path):
    """What the spec says is refused before (SQ220); how many processes there are is known here."""
    program = SimpleNamespace(plan=compile_spec(written(tmp_path, SPEC, "lanes.yaml")).plan)
    module = SimpleNamespace(program=SimpleNamespace(each={"": program}), micro_batches=8)

    with pytest.raises(RunError, match=r"has 4 lanes .* cannot be cut into 8 slices"):
        require_lanes(module)


class Part(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.carried = Carried()


def test_memories_follow_their_lanes_whatever_the_slices():
    part = Part()
    memories = LaneMemories(part)

    def passed(lanes, keep, begins=False):
        with memories.around(InLanes(lanes, begins)):
            past = part.carried.past.get("x")
            part.carried.kept = {"x": torch.tensor(keep)}
        return None if past is None else past.tolist()

    assert passed((0, 1), [[0.0], [1.0]], begins=True) is None
    assert passed((2,), [[2.0]], begins=True) is None
    assert passed((0,), [[10.0]]) == [[0.0]]
    assert passed((1, 2), [[11.0], [12.0]]) == [[1.0], [2.0]]
    held = memories.state()
    assert held[""]["x"].tolist() == [[10.0], [11.0], [12.0]]
    memories.load(held)
    assert passed((1,), [[0.0]]) == [[11.0]]
    memories.forget()
    assert passed((0,), [[0.0]]) is None
    with memories.around(None):
        assert not part.carried.keeps


@pytest.mark.parametrize("key", [":gone:x", "other::x", "x"])
def test_a_memory_of_another_model_is_refused(key):
    with pytest.raises(ValueError, match="it carries"):
        CarriedMemories({"": Part()}).load({"carried": {key: torch.zeros(1, 1)}})


def test_a_process_that_was_handed_every_lane_knows_which_are_its_own(monkeypatch):
    """After a resume each of two processes holds all lanes, and goes on with half of them."""
    each = [LaneMemories(Part()) for _ in range(2)]
    for rank, memories in enumerate(each):
        memories.load({"": {"x": torch.zeros(4, 1)}})
        (part,) = (part for part in memories.parts.values())
        with memories.around(InLanes((2 * rank, 2 * rank + 1), False)):
            part.kept = {"x": torch.tensor([[1.0 + rank], [1.0 + rank]])}
    told = []
    monkeypatch.setattr(carried_memories, "gather", lambda mine: told.append(mine) or [mine])
    each[1].state()
    monkeypatch.setattr(carried_memories, "gather", lambda mine: [mine, told[0]])

    assert each[0].state()[""]["x"].flatten().tolist() == [1.0, 1.0, 2.0, 2.0]
    monkeypatch.setattr(carried_memories, "gather", lambda mine: [mine])
    assert each[0].state()[""]["x"].flatten().tolist() == [1.0, 1.0, 0.0, 0.0]
