"""Replicas in one process are replicas in several, and resume to the bit."""

import json
import subprocess
import sys

import pytest
import torch

from seqspec.compile.pipeline import compile as compile_spec
from seqspec.runtime.devices.launch import Launch, Place
from seqspec.runtime.run import resume, run
from seqspec.runtime.run_folder.continuation import Continuation
from seqspec.runtime.training.strategies.replicas import Replicas, fragments_of
from seqspec.schema.diagnostic import RunError, SpecError
from seqspec.schema.procedure._procedure import Apart

LAUNCH = Launch(device="cpu", threads=1, quiet=True)

SPEC = """\
seqspec: 1
name: apart
data:
  source: {type: lines, synthetic: 40, language: en, splits: {train: input.txt}, cut: {train: 0.9, dev: 0.1}}
  text: {target: {tokenizer: bytes}}
  pack: {length: 12, document_mask: false, sample: offsets}
  batch: {unit: examples, size: 4}
model:
  type: language_model
  decoder: {type: transformer, num_layers: 1, dim: 8, num_heads: 2, dropout: 0.1, positions: learned, max_positions: 12}
  head: {type: linear}
optimizer: {type: adamw, schedule: {type: constant, peak: 1.0e-2}}
procedure: {type: diloco, replicas: 4, every: 3, exchange: EXCHANGE}
train: {max_steps: 6, clip_norm: 1.0, checkpoint_every_steps: 4, log_every_steps: 2, accumulate: 2, keep_last: 4}
evaluate: {every_steps: 6, splits: [dev], metrics: [perplexity]}
"""


def bits(run):
    tensors = {path.relative_to(run): path.read_bytes() for path in run.glob("checkpoints/*/*.safetensors")}
    return tensors, (run / "metrics.jsonl").read_bytes()


