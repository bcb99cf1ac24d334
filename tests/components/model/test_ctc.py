"""The CTC model, and CTC beside attention."""

import pytest
import torch

from seqspec.components.encoder.bilstm import Bilstm
from seqspec.components.head.linear import Linear
from seqspec.components.loss.cross_entropy import CrossEntropy
from seqspec.components.loss.ctc import Ctc as CtcLoss
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
from seqspec.schema.types import Frames, Logits, States, Text, Tokens

FRAMES, TARGET = Frames(dim=3, rate=100), Tokens(6)
TAKES = {"source": FRAMES, "target": TARGET}
LOGITS = Logits(6, stride=2, blank=True)
BATCH = Batch(
    source=torch.randn(2, 12, 3, generator=torch.Generator().manual_seed(0)),
    source_lengths=torch.tensor([12, 7]),
    target=torch.tensor([[4, 5, 5], [4, 0, 0]]),
    target_lengths=torch.tensor([3, 1]),
    index=torch.arange(2),
    step=0,
    share=1.0,
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

    first = model.loss(BATCH, criterion)
    for _ in range(60):
        loss = model.loss(BATCH, criterion)
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
    longer = BATCH._replace(source=torch.cat([BATCH.source, torch.full((2, 6, 3), 1e3)], dim=1))

    torch.testing.assert_close(model.loss(longer, criterion).total, model.loss(BATCH, criterion).total)


def test_alignment_picture_has_a_row_a_symbol():
    picture = ctc().attention(BATCH)

    assert picture.shape == (2, 3, 6)
    assert (picture >= 0).all()
    assert (picture.sum(1) <= 1 + 1e-5).all()
    assert (picture[0].sum(-1) >= 1 - 1e-4).all()
    assert (picture[1, 1:] == 0).all() or picture[1, 1:].abs().max() < 1e-6


class Decoder(torch.nn.Module):
    """Gives the mean of the memory at every step."""

    def forward(self, ids, memory, lengths):
        return memory.mean(1, keepdim=True).expand(-1, ids.shape[1], -1)


def joint(weight):
    torch.manual_seed(2)
    parts = {
        "encoder": encoder(),
        "decoder": Decoder(),
        "head": head(),
        "ctc_head": head() if weight else None,
    }
    config = EncoderDecoderConfig.model_construct(ctc_weight=weight)
    return EncoderDecoder(config, TAKES, parts.get)


def test_joint_loss_is_the_weighted_sum_of_both():
    criterion = CrossEntropy(CrossEntropyConfig(), Logits(6))
    model = joint(0.3)

    loss = model.loss(BATCH, criterion)

    memory, lengths = model.encode(BATCH)
    side = CtcLoss(CtcLossConfig(), LOGITS)(
        model.ctc_head(memory), lengths, BATCH.target, BATCH.target_lengths
    )
    model.ctc_head = None
    main = model.loss(BATCH, criterion)
    torch.testing.assert_close(loss.total, 0.7 * main.total + 0.3 * side.total)
    torch.testing.assert_close(loss.terms["ctc"], side.total)
    assert loss.count == main.count == 6


def attention(**settings):
    return EncoderDecoderConfig.model_construct(encoder=BilstmConfig(), decoder=BilstmConfig(), **settings)


class Flow:
    """Passes fixed types on and notes what is filled."""

    def __init__(self):
        self.filled = {}

    def fill(self, name, component, reason):
        self.filled[name] = component

    def node(self, name, source, **derived):
        return {"encoder": States(8, stride=2), "decoder": States(8)}.get(name, Logits(6, stride=2))


def test_one_key_adds_ctc_to_attention():
    flow, config = Flow(), attention(ctc_weight=0.3)

    config.wire(TAKES, flow)

    assert flow.filled == {"ctc_head": "linear"}


@pytest.mark.parametrize(
    ("config", "takes", "words"),
    [
        (
            attention(ctc_weight=0.3, embedding=LookupConfig()),
            {"source": Tokens(9)},
            "outnumber",
        ),
        (attention(ctc_head=LinearConfig()), {"source": FRAMES}, "no meaning"),
        (CtcConfig.model_construct(), {"source": Tokens(9)}, "frames"),
        (CtcConfig.model_construct(), {"source": FRAMES, "target": Text("en")}, "write tokens"),
    ],
)
def test_what_ctc_cannot_take_is_refused(config, takes, words):
    with pytest.raises(Mismatch, match=words):
        config.wire({"target": TARGET, **takes}, Flow())


def test_ctc_declares_scores_at_the_encoder_s_states():
    assert CtcConfig.model_construct().wire(TAKES, Flow()) == LOGITS
    assert CtcConfig.model_construct().target_unit == "tokens"
