import math

import pytest
import torch

from seqspec.components.loss.cross_entropy import CrossEntropy
from seqspec.components.metric.bits_per_dim import BitsPerDim
from seqspec.data.batching.batch import Batch
from seqspec.schema.config import Mismatch
from seqspec.schema.diagnostic import DataError
from seqspec.schema.loss.cross_entropy import CrossEntropyConfig
from seqspec.schema.metric.accuracy import AccuracyConfig
from seqspec.schema.metric.bits_per_dim import BitsPerDimConfig
from seqspec.schema.types import Classes, Image, Logits, Tokens
from tests.components.building import build, faults, loss_of

torch.set_num_threads(1)

PICTURE = Image(3, 2, 4)
DECODER = {
    "type": "local_transformer",
    "num_layers": 1,
    "dim": 8,
    "num_heads": 2,
    "block": 5,
    "dropout": 0.0,
}


@pytest.fixture(scope="module")
def built():
    data = {"type": "image_model", "decoder": DECODER}
    return build(data, {"source": PICTURE, "target": Classes(10)}, seed=1)


def images(rows=2, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (rows, 3, 2, 4), generator=generator)


def batch(values, scale=255):
    rows = len(values)
    labels = torch.zeros(rows, dtype=torch.int64)
    return Batch.pair(values.float() / scale, None, labels, None, torch.arange(rows), 0, 1.0)


def criterion(built):
    return CrossEntropy(CrossEntropyConfig(), built.gives)


@torch.no_grad()
def test_loss_is_the_likelihood_of_a_dimension(built):
    values = images()
    values[0, 0, 0, 0] = 0
    loss = loss_of(built.model, batch(values), criterion(built))
    score = built.model.score(batch(values))

    assert int(loss.count) == 2
    torch.testing.assert_close(loss.total, -score.sum() / 24)
    torch.testing.assert_close(loss.terms["nll"], loss.total)
    assert 0 <= float(loss.terms["correct"]) <= 2


@torch.no_grad()
def test_a_value_changes_what_follows_it_row_by_row_and_nothing_before(built):
    values, other = images(1), images(1)
    other[0, 1, 1, 2] = (other[0, 1, 1, 2] + 7) % 256
    hidden, changed = (built.model._read(built.model._values(batch(x))) for x in (values, other))
    place = (1 * 4 + 2) * 3 + 1

    assert torch.equal(hidden[:, : place + 1], changed[:, : place + 1])
    assert not torch.equal(hidden[:, place + 1], changed[:, place + 1])


def test_every_channel_has_a_table_of_its_own(built):
    loss_of(built.model, batch(images(8)), criterion(built)).total.backward()

    used = built.model.decoder.embedding.weight_VD.grad.abs().sum(1) > 0
    assert len(used) == 3 * 256
    assert all(used[channel * 256 : (channel + 1) * 256].any() for channel in range(3))


@pytest.mark.parametrize("x", [torch.randn(1, 3, 2, 4), images(1) * 1.0, -images(1) / 255])
def test_normalised_pictures_are_refused(built, x):
    with pytest.raises(DataError, match="these are normalised") as caught:
        built.model.score(batch(x, scale=1))

    assert "normalize: unit" in caught.value.help


def test_nothing_is_answered(built):
    with pytest.raises(DataError, match="no answers"):
        built.model.decode(batch(images()))


def test_bits_per_dim_of_even_odds_are_eight():
    metric = BitsPerDim(BitsPerDimConfig(), {})
    metric.update({"nll": 3 * math.log(256), "targets": 3.0})

    assert metric.compute() == {"bits_per_dim": pytest.approx(8.0)}
    assert "bits_per_dim" in metric.signature()


def test_metrics_judge_what_the_model_tells(built):
    target = Classes(10)

    assert built.gives == Logits(256, stride=0, image=True)
    BitsPerDimConfig().output({"target": target, "given": built.gives})
    with pytest.raises(Mismatch, match="tells images"):
        AccuracyConfig().output({"target": target, "given": built.gives})
    with pytest.raises(Mismatch, match="for models of images"):
        BitsPerDimConfig().output({"target": target, "given": Logits(10, stride=0)})


def test_other_sources_are_refused():
    data = {"type": "image_model", "decoder": DECODER}

    assert faults(data, {"target": Tokens(5)}) == [
        "an image model tells images, and the corpus gives Nothing()"
    ]