@pytest.mark.slow
@pytest.mark.parametrize(
    "exchange", ["int4", "sign", "sign, fragments: 3", "int4, fragments: 3, overlap: 1", "sign, overlap: 2"]
)
def test_one_process_or_two_and_an_end_between_meetings_give_the_same_bits(tmp_path, exchange):
    spec = tmp_path / "apart.yaml"
    spec.write_text(SPEC.replace("EXCHANGE", exchange))
    command = [sys.executable, "-m", "tests.runtime.training.replica_runs", str(spec), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    alone, paused, killed = (
        bits(next((tmp_path / name).glob("*/2*"))) for name in ("alone", "paused", "killed")
    )

    assert paused == alone
    assert killed == alone
    assert ("overlap" in exchange) == any(path.name.startswith("pending") for path in alone[0])
    last = json.loads(alone[1].splitlines()[-2])
    assert last["step"] == 6
    assert last["sent_megabytes"] > 0


def test_without_momentum_the_outer_step_is_the_mean():
    torch.manual_seed(1)
    model = torch.nn.Linear(3, 2)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    replicas = Replicas(Apart(3, 5, 0, 1.0, 0.0), model, [optimizer], Place())
    weights = []
    for turn in range(3):
        assert replicas.enter(turn) == turn
        with torch.no_grad():
            model.weight.add_(turn + 1.0)
        weights.append(model.weight.detach().clone())
        replicas.leave(turn)
    before = model.weight.detach().clone()
    replicas.meet(5)

    torch.testing.assert_close(before, weights[0] - 1, rtol=0, atol=1e-6)
    torch.testing.assert_close(model.weight.detach(), sum(weights) / 3, rtol=0, atol=1e-6)


def test_the_outer_step_is_nesterovs():
    model = torch.nn.Linear(1, 1, bias=False)
    reference = torch.nn.Parameter(model.weight.detach().clone())
    outer = torch.optim.SGD([reference], lr=0.7, momentum=0.9, nesterov=True)
    replicas = Replicas(Apart(2, 1, 0, 0.7, 0.9), model, [], Place())
    for changes in ((0.5, -0.1), (0.2, 0.4), (-0.3, 0.1)):
        for turn, change in enumerate(changes):
            replicas.enter(turn)
            with torch.no_grad():
                model.weight.sub_(change)
            replicas.leave(turn)
        replicas.meet(1)
        reference.grad = torch.full((1, 1), sum(changes) / 2)
        outer.step()

    torch.testing.assert_close(model.weight.detach(), reference.detach(), rtol=0, atol=1e-6)


def test_when_they_meet():
    apart = Apart(2, every=4, after=3, rate=1.0, momentum=0.0)

    assert [step for step in range(1, 13) if apart.meets(step)] == [1, 2, 3, 7, 11]
    assert apart.meetings(0, 12) == 5


def test_fragments_meet_at_steps_of_their_own():
    apart = Apart(2, every=6, after=1, rate=1.0, momentum=0.0, fragments=3)

    due = [[step for step in range(1, 14) if apart.is_due(fragment, step)] for fragment in range(3)]
    assert due == [[1, 3, 9], [1, 5, 11], [1, 7, 13]]
    for fragment, steps in enumerate(due):
        for step in range(14):
            assert apart.meetings(fragment, step) == sum(one <= step for one in steps)
    assert [step for step in range(1, 14) if apart.meets(step)] == [1, 3, 5, 7, 9, 11, 13]


@pytest.mark.parametrize(
    ("sizes", "count", "found"),
    [([4, 4, 4, 4], 2, [0, 0, 1, 1]), ([100, 1, 1], 3, [1, 2, 2]), ([1, 1, 1], 1, [0, 0, 0]), ([], 2, [])],
)
def test_fragments_are_neighbours(sizes, count, found):
    assert fragments_of(sizes, count) == found


def test_only_what_is_due_is_sent_and_after_the_last_step_all_is():
    model = torch.nn.Linear(4, 4)  # 16 weights are the first fragment and 4 biases the second
    apart = Apart(2, every=4, after=0, rate=1.0, momentum=0.0, fragments=2)
    replicas = Replicas(apart, model, [], Place(), last=6)
    weight, bias = (one.detach().clone() for one in model.parameters())

    def moves(change):
        for turn in range(2):
            replicas.enter(turn)
            with torch.no_grad():
                model.weight.add_(change)
                model.bias.add_(change)
            replicas.leave(turn)

    moves(1.0)
    replicas.meet(1)
    torch.testing.assert_close(model.weight.detach(), weight, rtol=0, atol=0)
    assert replicas.megabytes(1) == 0
    moves(1.0)
    replicas.meet(2)
    torch.testing.assert_close(model.weight.detach(), weight + 2)
    torch.testing.assert_close(model.bias.detach(), bias, rtol=0, atol=0)
    assert replicas.megabytes(2) == 4 * 16 / 1e6
    moves(1.0)
    replicas.meet(4)
    torch.testing.assert_close(model.weight.detach(), weight + 2)
    torch.testing.assert_close(model.bias.detach(), bias + 3)
    moves(1.0)
    replicas.meet(6)
    torch.testing.assert_close(model.weight.detach(), weight + 4)
    torch.testing.assert_close(model.bias.detach(), bias + 4)
    assert replicas.megabytes(6) == 4 * (2 * 16 + 2 * 4) / 1e6


def test_a_run_whose_fragments_all_met_at_its_end_does_not_go_on(tmp_path):
    spec = tmp_path / "apart.yaml"
    spec.write_text(SPEC.replace("EXCHANGE", "sign, fragments: 2"))
    begun = run(compile_spec(spec), runs=tmp_path, launch=LAUNCH).folder

    with pytest.raises(RunError, match="all fragments met after its last step, 6"):
        resume(begun.path, launch=LAUNCH, change=Continuation(until=9))


def test_more_fragments_than_steps_are_refused(tmp_path):
    spec = tmp_path / "apart.yaml"
    spec.write_text(SPEC.replace("EXCHANGE", "sign, fragments: 4"))

    with pytest.raises(SpecError, match="4 fragments cannot each have a step of their own in 3"):
        compile_spec(spec)


def test_what_is_sent_is_rounded_and_counted():
    torch.manual_seed(1)
    model = torch.nn.Linear(300, 2)
    start = model.weight.detach().clone()
    replicas = Replicas(Apart(2, 5, 0, 1.0, 0.0, "int4"), model, [], Place())
    changes = [torch.randn_like(start) for _ in range(2)]
    for turn, change in enumerate(changes):
        replicas.enter(turn)
        with torch.no_grad():
            model.weight.add_(change)
        replicas.leave(turn)
    replicas.meet(5)
    mean = (model.weight.detach() - start - sum(changes) / 2).abs()

    assert 1e-3 < mean.max() <= max(one.abs().max() for one in changes) / 14 + 1e-6
    # Blocks of 256: 600 weights have three scales and the two biases one.
    assert replicas.megabytes(10) == 2 * (300 + 3 * 4 + 1 + 4) / 1e6


def moved(replicas, changes, step=1):
    """Each replica goes on by its change, and what is due meets."""
    for turn, change in enumerate(changes):
        replicas.enter(turn)
        with torch.no_grad():
            replicas.model.weight.add_(change)
        replicas.leave(turn)
    replicas.meet(step)


def test_what_a_sign_cannot_say_is_said_later():
    torch.manual_seed(1)
    model = torch.nn.Linear(200, 2, bias=False)
    start = model.weight.detach().clone()
    replicas = Replicas(Apart(2, 1, 0, 1.0, 0.0, "sign"), model, [], Place())
    changes = [torch.randn_like(start), torch.randn_like(start)]

    moved(replicas, changes)
    first = (model.weight.detach() - start - sum(changes) / 2).abs().mean()
    for _ in range(30):
        moved(replicas, [torch.zeros_like(start)] * 2)
    last = (model.weight.detach() - start - sum(changes) / 2).abs().mean()

    assert first > 0.2
    assert last < 0.02


def test_weights_and_what_was_not_said_lose_nothing():
    torch.manual_seed(1)
    model = torch.nn.Linear(200, 2, bias=False)
    start = model.weight.detach().clone()
    replicas = Replicas(Apart(2, 1, 0, 1.0, 0.0, "sign"), model, [], Place())
    changes = [[torch.randn_like(start) for _ in range(2)] for _ in range(3)]

    for each in changes:
        moved(replicas, each)

    mean = sum(replica.tensors[0] for replica in replicas.replicas.values()) / 2
    torch.testing.assert_close(mean, start + sum(map(sum, changes)) / 2, rtol=0, atol=1e-5)


@pytest.mark.parametrize("exchange", ["int4", "sign"])
def test_running_statistics_are_sent_whole(exchange):
    model = torch.nn.BatchNorm1d(3)
    replicas = Replicas(Apart(2, 1, 0, 1.0, 0.0, exchange), model, [], Place())
    for turn in range(2):
        replicas.enter(turn)
        model.running_mean += torch.tensor([1.0, 0.01, 0.3])
        replicas.leave(turn)
    replicas.meet(1)

    torch.testing.assert_close(model.running_mean, torch.tensor([1.0, 0.01, 0.3]), rtol=0, atol=1e-7)
