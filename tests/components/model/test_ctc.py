"""The CTC model, and CTC beside attention."""

import pytest
import torch

from seqspec.components.encoder.bilstm import Bilstm
from seqspec.components.head.linear import Linear
from seqspec.components.loss.cross_entropy import CrossEntropy
from seqspec.components.loss.ctc import Ctc as CtcLoss
from seqspec.components.losses import Losses, NamedLoss
from seqspec.components.model.ctc import Ctc
from seqspec.components.model.encoder_decoder import EncoderDecoder
from seqspec.components.search.ctc_greedy import CtcGreedy
from seqspec.data.batching.batch import Batch
from seqspec.schema.config import Mismatch
from seqspec.schema.embedding.lookup import LookupConfig
from seqspec.schema.encoder.bilstm import BilstmConfig
from seqspec.schema.head.linear import LinearConfig
from seqspec.schema.loss.cross_entropy import CrossEntropyConfig
from seqspec.schema.loss.ctc import CtcConfig as CtcLossConfig
from seqspec.schema.model.ctc import CtcConfig
from seqspec.schema.model.encoder_decoder import EncoderDecoderConfig
from seqspec.schema.search.ctc_greedy import CtcGreedyConfig
from seqspec.schema.types import Counted, Frames, Logits, States, Text, Tokens
from tests.components.building import loss_of, replaced

FRAMES, TARGET = Frames(dim=3, rate=100), Tokens(6)
TAKES = {"source": FRAMES, "target": TARGET}
LOGITS = Logits(6, stride=2, blank=True)
BATCH = Batch.pair(
    source=torch.randn(2, 12, 3, generator=torch.Generator().manual_seed(0)),
    source_lengths=torch.tensor([12, 7]),
    target=torch.tensor([[4, 5, 5], [4, 0, 0]]),
    target_lengths=torch.tensor([3, 1]),
    index=torch.arange(2),
    step=0,
    loss_normalizer=1.0,
)


def encoder():
    torch.manual_seed(1)
    return Bilstm(BilstmConfig(num_layers=1, dim=4, stack=2), FRAMES)


def head():
    return Linear(LinearConfig(), {"hidden": States(8, stride=2), "target": TARGET})


def ctc():
    return Ctc(CtcConfig.model_construct(), TAKES, {"encoder": encoder(), "head": head()}.get)


def test_loss_counts_target_symbols_and_learns():
    model, criterion = ctc(), CtcLoss(CtcLossConfig(), LOGITS)

    first = loss_of(model, BATCH, criterion)
    for _ in range(60):
        loss = loss_of(model, BATCH, criterion)
        gradients = torch.autograd.grad(loss.total, list(model.parameters()))
        with torch.no_grad():
            for parameter, gradient in zip(model.parameters(), gradients, strict=True):
                parameter -= 0.03 * gradient.sign()

    assert first.count == 4
    assert loss.total < 0.2 * first.total
    found = model.decode(BATCH, CtcGreedy(CtcGreedyConfig(), LOGITS))
    assert [hypotheses[0].ids for hypotheses in found] == [(4, 5, 5), (4,)]


def test_padding_of_the_source_changes_no_loss():
    model, criterion = ctc(), CtcLoss(CtcLossConfig(), LOGITS)
    longer = replaced(BATCH, source=torch.cat([BATCH.source, torch.full((2, 6, 3), 1e3)], dim=1))

    torch.testing.assert_close(
        loss_of(model, longer, criterion).total, loss_of(model, BATCH, criterion).total
    )


def test_alignment_picture_has_a_row_a_symbol():
    image = ctc().attention(BATCH)

    assert image.shape == (2, 3, 6)
    assert (image >= 0).all()
    assert (image.sum(1) <= 1 + 1e-5).all()
    assert (image[0].sum(-1) >= 1 - 1e-4).all()
    assert (image[1, 1:] == 0).all() or image[1, 1:].abs().max() < 1e-6


class Decoder(torch.nn.Module):
    """Gives the mean of the memory at every step."""

    def forward(self, ids, memory, lengths):
        return memory.mean(1, keepdim=True).expand(-1, ids.shape[1], -1)


class Parts(dict):
    def __call__(self, name):
        return self.get(name)

    def named(self, name):
        return self.get(name, {})


