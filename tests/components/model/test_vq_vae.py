"""Codes follow what is assigned to them, and none dies."""

import pytest
import torch

from seqspec.components._layers.codebook import Codebook
from seqspec.components.metric.code_perplexity import CodePerplexity
from seqspec.data.batching.batch import Batch
from seqspec.schema.catalogue import Catalogue
from seqspec.schema.types import Image, Likelihood
from tests.components.building import build, faults

CORPUS = {"source": Image(1, 8, 8)}
SMALL = {"type": "vq_vae", "codes": 6, "encoder": {"type": "strided_residual", "dim": 4, "channels": 8},
         "decoder": {"type": "strided_residual", "channels": 8}}  # fmt: skip


def batch(rows=3):
    x = torch.rand(rows, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    return Batch.pair(x, None, torch.zeros(rows, dtype=torch.int64), None, torch.arange(rows))


def test_a_code_is_the_running_mean_of_what_is_assigned_to_it():
    torch.manual_seed(0)
    book = Codebook(2, 2, decay=0.9, revive_below=0.0)
    book.vectors_KD.copy_(torch.tensor([[0.0, 0.0], [10.0, 10.0]]))
    book.sums_KD.copy_(book.vectors_KD)
    x = torch.tensor([[1.0, 1.0], [3.0, 1.0], [9.0, 9.0]]).T.reshape(1, 2, 1, 3)

    given = book(x)

    assert given.index_BHW.flatten().tolist() == [0, 0, 1]
    counts, sums = torch.tensor([0.9 + 0.2, 0.9 + 0.1]), torch.tensor([[0.4, 0.2], [9.9, 9.9]])
    torch.testing.assert_close(book.counts_K, counts)
    torch.testing.assert_close(book.vectors_KD, sums / counts[:, None], atol=1e-4, rtol=1e-4)


def test_the_gradient_goes_straight_through_and_evaluation_moves_nothing():
    book = Codebook(4, 2, decay=0.9, revive_below=1.0).eval()
    before = {name: value.clone() for name, value in book.state_dict().items()}
    x = torch.randn(2, 2, 3, 3, requires_grad=True)

    book(x).codes_BDHW.sum().backward()

    assert torch.equal(x.grad, torch.ones_like(x))
    assert all(torch.equal(value, before[name]) for name, value in book.state_dict().items())
    assert set(before) == {"vectors_KD", "counts_K", "sums_KD"}


def test_random_data_keep_most_codes_alive():
    torch.manual_seed(0)
    book = Codebook(64, 8, decay=0.9, revive_below=0.5)
    for _ in range(60):
        given = book(torch.randn(8, 8, 4, 4))

    assert len(given.index_BHW.unique()) > 40
    assert torch.isfinite(book.vectors_KD).all()


def test_codes_that_nothing_uses_come_back_to_the_data():
    torch.manual_seed(0)
    book = Codebook(8, 2, decay=0.5, revive_below=0.2)
    book.vectors_KD[1:] += 1000
    for _ in range(8):
        book(torch.randn(4, 2, 2, 2))

    assert float(book.vectors_KD.abs().max()) < 10


def test_a_model_reconstructs_from_codes():
    built = build(SMALL, CORPUS)
    outputs = built.model.outputs(batch())
    (outputs["reconstruction"].total + outputs["commitment"].total).backward()

    assert built.gives == Likelihood(64, latent="codes")
    assert built.model.codes(batch()).shape == (3, 2, 2)
    assert all(p.grad is not None for p in built.model.parameters())
    assert built.model.decode(batch())[0][0].pixels_CHW.shape == (1, 8, 8)
    assert len(built.model.show(batch())["reconstructions"]) == 3


def test_perplexity_is_of_the_whole_split():
    metric = CodePerplexity(Catalogue().config("metric", "code_perplexity")(), {})
    for counts in ({0: 2}, {1: 2}):
        metric.update(counts)

    assert metric.compute() == pytest.approx({"code_perplexity": 2.0, "codes_used": 2.0})


def test_sizes_that_do_not_fit_are_told():
    assert "cannot be halved 4 times" in faults(
        {**SMALL, "encoder": {"type": "strided_residual", "halvings": 4}}, CORPUS)[0]  # fmt: skip
    assert "needs a map" in faults({**SMALL, "encoder": {"type": "mlp"}}, CORPUS)[0]


@pytest.mark.parametrize("half", [torch.bfloat16, torch.float16])
def test_codes_follow_in_float32_whatever_the_arithmetic(half):
    torch.manual_seed(0)
    book, expected = (Codebook(4, 2, decay=0.9, revive_below=0.0) for _ in range(2))
    expected.load_state_dict(book.state_dict())
    x_BDHW = torch.randn(2, 2, 3, 3).to(half)

    with torch.autocast("cpu", half):
        given = book(x_BDHW)

    assert torch.equal(given.index_BHW, expected(x_BDHW.float()).index_BHW)
    assert torch.equal(book.vectors_KD, expected.vectors_KD)
