import pytest
import torch

from seqspec.components.loss.cross_entropy import CrossEntropy
from seqspec.components.search.greedy import Greedy
from seqspec.data.batching.batch import Batch
from seqspec.schema.loss.cross_entropy import CrossEntropyConfig
from seqspec.schema.search.greedy import GreedyConfig
from seqspec.schema.types import BOS, EOS, Frames, Tokens
from tests.components.building import batch, build, faults, loss_of, only, replaced

torch.set_num_threads(1)

DECODER = {"type": "transformer", "dim": 8, "num_layers": 1, "num_heads": 2, "dropout": 0.0}
TINY = {"type": "language_model", "decoder": DECODER}
TEXT = {"target": Tokens(11)}


def texts(rows=3):
    given = batch(rows=rows)
    return replaced(given, source=None, source_lengths=None)


def loss(built, given):
    return loss_of(built.model, given, CrossEntropy(CrossEntropyConfig(), built.gives))


def packed(rows, segments=None):
    inputs, labels = torch.tensor([r[:-1] for r in rows]), torch.tensor([r[1:] for r in rows])
    size = torch.full((len(rows),), inputs.shape[1])
    return Batch.pair(inputs, size, labels, size, torch.arange(len(rows)), 0, 1.0, segments)


def test_no_token_sees_the_next():
    model = build(TINY, TEXT).model.eval()
    ids = torch.tensor([[2, 5, 6, 7, 8]])
    changed = ids.clone()
    changed[0, 3] = 9
    with torch.no_grad():
        before, after = model.decoder(ids), model.decoder(changed)

    torch.testing.assert_close(before[:, :3], after[:, :3])
    assert (before[:, 3:] - after[:, 3:]).abs().max() > 1e-4


def test_packed_documents_cost_what_they_cost_alone():
    built = build({**TINY, "decoder": {**DECODER, "positions": "rotary"}}, TEXT)
    built.model.eval()
    one, two = [BOS, 5, 6, EOS], [BOS, 7, 8, 9, EOS]
    inputs = torch.tensor([one[:-1] + two[:-1] + [0]])
    labels = torch.tensor([one[1:] + two[1:] + [0]])
    segments = torch.tensor([[1, 1, 1, 2, 2, 2, 2, 0]])
    size = torch.tensor([8])
    row = Batch.pair(inputs, size, labels, size, torch.tensor([0]), 0, 1.0, segments)
    with torch.no_grad():
        together = loss(built, row)
        apart = [loss(built, packed([document])) for document in (one, two)]

    assert together.count == 7
    torch.testing.assert_close(together.total, sum(a.total for a in apart), rtol=1e-5, atol=1e-5)


def test_texts_that_stand_alone_get_their_ends():
    built = build(TINY, TEXT)
    built.model.eval()
    given = texts()
    with torch.no_grad():
        got = loss(built, given)
        row = loss(built, packed([[BOS, *given.target[0, : given.target_lengths[0]].tolist(), EOS]]))

    assert got.count == given.target_lengths.sum() + 3
    torch.testing.assert_close(-built.model.score(given)[0], row.total, rtol=1e-5, atol=1e-5)


def test_goes_on_from_prompts_of_any_length_as_from_each_alone():
    built = build(TINY, TEXT)
    model, given = (
        built.model.eval(),
        replaced(texts(), source=torch.zeros(3, 1), source_lengths=torch.ones(3).long()),
    )
    search = Greedy(GreedyConfig(max_tokens=6), built.gives)
    together = model.decode(given, search)
    apart = [model.decode(only(row, given), search)[0] for row in range(3)]

    assert [h[0].ids for h in together] == [h[0].ids for h in apart]


def test_what_does_not_fit_is_said():
    assert "reads no source" in faults(TINY, {"source": Frames(3), "target": Tokens(5)})[0]
    assert "learns a target" in faults(TINY, {"source": Tokens(5)})[0]
    no_width = {**TINY, "decoder": {"type": "transformer"}}
    assert "the width does not follow" in faults(no_width, TEXT)[0]


@pytest.mark.parametrize("fields", [{"activation": "geglu"}, {"positions": "linear"}, {"norm": "post"}])
def test_learns_to_repeat_one_text(fields):
    built = build({**TINY, "decoder": {**DECODER, **fields}, "tie": "target"}, TEXT)
    given = texts(1)
    optimizer = torch.optim.Adam(built.model.parameters(), 0.02)
    for _ in range(40):
        optimizer.zero_grad()
        loss(built, given).total.backward()
        optimizer.step()

    assert loss(built, given).terms["nll"] < 0.5
