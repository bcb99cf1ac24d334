"""A generator, a discriminator, and what each learns from whom."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch

from seqspec.components.loss.r1_penalty import R1Penalty
from seqspec.components.predictions import ImagePrediction
from seqspec.data.batching.batch import Batch
from seqspec.schema.diagnostic import DataError
from seqspec.schema.loss.r1_penalty import R1PenaltyConfig
from seqspec.schema.types import Classes, CriticScores, Image, Points
from tests.components.building import build, count, faults

ROOT = Path(__file__).parents[3]
SMALL = {"type": "gan", "latent": 6, "generator": {"type": "dcgan", "channels": 4},
         "discriminator": {"type": "dcgan", "channels": 4}}  # fmt: skip
CORPUS = {"source": Image(1, 8, 8), "target": Classes(3)}


def batch(rows=5):
    x = torch.rand(rows, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    return Batch.pair(x, None, torch.arange(rows) % 3, None, torch.arange(rows), 0, 1.0)


@pytest.mark.parametrize("name", ["dcgan", "resnet"])
def test_both_sides_have_the_published_number_of_parameters(name):
    image = Image(3, 64, 64) if name == "dcgan" else Image(3, 32, 32)
    data = {
        "type": "gan",
        "latent": 100 if name == "dcgan" else 128,
        "generator": name,
        "discriminator": name,
    }
    model = build(data, {"source": image, "target": Classes(10)}, device="meta").model

    expected = {"dcgan": (3_576_704, 2_765_568), "resnet": (4_276_739, 1_053_825)}
    assert (count(model.generator), count(model.discriminator)) == expected[name]


@pytest.mark.parametrize("condition", ["none", "class"])
@pytest.mark.parametrize("name", ["dcgan", "resnet"])
def test_each_output_teaches_its_own_side(name, condition):
    data = {**SMALL, "condition": condition, "generator": {"type": name, "channels": 4},
            "discriminator": {"type": name, "channels": 4, "normalize": "spectral"}}  # fmt: skip
    model = build(data, CORPUS).model
    held = {"critic": model.discriminator, "generator": model.generator}

    for side, learner in held.items():
        model.zero_grad()
        output = model.outputs(batch(), only=frozenset([side]))
        assert list(output) == [side]
        output[side].generated_B.sum().backward()
        assert all(p.grad is not None for p in learner.parameters())
    model.zero_grad()
    model.outputs(batch(), only=frozenset(["critic"]))["critic"].generated_B.sum().backward()
    assert all(p.grad is None for p in model.generator.parameters())


def test_a_conditional_model_heeds_the_class():
    model = build({**SMALL, "condition": "class"}, CORPUS).model.eval()
    shown = model.show(batch())["samples"]
    noise = torch.randn(1, 6)

    one, other = (model.generator(noise, torch.tensor([label])) for label in (0, 1))

    assert not torch.equal(one, other)
    assert len(shown) == 64
    assert isinstance(shown[0], ImagePrediction)
    assert shown[0].pixels_CHW.shape == (1, 8, 8)
    assert [one.pixels_CHW.tolist() for one in shown] == [
        one.pixels_CHW.tolist() for one in model.show(batch())["samples"]
    ]


def test_the_vectors_of_spectral_normalisation_are_in_the_checkpoint_and_bound_the_weights():
    data = {**SMALL, "discriminator": {"type": "dcgan", "channels": 4, "normalize": "spectral"}}
    model = build(data, CORPUS).model
    for _ in range(30):
        model.discriminator(torch.rand(2, 1, 8, 8))

    first = model.discriminator.features[0]

    assert any(name.endswith("_u") for name in model.state_dict())
    assert float(torch.linalg.matrix_norm(first.weight.detach().flatten(1), 2)) == pytest.approx(
        1.0, abs=1e-3
    )


@pytest.mark.parametrize("name", ["dcgan", "resnet"])
def test_a_penalty_of_a_conditional_model_is_worked_out_in_evaluation(name):
    sides = {side: {"type": name, "channels": 4} for side in ("generator", "discriminator")}
    model = build({**SMALL, **sides, "condition": "class"}, CORPUS).model.eval()
    penalty = R1Penalty(R1PenaltyConfig(), CriticScores("critic"))

    def value():
        return float(penalty(*model.outputs(batch(), only=frozenset(["critic"]))["critic"]).total.detach())

    with torch.inference_mode():
        evaluated = value()

    assert evaluated == pytest.approx(value(), rel=1e-5)


def test_the_class_does_not_drown_the_rest_of_the_score():
    torch.manual_seed(0)
    data = {**SMALL, "condition": "class", "discriminator": {"type": "dcgan", "channels": 16}}
    critic = build(data, {**CORPUS, "source": Image(1, 28, 28)}).model.discriminator
    x, classes = torch.rand(64, 1, 28, 28) * 2 - 1, torch.arange(64) % 3

    with torch.no_grad():
        told, critic.projection = critic(x, classes), None
        untold = critic(x, classes)

    assert (told - untold).std() < 10 * untold.std()


def test_the_class_hears_where_a_feature_lies():
    torch.manual_seed(0)
    data = {**SMALL, "condition": "class", "discriminator": {"type": "dcgan", "normalize": "none"}}
    critic = build(data, {**CORPUS, "source": Image(1, 28, 28)}).model.discriminator
    here, there, classes = torch.zeros(1, 1, 28, 28), torch.zeros(1, 1, 28, 28), torch.zeros(1).long()
    here[..., 8:12, 8:12] = there[..., 16:20, 16:20] = torch.randn(4, 4)

    with torch.no_grad():
        torch.testing.assert_close(*(critic.features(x).sum((2, 3)) for x in (here, there)))
        told = [critic(x, classes) for x in (here, there)]
        critic.projection = None
        untold = [critic(x, classes) for x in (here, there)]

    a, b = (float(one - other) for one, other in zip(told, untold, strict=True))
    assert abs(a - b) > 0.1 * max(abs(a), abs(b))


def test_outputs_are_typed_and_mistakes_are_told():
    assert build(SMALL, CORPUS).gives == CriticScores("critic")
    (odd,) = faults(SMALL, {**CORPUS, "source": Image(1, 7, 7)})[:1]
    assert "7 × 7" in odd
    (points,) = faults(SMALL, {**CORPUS, "source": Points(3)})
    assert "learns to make images" in points
    (class_,) = faults({**SMALL, "condition": "class"}, {"source": CORPUS["source"]})
    assert "told classes" in class_
    more = {**SMALL, "generator": {"type": "dcgan", "doublings": 5}}
    assert "cannot be halved 5 times" in faults(more, CORPUS)[0]
    with pytest.raises(DataError, match="no likelihood"):
        build(SMALL, CORPUS).model.score(batch())


def test_a_kill_in_either_phase_changes_no_bit(tmp_path):
    spec = ROOT / "specs/gan_mnist.yaml"
    assert len(spec.read_text().split("\n")) < 60
    command = [sys.executable, "-m", "tests.runtime.killed_runs", str(spec), str(tmp_path), "5", "7", "8"]

    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)

    assert done.stdout.strip().endswith("[]"), done.stdout + done.stderr
