"""Peers that share micro-batches have the bits of one process, whoever comes, goes and dies; what is wrong is told."""

import re
import shutil
import subprocess
import sys
import uuid
from dataclasses import replace
from functools import partial

import pytest
import torch

from seqspec.compile.pipeline import compile as compile_spec
from seqspec.compile.resolve.overlay import Overlay
from seqspec.runtime.checkpoints.tensor_file import Damaged, pieces
from seqspec.runtime.devices.launch import Launch, Place
from seqspec.runtime.run import run
from seqspec.runtime.run_folder.folder import RunFolder
from seqspec.runtime.training.peers import shared_work
from seqspec.runtime.training.peers.meeting_place import MeetingPlace
from seqspec.runtime.training.peers.micro_batch_result import GradientSum, MicroBatchResult, most_bytes
from seqspec.runtime.training.peers.replica_round import ReplicaRound
from seqspec.runtime.training.peers.shared_work import Behind, Pieces, SharedWork
from seqspec.runtime.training.strategies.replicas import Replicas
from seqspec.schema.diagnostic import Exit, RunError
from seqspec.schema.procedure._procedure import Apart

LAUNCH = Launch(device="cpu", threads=1, quiet=True)

SPEC = """\
seqspec: 1
name: shared
data:
  source: {type: lines, synthetic: 40, language: en, splits: {train: input.txt}, cut: {train: 0.9, dev: 0.1}}
  text: {target: {tokenizer: bytes}}
  pack: {length: 12, document_mask: false, sample: offsets}
  batch: {unit: examples, size: 12}
model:
  type: language_model
  decoder: {type: transformer, num_layers: 1, dim: 8, num_heads: 2, dropout: 0.1, positions: learned, max_positions: 12}
  head: {type: linear}
optimizer: {type: adamw, schedule: {type: constant, peak: 1.0e-2}}
train:
  {max_steps: 8, clip_norm: 0.3, checkpoint_every_steps: 4, log_every_steps: 3, accumulate: 6, keep_last: 4, ema: 0.9,
   skip_non_finite: 2}
evaluate: {every_steps: 4, splits: [dev], metrics: [perplexity]}
"""


def bits(run):
    files = [path for path in run.glob("checkpoints/*/*") if path.is_file()]
    return {path.relative_to(run): path.read_bytes() for path in [*files, run / "metrics.jsonl"]}


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["micro-batches", "float32", "sign", "int4, fragments: 2"])
def test_whoever_comes_goes_and_dies_the_bits_are_those_of_one_process(tmp_path, kind):
    spec = tmp_path / "shared.yaml"
    replicas = kind != "micro-batches"
    apart = f"procedure: {{type: diloco, replicas: 4, every: 2, exchange: {kind}}}\n"
    spec.write_text(SPEC.replace("   skip_non_finite: 2", "") + apart if replicas else SPEC)
    when = ["4", "6"] if replicas else ["3", "5"]
    command = [sys.executable, "-m", "tests.runtime.training.peer_runs", str(spec), str(tmp_path), *when]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    alone = bits(next((tmp_path / "alone").glob("*/2*")))

    assert bits(next((tmp_path / "stays").glob("*/2*"))) == alone
    newest = {path: data for path, data in alone.items() if "step-00000004" not in str(path)}
    assert bits(next((tmp_path / "comes").glob("*/2*"))) == newest
    assert bits(next((tmp_path / "sleeps").glob("*/2*"))) == newest
    fragments = "fragments" in kind
    assert f"at step {3 if fragments else 2} the others are far ahead: on from" in done.stderr
    paused = bits(next((tmp_path / "pauses").glob("*/2*")))
    assert {path: data for path, data in paused.items() if path in alone} == alone
    told = [
        (int(own), int(every))
        for own, every in re.findall(r"worked out (\d+) of (\d+) (?:micro-batches|rounds)", done.stderr)
    ]
    all_pieces = 4 * (8 if fragments else 4) if replicas else 6 * 8
    assert max(every for _, every in told) == all_pieces
    assert max(own for own, every in told if every == all_pieces) < all_pieces
    # Work before the checkpoint before the last is taken away.
    (place,) = (tmp_path / "place").iterdir()
    left = [6, 8] if replicas and not fragments else [5, 6, 7, 8]
    assert sorted(path.name for path in place.glob("step-*")) == [f"step-{step:08d}" for step in left]


