"""Learning from speech without labels: transformers' loss, and draws that nothing but step and row decide."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch

from seqspec.components.folder_tensors import to_folder
from seqspec.components.loss.code_diversity import CodeDiversity
from seqspec.components.model.wav2vec2_pretraining import Draws
from seqspec.data.batching.batch import Batch
from seqspec.schema.loss.code_diversity import CodeDiversityConfig
from seqspec.schema.types import CodeUse, Frames
from tests.components.building import build, infer

ROOT = Path(__file__).resolve().parents[3]
CORPUS = {"source": Frames(1, rate=16_000)}
ENCODER = {
    "type": "wav2vec2", "num_layers": 2, "dim": 24, "num_heads": 4, "feed_forward_dim": 40,
    "feature_dims": [8, 8, 10], "feature_kernels": [10, 3, 2], "feature_strides": [5, 2, 2],
    "position_kernel": 16, "position_groups": 4, "feature_norm": "layer", "feature_bias": True, "norm": "pre",
    "train_features": True, "time_mask": 0.5, "time_mask_length": 4, "dropout": 0.0, "attention_dropout": 0.0,
}  # fmt: skip
MODEL = {
    "type": "wav2vec2_pretraining", "encoder": ENCODER, "groups": 2, "codes": 6, "code_dim": 12,
    "compared_dim": 14, "negatives": 7,
}  # fmt: skip


def batch(samples=(400, 400), index=(3, 8), step=0):
    generator = torch.Generator().manual_seed(5)
    x = torch.randn(9, max(samples), 1, generator=generator)[list(index)][:, : max(samples)]
    for row, length in enumerate(samples):
        x[row, length:] = 0
    return Batch.pair(x, torch.tensor(samples), torch.zeros(len(x)), None, torch.tensor(index), step)


def batch_of(*index):
    """Rows of one corpus, whose lengths differ."""
    lengths = [400 + 37 * row for row in index]
    x = torch.zeros(len(index), max(lengths), 1)
    for place, (row, length) in enumerate(zip(index, lengths, strict=True)):
        x[place, :length, 0] = torch.randn(length, generator=torch.Generator().manual_seed(row))
    return Batch.pair(x, torch.tensor(lengths), torch.zeros(len(x)), None, torch.tensor(index))


def theirs(transformers, model):
    config = transformers.Wav2Vec2Config(
        hidden_size=24, num_hidden_layers=2, num_attention_heads=4, intermediate_size=40, conv_dim=[8, 8, 10],
        conv_kernel=[10, 3, 2], conv_stride=[5, 2, 2], num_conv_pos_embeddings=16,
        num_conv_pos_embedding_groups=4, feat_extract_norm="layer", conv_bias=True, do_stable_layer_norm=True,
        num_codevectors_per_group=6, num_codevector_groups=2, codevector_dim=12, proj_codevector_dim=14,
        num_negatives=7, hidden_dropout=0.0, attention_dropout=0.0, feat_quantizer_dropout=0.0,
        activation_dropout=0.0, feat_proj_dropout=0.0, layerdrop=0.0, mask_feature_prob=0.0,
    )  # fmt: skip
    made = transformers.Wav2Vec2ForPreTraining(config)
    own = model.state_dict()
    encoder = {n.removeprefix("encoder."): x for n, x in own.items() if n.startswith("encoder.")}
    stored = to_folder(model.config_of_encoder.layout({}), encoder)
    stored |= {
        f"{there}.{kind}": own[f"{here}.{kind}"]
        for here, there in {
            "quantizer.scores": "quantizer.weight_proj", "project_states": "project_hid",
            "project_codes": "project_q",
        }.items()
        for kind in ("weight", "bias")
    }  # fmt: skip
    stored["quantizer.codevectors"] = own["quantizer.vectors_GVQ"].reshape(1, 12, 6)
    assert made.load_state_dict(stored, strict=True)
    return made


@pytest.mark.parametrize("training", [False, True])
def test_loss_and_gradients_equal_those_of_transformers(training, monkeypatch):
    transformers = pytest.importorskip("transformers")
    filled, faults, _, _ = infer(MODEL, CORPUS)
    assert faults == []
    model = build(MODEL, CORPUS).model.train(training)
    model.config_of_encoder = filled.model.encoder
    oracle = theirs(transformers, model).train(training)
    given = batch()
    x_BTC, lengths_B = model.encoder.latents(given.source, given.source_lengths)
    size = int(lengths_B[0])
    covered_BT = torch.zeros(2, x_BTC.shape[1], dtype=torch.bool)
    covered_BT[:, 2:7] = covered_BT[:, 11:14] = True
    draws = model.draw(given, lengths_B, size=x_BTC.shape[1])
    own = covered_BT[0].nonzero()[:, 0]
    picked = torch.randint(7, (2, 8, 7), generator=torch.Generator().manual_seed(1))
    picked += picked >= torch.arange(8)[:, None]
    negatives_BTN = torch.zeros(2, x_BTC.shape[1], 7, dtype=torch.int64)
    negatives_BTN[:, own] = own[picked]
    draws = Draws(covered_BT, negatives_BTN, draws.noise_BTGV)

    def gumbel_softmax(logits, tau, hard):
        soft = ((logits + draws.noise_BTGV[:, :size].reshape(logits.shape)) / tau).softmax(-1)
        one = torch.nn.functional.one_hot(soft.argmax(-1), soft.shape[-1]).float()
        return one + (soft - soft.detach())

    monkeypatch.setattr(torch.nn.functional, "gumbel_softmax", gumbel_softmax)
    flat = negatives_BTN[:, :size] + torch.arange(2)[:, None, None] * size
    expected = oracle(
        given.source[..., 0], mask_time_indices=covered_BT[:, :size], sampled_negative_indices=flat
    )
    quantized = model.quantizer(x_BTC, draws.noise_BTGV, temperature=model.gumbel_temperature)
    nll_B = model.contrast(x_BTC, lengths_B, quantized, draws)
    used_BGV = (quantized.probability_BTGV * covered_BT[..., None, None]).sum(1)
    diversity = CodeDiversity(CodeDiversityConfig(), CodeUse(2, 6))(used_BGV, covered_BT.sum(1).float())

    loss = nll_B.mean() + 0.1 * diversity.total / diversity.count
    torch.testing.assert_close(nll_B.sum() * 8, expected.contrastive_loss, atol=0, rtol=1e-5)
    torch.testing.assert_close(loss, expected.loss / 16, atol=1e-5, rtol=0)
    loss.backward()
    (expected.loss / 16).backward()
    for here, there in {
        model.project_codes.weight: oracle.project_q.weight,
        model.encoder.layers[0].feed_forward.expand.weight:
            oracle.wav2vec2.encoder.layers[0].feed_forward.intermediate_dense.weight,
        model.encoder.mask: oracle.wav2vec2.masked_spec_embed,
    }.items():  # fmt: skip
        torch.testing.assert_close(here.grad, there.grad, atol=1e-5, rtol=1e-4)
    if training:
        here, there = model.quantizer.scores.weight.grad, oracle.quantizer.weight_proj.weight.grad
        torch.testing.assert_close(here, there, atol=1e-5, rtol=1e-4)


def test_draws_follow_from_step_and_row_alone():
    model = build(MODEL, CORPUS).model.train()

    def drawn(*index):
        given = batch_of(*index)
        x_BTC, lengths_B = model.encoder.latents(given.source, given.source_lengths)
        return model.draw(given, lengths_B, size=x_BTC.shape[1]), lengths_B

    together, lengths = drawn(0, 1, 2)
    alone, _ = drawn(1)
    size = int(lengths[1])
    for whole, one in zip(together, alone, strict=True):
        assert torch.equal(whole[1, :size], one[0, :size])
    covered_T, negatives_TN = together.covered_BT[1], together.negatives_BTN[1]
    assert covered_T.any()
    assert not covered_T[size:].any()
    assert covered_T[negatives_TN[covered_T]].all()
    assert not (negatives_TN[covered_T] == covered_T.nonzero()).any()
    model.finish_step(step=1, moved=True)
    assert not torch.equal(drawn(1)[0].noise_BTGV, alone.noise_BTGV)
    assert model.gumbel_temperature == pytest.approx(2 * 0.999995)


def test_micro_batches_change_no_loss():
    model = build(MODEL, CORPUS).model.train()
    criterion = CodeDiversity(CodeDiversityConfig(), CodeUse(2, 6))

    whole = model.outputs(batch_of(0, 1, 2))
    parts = [model.outputs(batch_of(0)), model.outputs(batch_of(1, 2))]

    total = sum(one["contrastive"].total for one in parts)
    torch.testing.assert_close(whole["contrastive"].total, total, atol=1e-5, rtol=1e-5)
    joined = criterion(*(torch.cat(column) for column in zip(*(one["codes"] for one in parts), strict=True)))
    torch.testing.assert_close(criterion(*whole["codes"]).total, joined.total, atol=1e-5, rtol=1e-5)
    model.eval()
    assert torch.equal(model.score(batch_of(2)), model.score(batch_of(2)))


def test_utterances_that_are_too_short_count_nothing():
    model = build(MODEL, CORPUS).model.train()
    given = batch((400, 30), (3, 5))

    outputs = model.outputs(given)
    sum(one.scores.sum() for one in outputs.values()).backward()

    assert torch.isfinite(outputs["contrastive"].total)
    assert float(outputs["codes"].states[1]) == 0
    assert all(torch.isfinite(p.grad).all() for p in model.parameters() if p.grad is not None)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"encoder": ENCODER | {"time_mask": 0.0}}, "nothing is masked"),
        ({"encoder": ENCODER | {"train_features": False}}, "convolutions would stay"),
        ({"code_dim": 13}, "2 groups do not divide a width of 13"),
        ({"encoder": {"type": "transformer", "dim": 8, "num_heads": 2}}, "no latents"),
    ],
)
def test_what_cannot_learn_is_refused(change, message):
    _, faults, _, _ = infer(MODEL | change, CORPUS)

    assert len(faults) == 1
    assert message in faults[0]


def test_a_kill_and_a_resumption_change_no_bit(tmp_path):
    spec = ROOT / "specs/wav2vec2_pretrain_digits.yaml"
    command = [sys.executable, "-m", "tests.runtime.killed_runs", str(spec), str(tmp_path), "6", "4"]

    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=300)

    assert done.stdout.strip().endswith("[]"), done.stdout + done.stderr