def joint():
    torch.manual_seed(2)
    parts = Parts(encoder=encoder(), decoder=Decoder(), head=head(), outputs={"ctc": head()})
    return EncoderDecoder(EncoderDecoderConfig.model_construct(), TAKES, parts)


def losses(**weights):
    criteria = {
        "attention": NamedLoss("tokens", CrossEntropy(CrossEntropyConfig(), Logits(6)), weights["attention"]),
        "ctc": NamedLoss("ctc", CtcLoss(CtcLossConfig(), LOGITS), weights["ctc"]),
    }
    return Losses(criteria, last_step=10)


def test_joint_loss_is_the_weighted_sum_of_both():
    model, both = joint(), losses(attention=lambda step: 0.7, ctc=lambda step: 0.3)
    batch = BATCH._replace(loss_normalizers={"attention": 6.0, "ctc": 6.0})

    loss = both(model, batch)

    apart = both.sums(model, batch)
    total = 0.7 * apart["attention"].total + 0.3 * apart["ctc"].total
    torch.testing.assert_close(loss.total, total)
    torch.testing.assert_close(loss.objective, total / 6)
    torch.testing.assert_close(loss.terms["loss.ctc"], apart["ctc"].total)
    torch.testing.assert_close(loss.terms["nll"], apart["attention"].terms["nll"])
    assert loss.count == 6


def test_a_weight_is_a_function_of_the_step():
    model, both = joint(), losses(attention=lambda step: 1.0, ctc=lambda step: step / 10)
    apart = both.sums(model, BATCH)

    for step, expected in ((1, 0.1), (5, 0.5), (None, 1.0)):
        total = both(model, BATCH, step=step).total
        torch.testing.assert_close(total, apart["attention"].total + expected * apart["ctc"].total)


def test_a_phase_that_needs_one_loss_computes_no_other_output():
    model, both = joint(), losses(attention=lambda step: 0.7, ctc=lambda step: 0.3)
    model.decoder = None

    loss = both(model, BATCH, names=("ctc",))

    torch.testing.assert_close(loss.total, 0.3 * both.sums(model, BATCH, names=["ctc"])["ctc"].total)
    assert list(model.outputs(BATCH, only=frozenset({"ctc"}))) == ["ctc"]


def attention(**settings):
    return EncoderDecoderConfig.model_construct(encoder=BilstmConfig(), decoder=BilstmConfig(), **settings)


class Flow:
    """Passes fixed types on."""

    def node(self, name, source, **derived):
        return {"encoder": States(8, stride=2), "decoder": States(8)}.get(name, Logits(6, stride=2))

    def item(self, name, key, source):
        return Logits(6, stride=2)


HEADS = {"ctc": LinearConfig(on="encoder")}


def test_a_head_on_the_encoder_is_an_output_of_ctc():
    given = attention(outputs=HEADS).wire(TAKES, Flow())

    assert dict(given) == {"tokens": Logits(6, stride=2, ctc=True), "ctc": LOGITS}
    assert given.main == given["tokens"]


@pytest.mark.parametrize(
    ("config", "takes", "words"),
    [
        (
            attention(outputs=HEADS, embedding=LookupConfig()),
            {"source": Tokens(9)},
            "outnumber",
        ),
        (attention(outputs={"ctc": LinearConfig()}), {"source": FRAMES}, "names no part"),
        (attention(outputs={"ctc": LinearConfig(on="body")}), {"source": FRAMES}, "no part `body`"),
        (attention(outputs={"tokens": LinearConfig(on="encoder")}), {"source": FRAMES}, "own output"),
        (CtcConfig.model_construct(), {"source": Tokens(9)}, "frames"),
        (CtcConfig.model_construct(), {"source": FRAMES, "target": Text("en")}, "write tokens"),
    ],
)
def test_what_ctc_cannot_take_is_refused(config, takes, words):
    with pytest.raises(Mismatch, match=words):
        config.wire({"target": TARGET, **takes}, Flow())


def test_ctc_declares_scores_at_the_encoder_s_states():
    config = CtcConfig.model_construct(encoder=BilstmConfig())

    assert dict(config.wire(TAKES, Flow())) == {"ctc": LOGITS}
    assert CtcLossConfig().counts(LOGITS) == Counted("target", "tokens")