def place_of(peer="0123abcd", address=None):
    return MeetingPlace(address or f"memory://{uuid.uuid4().hex}", digest="f" * 64, peer=peer)


def result(model, *, weights="same", scale=1.0):
    gradients = [torch.full_like(one, scale) for one in model.parameters()]
    return MicroBatchResult(gradients, [{"loss": scale, "count": 1.0}], weights)


def shared_with(work, model, steps=1, *, place, weights="same"):
    parameters = list(model.parameters())
    read = partial(MicroBatchResult.unpacked, parameters=parameters)
    pieces = Pieces(steps, steps - 1, 0, "micro-batch", work, read, most_bytes(parameters), weights)
    shared, total = SharedWork(place), GradientSum(parameters)
    for at, one in shared.results(pieces):
        total.add(at, one)
    total.finish()
    return shared, total.values


def test_results_of_others_are_taken_and_summed_in_order():
    model, place = torch.nn.Linear(3, 2), place_of()
    values = [0.1, 1e8, -1e8, 0.3]
    for at in (1, 2):
        place.publish(1, at, result(model, scale=values[at]).packed())
    other = MeetingPlace(place.address.rsplit("/", 1)[0], digest="f" * 64, peer="89abcdef")
    work = [lambda at=at: result(model, scale=values[at]) for at in range(4)]
    shared, results = shared_with(work, model, place=other)

    assert (shared.done, shared.taken, shared.again) == (2, 2, 0)
    assert results == [[{"loss": value, "count": 1.0}] for value in values]
    total = torch.tensor(values[0])
    for value in values[1:]:
        total = total + value
    assert torch.equal(model.weight.grad, total.expand(2, 3))
    assert "worked out 2 of 4 micro-batches; sent" in shared.told()


def test_what_another_has_claimed_is_done_again_when_it_does_not_come(monkeypatch):
    monkeypatch.setattr(shared_work, "LEAST_SECONDS", 0.05)
    model, place = torch.nn.Linear(3, 2), place_of()
    for at in range(2):
        place.claim(1, at)
    other = MeetingPlace(place.address.rsplit("/", 1)[0], digest="f" * 64, peer="89abcdef")
    shared, results = shared_with([lambda: result(model)] * 2, model, place=other)

    assert (shared.done, shared.again, len(results)) == (2, 2, 2)


def test_half_a_file_is_none(monkeypatch):
    model, place = torch.nn.Linear(3, 2), place_of()
    place.publish(1, 0, result(model).packed())
    ((name, data),) = [(name, data) for name, data in stored(place).items() if "result" in name]
    place._opened[0].pipe_file(f"/{name}", data[:-4])
    shared, _ = shared_with([lambda: result(model)], model, place=place)

    assert (shared.done, shared.taken) == (1, 0)


def stored(place):
    store, root = place._opened
    return {name.strip("/"): store.cat_file(name) for name in store.find(root)}


@pytest.mark.parametrize(
    ("data", "told", "exit"),
    [
        (lambda model: result(model, weights="other").packed(), "had other weights", Exit.DRIFT),
        (lambda model: result(torch.nn.Linear(2, 2)).packed(), "not of its parameter's shape", Exit.STORAGE),
        (lambda model: result(torch.nn.Sequential(model, model.double())).packed(), "shape and type", Exit.STORAGE),
        (lambda model: b"".join(bytes(one) for _, one in pieces({"00007": torch.ones(1)})), "other param", Exit.STORAGE),
        (lambda model: b"".join(bytes(one) for _, one in pieces({}, about={"values": "7"})), "its losses", Exit.STORAGE),
        (lambda model: b"no tensors at all", "not a whole safetensors file", Exit.STORAGE),
    ],
)  # fmt: skip
def test_results_that_are_not_of_this_run_are_refused(data, told, exit):
    model, place = torch.nn.Linear(3, 2), place_of()
    place.publish(1, 0, data(torch.nn.Linear(3, 2)))
    with pytest.raises(RunError, match=told) as caught:
        shared_with([lambda: result(model)], model, place=place)
    assert caught.value.exit == exit
    assert caught.value.help


def round_of(**changed):
    step = {"values": [{"loss": 1.0, "count": 2.0}], "norm": 0.5, "steps": 1, "dropped": 0}
    given = {"message": torch.zeros(8, dtype=torch.uint8), "state": "s", "steps": [step], "weights": "same"}
    return ReplicaRound(**{**given, **changed}).packed()


