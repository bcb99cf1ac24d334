"""A last layer that works out some places alone gives at them what the whole layer gives."""

import pytest
import torch

from seqspec.components._layers.places import at_places, places_of
from seqspec.components.loss.cross_entropy import CrossEntropy
from seqspec.components.loss.distillation import Distillation
from seqspec.data.batching.batch import Batch, Field
from seqspec.schema.catalogue import Catalogue
from seqspec.schema.loss.distillation import DistillationConfig
from seqspec.schema.types import AnswerSpans, Classes, Logits, Tokens
from tests.components.building import build, loss_of

VOCAB = 43
LLAMA = {"type": "llama", "num_layers": 2, "dim": 32, "num_heads": 4, "feed_forward_dim": 48, "std": 0.3}
GPT2 = {"type": "gpt2", "num_layers": 2, "dim": 32, "num_heads": 4, "max_positions": 30, "dropout": 0.0,
        "attention_dropout": 0.0}  # fmt: skip
DECODERS = {
    "llama": LLAMA,
    "grouped, window": {**LLAMA, "num_kv_heads": 2, "query_key_norm": True, "window": 3, "full_layers": [0]},
    "gpt2": GPT2,
}
PLACES = torch.tensor([[0, 3, 8], [5, 6, 1]])


def ids_of(rows=2, size=9):
    return torch.randint(4, VOCAB, (rows, size), generator=torch.Generator().manual_seed(3))


def model_of(decoder):
    data = {"type": "language_model", "decoder": decoder, "head": {"type": "linear", "bias": False}}
    return build(data, {"target": Tokens(VOCAB), "answers": AnswerSpans("target")}).model


def conversations():
    ids, answers = ids_of(4, 12), torch.tensor([[3, 4, 9], [1, 0, 0], [10, 11, 0], [5, 6, 7]])
    fields = {
        "target": Field(ids, torch.tensor([12, 9, 12, 8])),
        "answers": Field(answers, torch.tensor([3, 1, 2, 3])),
    }
    batch = Batch.pair(None, None, ids, torch.tensor([12, 9, 12, 8]), torch.arange(4), 0, 1.0)
    return batch._replace(fields=fields)


def test_places_are_in_order_and_filled_up():
    wanted = torch.tensor([[False, True, False, True], [False, False, True, False], [False] * 4])

    assert places_of(wanted).tolist() == [[1, 3], [2, 0], [0, 1]]
    assert places_of(torch.zeros(2, 3, dtype=torch.bool)).tolist() == [[0], [0]]


@pytest.mark.parametrize("segments", [None, torch.tensor([[1, 1, 1, 1, 2, 2, 2, 2, 2], [1] * 7 + [0, 0]])])
@pytest.mark.parametrize("decoder", DECODERS.values(), ids=DECODERS)
@torch.no_grad()
def test_states_at_places_are_those_of_the_whole(decoder, segments):
    decoder = model_of(decoder).decoder.eval()
    whole = decoder(ids_of(), segments_BU=segments)

    some = decoder(ids_of(), segments_BU=segments, places_BK=PLACES)

    torch.testing.assert_close(some, at_places(whole, PLACES), atol=1e-5, rtol=1e-5)
    assert whole.std() > 0.1


@pytest.mark.parametrize("decoder", [LLAMA, GPT2], ids=["llama", "gpt2"])
def test_answers_alone_are_learned_as_if_all_were_worked_out(decoder):
    """Loss and gradients of a step; evaluation, which others look at, keeps every state."""
    model, batch = model_of(decoder), conversations()
    criterion = CrossEntropy(Catalogue().config("loss", "cross_entropy")(), Logits(VOCAB))
    found = {}
    for training in (True, False):
        model.train(training)
        model.zero_grad()
        loss = loss_of(model, batch, criterion)
        loss.total.backward()
        gradients = [parameter.grad.clone() for parameter in model.parameters()]
        states = model.outputs(batch)["tokens"].hidden.shape[1]
        found[training] = loss.total.detach(), int(loss.count), gradients, states

    assert (found[True][3], found[False][3]) == (3, 13)
    assert found[True][1] == found[False][1] == 9
    torch.testing.assert_close(found[True][0], found[False][0])
    for one, other in zip(found[True][2], found[False][2], strict=True):
        torch.testing.assert_close(one, other, atol=1e-5, rtol=1e-4)


def test_a_pooled_vector_needs_the_first_state_alone():
    """BERT with its pooler is the pooler over BERT's first state."""
    encoder = {"type": "bert", "num_layers": 2, "dim": 16, "num_heads": 2, "max_positions": 40}
    model = build({"type": "classifier", "encoder": {**encoder, "pooler": True}},
                  {"source": Tokens(VOCAB), "target": Classes(3)}).model  # fmt: skip
    bert, lengths = model.encoder.eval(), torch.tensor([9, 4])
    vector, _ = bert(ids_of(), lengths)
    pooler, bert.pooler = bert.pooler, None

    states, _ = bert(ids_of(), lengths)

    torch.testing.assert_close(vector, torch.tanh(pooler(states[:, 0])), atol=1e-6, rtol=1e-5)


def test_a_teacher_may_have_worked_out_more_places_than_its_student():
    model, batch = model_of(LLAMA), conversations()
    student, teacher = (model.train(training).outputs(batch)["tokens"] for training in (True, False))
    criterion = Distillation(DistillationConfig(teacher="itself"), Logits(VOCAB))

    loss = criterion(student.hidden, student.labels, student.head, teacher=teacher)

    assert int(loss.count) == 9
    assert abs(float(loss.total.detach())) < 1e-5
    assert student.hidden.shape != teacher.hidden.shape
