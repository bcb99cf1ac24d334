"""Replicas that train on while what they have sent is under way."""

import subprocess
import sys

import pytest
import torch

from seqspec.compile.pipeline import compile as compile_spec
from seqspec.runtime.devices.launch import Launch, Place
from seqspec.runtime.run import resume, run
from seqspec.runtime.run_folder.continuation import Continuation
from seqspec.runtime.training.strategies.replicas import Replicas
from seqspec.schema.diagnostic import RunError, SpecError
from seqspec.schema.procedure._procedure import Apart
from tests.runtime.training.test_replicas import SPEC, bits

LAUNCH = Launch(device="cpu", threads=1, quiet=True)


def two(exchange="float32", *, last=None, **settings):
    """Two replicas of a model of 400 weights."""
    torch.manual_seed(1)
    model = torch.nn.Linear(200, 2, bias=False)
    apart = Apart(**{"replicas": 2, "every": 3, "after": 0, "rate": 1.0, "momentum": 0.0,
                     "exchange": exchange, "overlap": 2, "mixing": 0.25, **settings})  # fmt: skip
    return Replicas(apart, model, [], Place(), last=last)


def moved(replicas, changes, step):
    for turn, change in enumerate(changes):
        replicas.enter(turn)
        with torch.no_grad():
            replicas.model.weight.add_(change)
        replicas.leave(turn)
    replicas.meet(step)


def own(replicas):
    return [replica.tensors[0].clone() for replica in replicas.replicas.values()]


def noise():
    return [torch.randn(2, 200) for _ in range(2)]


def test_what_was_sent_arrives_later_and_is_mixed():
    replicas = two(rate=0.7, momentum=0.9)
    start = replicas.model.weight.detach().clone()
    sent, later, last = noise(), noise(), noise()

    moved(replicas, sent, 3)
    assert all(torch.equal(one, start + change) for one, change in zip(own(replicas), sent, strict=True))
    moved(replicas, later, 4)
    assert torch.equal(replicas.model.weight, start)
    moved(replicas, last, 5)

    anchor = start + 0.7 * 1.9 * sum(sent) / 2
    torch.testing.assert_close(replicas.model.weight.detach(), anchor)
    for one, *changes in zip(own(replicas), sent, later, last, strict=True):
        torch.testing.assert_close(one, 0.25 * (start + sum(changes)) + 0.75 * anchor)


def test_the_next_change_is_from_the_new_anchor():
    replicas = two(overlap=1, every=1, mixing=0.5)
    start = replicas.model.weight.detach().clone()
    first, second = noise(), noise()

    moved(replicas, first, 1)
    moved(replicas, second, 2)
    one = own(replicas)
    moved(replicas, [torch.zeros(2, 200)] * 2, 3)

    anchor = start + sum(first) / 2
    torch.testing.assert_close(sum(one) / 2, anchor + sum(second) / 4)
    torch.testing.assert_close(replicas.model.weight.detach(), sum(one) / 2)


def test_what_a_sign_cannot_say_is_kept_whole_when_it_is_mixed():
    replicas = two("sign", overlap=1, every=2)
    start = replicas.model.weight.detach().clone()
    changes, still = [noise(), noise()], [torch.zeros(2, 200)] * 2

    for step, change in enumerate((still, changes[0], still, changes[1], still), 1):
        moved(replicas, change, step)

    torch.testing.assert_close(sum(own(replicas)) / 2, start + sum(map(sum, changes)) / 2, rtol=0, atol=1e-5)


@pytest.mark.parametrize("mixing", [0.0, 0.25])
def test_running_statistics_and_counts_arrive_too(mixing):
    model = torch.nn.BatchNorm1d(3)
    replicas = Replicas(Apart(2, 1, 0, 1.0, 0.0, "int4", 1, 1, mixing), model, [], Place())
    for step in (1, 2):
        for turn in range(2):
            replicas.enter(turn)
            model.running_mean += 1.0 + 2.0 * turn
            model.num_batches_tracked += 1
            replicas.leave(turn)
        replicas.meet(step)
    means, counts = (
        [replica.tensors[replicas.names.index(name)] for replica in replicas.replicas.values()]
        for name in ("running_mean", "num_batches_tracked")
    )

    torch.testing.assert_close(model.running_mean, torch.full((3,), 2.0))
    for turn, mean in enumerate(means):
        local = 2 * (1.0 + 2.0 * turn)
        torch.testing.assert_close(mean, torch.full((3,), mixing * local + (1 - mixing) * 2.0))
    assert [int(one) for one in (*counts, model.num_batches_tracked)] == [2, 2, 2]