def test_a_round_is_what_was_packed():
    two = {"a/": {"values": [], "norm": 0.0, "steps": 0, "dropped": 0}}
    for data in (round_of(), round_of(steps=[two])):
        assert ReplicaRound.unpacked(data, size=8, count=1).packed() == data


@pytest.mark.parametrize(
    "changed",
    [
        {"message": torch.zeros(7, dtype=torch.uint8)},
        {"message": torch.zeros(8)},
        {"steps": []},
        {"steps": [{}]},
        {"steps": [7]},
        {"steps": [{"values": [], "norm": None, "steps": 0, "dropped": 0}]},
        {"steps": [{"values": [{"loss": "x"}], "norm": 0.0, "steps": 0, "dropped": 0}]},
        {"steps": [{"values": [3], "norm": 0.0, "steps": 0, "dropped": 0}]},
        {"steps": [{"a/": 3}]},
    ],
)
def test_rounds_that_are_not_of_this_run_are_refused(changed):
    with pytest.raises(Damaged):
        ReplicaRound.unpacked(round_of(**changed), size=8, count=1)


@pytest.mark.parametrize(
    "found",
    [
        {"own:weight": torch.zeros(3)},
        {"rest:weight": torch.zeros(3)},
        {"rest:weight": torch.zeros(2, 3, dtype=torch.float64)},
        {"optimizer:weight/exp_avg": torch.zeros(5)},
    ],
)
def test_a_state_that_is_not_of_this_model_is_refused(found):
    model = torch.nn.Linear(3, 2)
    optimizer = torch.optim.AdamW(model.parameters())
    replicas = Replicas(Apart(2, 1, 0, 1.0, 0.0), model, [optimizer], Place())
    with pytest.raises(ValueError, match="weight"):
        replicas.adopt(1, found)


def test_peers_that_compute_other_bits_are_found():
    model, place = torch.nn.Linear(3, 2), place_of()
    place.publish(1, 0, result(model).packed())
    place.publish(1, 0, result(model, scale=1.0000001).packed())
    with pytest.raises(RunError, match="different results for micro-batch 0 of step 1") as caught:
        shared_with([lambda: result(model)], model, place=place)
    assert caught.value.exit == Exit.DRIFT


def test_more_than_a_result_can_be_is_not_read():
    model, place = torch.nn.Linear(3, 2), place_of()
    place.publish(1, 0, b"\0" * 2**22)
    shared, _ = shared_with([lambda: result(model)], model, place=place)
    assert place.received == 0
    assert shared.done == 1


def test_a_peer_that_slept_is_told_that_the_others_are_beyond_it():
    model, place = torch.nn.Linear(3, 2), place_of()
    place._write("checkpoints/step-00000009/MANIFEST.json", b"")
    with pytest.raises(Behind) as caught:
        shared_with([lambda: result(model)], model, 5, place=place)
    assert caught.value.step == 4


def test_a_damaged_checkpoint_of_the_peers_is_told_and_not_used(tmp_path):
    compiled, launch = compiled_of(tmp_path, []), replace(LAUNCH, peers=str(tmp_path / "place"))
    run(compiled, runs=tmp_path / "first", launch=launch)
    (newest,) = (tmp_path / "place").glob("*/checkpoints/step-00000008")
    weights = newest / "weights.safetensors"
    weights.write_bytes(weights.read_bytes()[:-5])
    with pytest.raises(
        RunError, match=r"step-00000008 at .* cannot be used: weights\.safetensors holds"
    ) as caught:
        run(compiled, runs=tmp_path / "second", launch=launch)
    assert caught.value.exit == Exit.STORAGE
    shutil.rmtree(newest)
    found = run(compiled, runs=tmp_path / "third", launch=launch).folder.path
    last = "checkpoints/step-00000008/weights.safetensors"
    assert (found / last).read_bytes() == next((tmp_path / "first").glob(f"*/*/{last}")).read_bytes()


def test_what_only_a_checkpoint_could_replace_is_told_where_there_is_none(tmp_path):
    with pytest.raises(RunError, match="after step 3 is gone or damaged") as caught:
        place_of().require_checkpoint(RunFolder(tmp_path), beyond=3)
    assert caught.value.exit == Exit.STORAGE


