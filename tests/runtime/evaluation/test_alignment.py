"""An attention that never follows the speech is told; one that does is not."""

import pytest
import torch

from seqspec.data.batching.batch import Batch
from seqspec.runtime.evaluation.alignment import travelled, unaligned
from seqspec.runtime.evaluation.attention_image import MOST_ROWS, attention_image, without_padding
from seqspec.schema.types import Text, Waveform

SPEECH = {"source": Text("en"), "target": Waveform(8000)}
LENGTHS = torch.tensor([6, 6])
BATCH = Batch.pair(torch.zeros(2, 6), LENGTHS, torch.zeros(2, 12, 3), LENGTHS * 2, torch.arange(2))
DIAGONAL = torch.eye(6).repeat_interleave(2, 0)
FORMS = {
    "everywhere": torch.full((12, 6), 1 / 6),
    "at one place": torch.eye(6)[[3] * 12],
    "to and fro": torch.eye(6)[[0, 5] * 6],
    "everywhere, a little further each time": 1 / 6
    + torch.linspace(0, 0.05, 12)[:, None] * torch.linspace(-1, 1, 6),
    "backwards": DIAGONAL.flip(0),
}


class Looks(torch.nn.Module):
    def __init__(self, weights):
        super().__init__()
        self.weights = weights

    def attention(self, batch):
        return self.weights[None].expand(len(batch.index), -1, -1)


def said(weights, roles=SPEECH):
    return unaligned(Looks(weights), BATCH, roles, device=torch.device("cpu"))


def test_a_diagonal_follows():
    assert said(DIAGONAL) is None
    assert said(0.5 * DIAGONAL + 0.5 / 6) is None
    assert travelled(DIAGONAL.double()) == pytest.approx(1.0, abs=0.1)
    assert travelled(torch.cat([DIAGONAL, torch.zeros(5, 6)]).double()) == travelled(DIAGONAL.double())


@pytest.mark.parametrize("form", FORMS)
def test_what_does_not_move_on_is_told(form):
    assert "does not follow the speech: in 2 examples" in said(FORMS[form])


def test_without_a_recording_or_an_attention_nothing_is_said():
    assert said(FORMS["everywhere"], {"source": Text("en"), "target": Text("de")}) is None
    assert unaligned(torch.nn.Linear(1, 1), BATCH, SPEECH, device=torch.device("cpu")) is None
    assert said(torch.ones(2, 2)) is None


def test_padding_is_no_part_of_an_alignment():
    padded = torch.full((20, 9), 1 / 9)
    padded[:12] = 0.0
    padded[:12, :6] = DIAGONAL
    longer = Batch.pair(torch.zeros(2, 9), LENGTHS, torch.zeros(2, 20, 3), LENGTHS * 2, torch.arange(2))

    kept = without_padding(padded, longer.map(lambda x: x[:1]))

    torch.testing.assert_close(kept, DIAGONAL)
    assert without_padding(padded[:7, :5], longer).shape == (7, 5), "states of a model that reads by strides"


def test_the_image_of_a_long_recording_reaches_its_end():
    diagonal = torch.eye(6).repeat_interleave(50, 0)
    lengths = torch.tensor([6])
    batch = Batch.pair(torch.zeros(1, 6), lengths, torch.zeros(1, 300, 3), lengths * 50, torch.arange(1))

    _, weights = attention_image(Looks(diagonal), batch, device=torch.device("cpu"))

    assert len(weights) <= MOST_ROWS
    assert weights[0] == [1, 0, 0, 0, 0, 0]
    assert weights[-1] == [0, 0, 0, 0, 0, 1]
