"""Experts in a run: what is written down, how steps may be cut, and that a killed run ends in the same bits."""

from __future__ import annotations

import json
import shutil

import pytest
import torch

from seqspec.runtime.checkpoints.selection import chosen
from tests.runtime.run_folder.conftest import Bench

ENCODER = (
    "model.encoder={type: transformer, num_layers: 2, dim: 8, num_heads: 2, dropout: 0.0, feed_forward: "
    "{type: experts, num_experts: 4, inner_dim: 8, every: 2, router: {type: top_two, z_weight: 0.01}}}"
)
DECODER = (
    "model.decoder={type: transformer, num_layers: 1, feed_forward: {type: experts, num_experts: 4, "
    "inner_dim: 8, shared_experts: 1, router: {type: bias_balanced, k: 1, bias_rate: 0.05}}}"
)
BIAS = "decoder.layers.0.feed_forward.router.bias_E"


@pytest.fixture(scope="module")
def bench(tmp_path_factory) -> Bench:
    return Bench(tmp_path_factory.mktemp("bench"))


@pytest.fixture(scope="module")
def whole(bench):
    return bench.path(ENCODER, DECODER)


@pytest.fixture(scope="module")
def cut(bench):
    """The same with every step in two micro-batches."""
    return bench.path(ENCODER, DECODER, "train.accumulate=2")


def weights(run):
    return chosen(run / "checkpoints", "last").tensors["weights"]


def lines(run, event):
    told = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    return [one for one in told if one["event"] == event]


def test_the_journal_holds_load_drops_and_entropy(whole):
    line = lines(whole, "train")[-1]
    part = "encoder.layers.1.feed_forward"
    loads = [line[f"{part}:load.0{expert}"] for expert in range(4)]

    assert sum(loads) == pytest.approx(1)
    assert 0 <= line[f"{part}:dropped"] < 1
    assert 0 < line[f"{part}:entropy"] <= 1.3863
    assert "encoder.layers.0.feed_forward:dropped" not in line
    assert line["decoder.layers.0.feed_forward:dropped"] == 0
    assert 0.9 < line["loss.encoder.balance"] < 4
    assert 0.9 < lines(whole, "evaluate")[-1]["metrics"]["loss.encoder.balance"] < 4
    assert "encoder.layers.1.feed_forward: load" in (whole / "report.html").read_text()


def test_how_a_step_is_cut_changes_no_loss_and_no_load(whole, cut):
    one, other = (lines(run, "train") for run in (whole, cut))

    for a, b in zip(one, other, strict=True):
        assert a.keys() == b.keys()
        for name in a.keys() - {"event"}:
            assert b[name] == (a[name] if ":load" in name else pytest.approx(a[name], rel=1e-4)), name
    assert torch.equal(weights(whole)[BIAS], weights(cut)[BIAS])
    assert weights(whole)[BIAS].abs().sum() > 0


def test_a_run_that_was_cut_off_ends_in_the_same_bits(bench, whole, tmp_path):
    run = shutil.copytree(whole, tmp_path / "run")
    shutil.rmtree(run / "checkpoints" / "step-00000005")
    (run / "result.json").unlink()

    assert bench.resume(run).exit == 0

    assert {name: tensor.tolist() for name, tensor in weights(run).items()} == {
        name: tensor.tolist() for name, tensor in weights(whole).items()
    }
    assert (run / "metrics.jsonl").read_bytes() == (whole / "metrics.jsonl").read_bytes()


def test_named_losses_weigh_the_balance_of_each_part(bench):
    outcome = bench.run(
        ENCODER,
        DECODER,
        "loss=null",
        "losses={nll: {type: cross_entropy, on: tokens}, "
        "even: {type: auxiliary, on: encoder.balance, weight: 0.5}, "
        "z: {type: auxiliary, on: encoder.router_z, weight: {type: constant, peak: 0.1, warmup_steps: 3}}, "
        "astray: {type: auxiliary, on: decoder.balance}}",
    )
    assert outcome.exit == 0, outcome.error


def test_where_no_layer_has_experts_the_setting_is_refused(bench):
    outcome = bench.run(ENCODER.replace("every: 2", "every: 3"))

    assert outcome.exit == 1
    assert "none of 2 layers has `experts`" in outcome.error


def test_expert_choice_in_a_decoder_is_refused(bench):
    router = "{type: bias_balanced, k: 1, bias_rate: 0.05}"
    outcome = bench.run(ENCODER, DECODER.replace(router, "expert_choice"))

    assert outcome.exit == 1
    assert "look ahead" in outcome.error
    assert "model.decoder.feed_forward.router" in outcome.error
