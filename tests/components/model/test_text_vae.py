"""The sentence VAE: its bound, its closed forms, what is dropped, and what it refuses."""

from __future__ import annotations

import pytest
import torch

from seqspec.components._layers.gaussian_latent import log_ratio, sampled
from seqspec.components.loss.kl_divergence import divergence
from seqspec.components.metric.elbo import Elbo
from seqspec.components.outputs import Posterior
from seqspec.components.search.greedy import Greedy
from seqspec.data.batching.batch import Batch
from seqspec.schema.metric.elbo import ElboConfig
from seqspec.schema.search.greedy import GreedyConfig
from seqspec.schema.types import UNK, Image, Likelihood, Logits, Tokens
from tests.components.building import build, faults

torch.set_num_threads(1)

RECURRENT = {"type": "recurrent", "cell": "gru", "num_layers": 1, "dim": 6}
TARGET = {"target": Tokens(11)}
IDS = torch.tensor([[4, 5, 6, 7], [8, 9, 0, 0], [10, 4, 5, 0]])
LENGTHS = torch.tensor([4, 2, 3])


def model(**settings):
    data = {
        "type": "text_vae",
        "latent": 3,
        "encoder": {**RECURRENT, "bidirectional": False},
        "decoder": RECURRENT,
    }
    return build({**data, **settings}, TARGET)


def batch(ids=IDS, lengths=LENGTHS):
    return Batch.pair(None, None, ids, lengths, torch.arange(len(ids)))


def test_outputs_are_those_that_are_declared():
    made = model()
    torch.manual_seed(0)
    outputs = made.model.outputs(batch())

    assert made.gives == Likelihood(0)
    assert outputs.keys() == {"reconstruction", "posterior", "tokens"}
    assert outputs["posterior"].mean_BZ.shape == (3, 3)
    assert outputs["tokens"].hidden.shape[:2] == (3, 5)


def test_the_bound_is_the_likelihood_of_all_ids_less_the_divergence():
    vae = model().model.eval()
    torch.manual_seed(3)
    outputs = vae.outputs(batch())
    hidden, labels, head = outputs["tokens"][:3]
    log_p = head(hidden).log_softmax(-1).gather(2, labels[:, :, None]).squeeze(2)
    expected = -log_p.masked_fill(labels == 0, 0.0).sum(1)

    torch.manual_seed(3)
    nll_B, kl_BZ = vae.evidence(batch())

    torch.testing.assert_close(nll_B, expected)
    torch.testing.assert_close(outputs["reconstruction"].total, expected.sum())
    torch.testing.assert_close(kl_BZ, divergence(*outputs["posterior"]))
    metric = Elbo(ElboConfig(), {"given": Likelihood(0)})
    for nll, kl in zip(nll_B.tolist(), kl_BZ.sum(1).tolist(), strict=True):
        metric.update(nll, kl)
    assert metric.compute() == {
        "elbo": pytest.approx(-(nll_B + kl_BZ.sum(1)).mean().item(), rel=1e-6),
        "reconstruction": pytest.approx(nll_B.mean().item(), rel=1e-6),
        "kl": pytest.approx(kl_BZ.sum(1).mean().item(), rel=1e-6),
    }


def test_many_samples_tighten_the_bound_and_one_is_the_bound():
    vae = model().model.eval()
    with torch.no_grad():
        torch.manual_seed(0)
        single = torch.stack([vae.bound(batch(), samples=1) for _ in range(60)]).mean()
        torch.manual_seed(0)
        nll, kl = zip(*(vae.evidence(batch()) for _ in range(60)), strict=True)
        many = vae.bound(batch(), samples=50).mean()

    elbo = -(torch.stack(nll).mean() + kl[0].sum(1).mean())
    # One sample's log-ratio is the divergence in the mean: 0.1 nats are three standard errors here.
    assert single.item() == pytest.approx(elbo.item(), abs=0.1)
    assert many >= single


def test_samples_and_their_log_ratio_belong_to_the_posterior():
    posterior = Posterior(torch.tensor([[1.0, -2.0]]), torch.tensor([[0.5, -1.0]]))
    latent = torch.tensor([[0.3, 0.1]])
    normal = torch.distributions.Normal
    q = normal(posterior.mean_BZ, (0.5 * posterior.log_variance_BZ).exp())
    torch.manual_seed(0)
    drawn = torch.cat([sampled(posterior) for _ in range(4000)])

    torch.testing.assert_close(
        log_ratio(latent, posterior), (normal(0.0, 1.0).log_prob(latent) - q.log_prob(latent)).sum(1)
    )
    torch.testing.assert_close(drawn.mean(0), posterior.mean_BZ[0], atol=0.06, rtol=0)
    torch.testing.assert_close(drawn.std(0), q.stddev[0], atol=0.05, rtol=0)


def test_padding_changes_nothing():
    vae = model().model.eval()
    longer = torch.cat([IDS, torch.zeros(3, 2, dtype=torch.long)], dim=1)

    torch.testing.assert_close(vae.latents(batch(longer)), vae.latents(batch()))
    torch.manual_seed(0)
    alone = vae.evidence(batch())[0]
    torch.manual_seed(0)
    torch.testing.assert_close(vae.evidence(batch(longer))[0], alone)


def test_words_are_dropped_in_training_alone_and_the_beginning_never():
    vae = model(word_dropout=0.5).model
    inputs = torch.full((40, 50), 7)
    torch.manual_seed(0)
    dropped = vae._dropped(inputs)

    assert (dropped[:, 0] == 7).all()
    assert (dropped[:, 1:] == UNK).float().mean().item() == pytest.approx(0.5, abs=0.04)
    assert torch.equal(vae.eval()._dropped(inputs), inputs)


def test_texts_are_written_from_the_mean_of_their_posterior():
    vae = model().model.eval()
    search = Greedy(GreedyConfig(max_tokens=6), Logits(11))
    first, again = (vae.decode(batch(), search) for _ in range(2))

    assert [one[0].ids for one in first] == [one[0].ids for one in again]
    assert len(first) == 3


@pytest.mark.parametrize(
    "parts",
    [
        {"memory": 1},
        {"encoder": {"type": "transformer", "dim": 8, "num_layers": 1, "num_heads": 2},
         "decoder": {"type": "transformer", "num_layers": 1, "num_heads": 2}, "pooling": "max"},
    ],
)  # fmt: skip
def test_any_encoder_and_decoder_will_do(parts):
    vae = model(**parts).model
    outputs = vae.outputs(batch())
    (outputs["reconstruction"].total + divergence(*outputs["posterior"]).sum()).backward()

    assert all(p.grad is not None for p in vae.parameters())


def test_what_is_no_text_is_refused():
    data = {"type": "text_vae", "encoder": RECURRENT, "decoder": RECURRENT}

    assert (
        "learns to write texts, and the corpus has no target" in faults(data, {"source": Image(1, 2, 2)})[0]
    )