def test_names_of_others_are_left_alone():
    place = place_of()
    for name in (
        "0001.result-zz",
        "0001.claim-0123abcde",
        "x",
        "0002.result-" + "a" * 64,
        "0003.claim-0123abcd",
    ):
        place._write(f"step-00000001/{name}", b"")
    found = place.found(1)
    assert (dict(found.results), dict(found.claims)) == ({2: {"a" * 64}}, {3: {"0123abcd"}})


def test_peers_must_agree_on_the_lock():
    place = place_of()
    lock = {"digests": {"all": "f" * 64}, "machine": {"threads": 1}}
    place.agree(lock)
    place.agree(lock)
    with pytest.raises(RunError, match="threads") as caught:
        place.agree({**lock, "machine": {"threads": 2}})
    assert caught.value.exit == Exit.DRIFT
    place._write("lock.json", b"[")
    with pytest.raises(RunError, match="is no lock"):
        place.agree(lock)


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("https://example.org/peers", "nothing can be written"),
        ("ftp://example.org/peers", "is no address of"),
        ("s3://key:secret@bucket/peers", "no user, key or query"),
    ],
)
def test_places_where_nobody_can_meet(address, told):
    with pytest.raises(RunError, match=told) as caught:
        place_of(address=address)
    assert caught.value.exit == Exit.USAGE
    assert "secret" not in str(caught.value)


DILOCO = "procedure={{type: diloco, replicas: 2, every: {}}}"


@pytest.mark.parametrize(
    ("sets", "launch", "told"),
    [
        (["train.accumulate=1"], {}, "share the micro-batches of a step, and this plan has one"),
        ([], {"devices": 2}, "a peer is one process"),
        ([], {"precision": "float16"}, "float16"),
        ([], {"profile": True}, "--profiler"),
        (["train.exact=false"], {}, "train.exact: false"),
        ([DILOCO.format("4, overlap: 1"), "train.skip_non_finite=0"], {}, "procedure.overlap"),
        (
            [DILOCO.format("8"), "train.skip_non_finite=0"],
            {},
            "`train.checkpoint_every_steps: 4` may end the run",
        ),
        ([DILOCO.format("4"), "train.skip_non_finite=0"], {"pause_at": 3}, "peers do not meet after step 3"),
        (["data.pack.sample=lanes", "model.decoder={type: recurrent, dim: 8, num_layers: 1}"], {}, "lanes"),
        (["train.quantize={}"], {}, "train.quantize"),
    ],
)
def test_runs_that_peers_cannot_share_are_told_before_anything_is_read(tmp_path, sets, launch, told):
    compiled = compiled_of(tmp_path, sets)
    with pytest.raises(RunError, match=re.escape(told)) as caught:
        run(compiled, runs=tmp_path / "runs", launch=replace(LAUNCH, peers=str(tmp_path / "place"), **launch))
    assert caught.value.exit == Exit.USAGE
    assert caught.value.help
    assert not (tmp_path / "runs").exists()


EXPERTS = (
    "model.decoder.feed_forward={type: experts, num_experts: 2, inner_dim: 8, router: {type: bias_balanced}}"
)


def test_a_router_that_is_balanced_by_its_load_is_refused(tmp_path):
    compiled = compiled_of(tmp_path, [EXPERTS])
    with pytest.raises(RunError, match="`Experts` follows every micro-batch"):
        run(compiled, runs=tmp_path / "runs", launch=replace(LAUNCH, peers=str(tmp_path / "place")))


def compiled_of(tmp_path, sets):
    spec = tmp_path / "shared.yaml"
    spec.write_text(SPEC)
    return compile_spec(spec, overlays=[Overlay.set(one) for one in sets])


@pytest.mark.slow
def test_peers_meet_in_a_bucket(tmp_path, s3):
    compiled = compiled_of(tmp_path, [])
    launch = replace(LAUNCH, peers="s3://peers/run")
    with pytest.raises(RunError, match="nothing can be written to `s3://peers/run") as caught:
        run(compiled, runs=tmp_path / "none", launch=launch)
    assert caught.value.exit == Exit.STORAGE
    assert not (tmp_path / "none").exists()

    s3.mkdir("peers")
    first = run(compiled, runs=tmp_path / "first", launch=replace(launch, pause_at=6))
    second = run(compiled, runs=tmp_path / "second", launch=launch)
    alone = run(compiled, runs=tmp_path / "alone", launch=LAUNCH)
    names = sorted(path.name for path in (first.folder.path / "checkpoints").iterdir())
    assert names == ["step-00000004", "step-00000006"]
    assert bits(second.folder.path) == bits(alone.folder.path)