@pytest.mark.parametrize("last", [4, 5, 6])
def test_after_the_last_step_nothing_is_under_way(last):
    replicas = two(last=last)
    for step in range(1, last + 1):
        moved(replicas, noise(), step)
    replicas.collect()

    assert all(torch.equal(one, replicas.model.weight) for one in own(replicas))
    assert not [name for name in replicas.tensors() if "pending" in name]


@pytest.mark.parametrize(("exchange", "files"), [("int4", 1), ("sign", 3)])
def test_what_is_under_way_stands_in_checkpoints(exchange, files):
    replicas = two(exchange)
    steps = [noise() for _ in range(5)]
    for step, changes in enumerate(steps[:4], 1):
        moved(replicas, changes, step)
    replicas.collect()
    saved = {file: {name: one.clone() for name, one in held.items()}
             for file, held in replicas.tensors().items()}  # fmt: skip
    assert sum("pending" in name for name in saved) == files
    resumed = two(exchange)
    resumed.load(saved)
    for one in (replicas, resumed):
        moved(one, steps[4], 5)

    assert torch.equal(resumed.model.weight, replicas.model.weight)
    assert all(map(torch.equal, own(resumed), own(replicas)))


def test_when_it_arrives():
    apart = Apart(2, every=6, after=0, rate=1.0, momentum=0.0, fragments=3, overlap=1)

    assert [step for step in range(1, 12) if apart.meets(step)] == [2, 4, 6, 8, 10]
    assert [step for step in range(1, 12) if apart.arrives(step)] == [3, 5, 7, 9, 11]


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ("overlap: 4", "would be under way for 4 steps, and the next is sent after 3"),
        ("fragments: 2, overlap: 2", "would be under way for 2 steps, and the next is sent after 1"),
        ("mixing: 0.5", "nothing reads `mixing` without `overlap`"),
        ("overlap: 1, mixing: 1.5", "1.5"),
        ("overlap: -1", "-1"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_runs(tmp_path, settings, why):
    spec = tmp_path / "apart.yaml"
    spec.write_text(SPEC.replace("EXCHANGE", f"sign, {settings}"))

    with pytest.raises(SpecError) as refused:
        compile_spec(spec)

    assert len(refused.value.diagnostics) == 1
    assert why in refused.value.diagnostics[0].message


def test_spelling_the_default_out_changes_no_digest(tmp_path):
    spec = tmp_path / "apart.yaml"
    digests = set()
    for settings in ("sign", "sign, overlap: 0", "sign, overlap: 1", "sign, overlap: 1, mixing: 0.5"):
        spec.write_text(SPEC.replace("EXCHANGE", settings))
        digests.add(compile_spec(spec).plan.digests["all"])

    assert len(digests) == 2


def test_a_run_of_any_length_ends_with_a_meeting_and_does_not_go_on(tmp_path):
    spec = tmp_path / "apart.yaml"
    spec.write_text(SPEC.replace("EXCHANGE", "sign, overlap: 2").replace("_steps: 6", "_steps: 5"))
    begun = run(compile_spec(spec), runs=tmp_path, launch=LAUNCH).folder

    with pytest.raises(RunError, match="all fragments met after its last step, 5"):
        resume(begun.path, launch=LAUNCH, change=Continuation(until=9))


@pytest.mark.slow
def test_a_process_that_is_asked_to_end_ends_all_without_a_wait_and_loses_nothing(tmp_path):
    spec = tmp_path / "apart.yaml"
    longer = SPEC.replace("EXCHANGE", "sign, fragments: 3, overlap: 1").replace("_steps: 6", "_steps: 100")
    spec.write_text(longer.replace("checkpoint_every_steps: 4", "checkpoint_every_steps: 100"))
    command = [sys.executable, "-m", "tests.runtime.training.overlap_runs", str(spec), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    alone, asked = (max((tmp_path / name).glob("*/2*")) for name in ("alone", "asked"))

    assert int((tmp_path / "stopped").read_text()) < 100
    tensors, journal = bits(alone)
    found, resumed = bits(asked)
    assert resumed == journal
    assert {name: found[name] for name in tensors} == tensors
