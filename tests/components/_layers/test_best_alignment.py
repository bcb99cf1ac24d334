"""The best alignment against enumeration of all."""

import itertools

import pytest
import torch

from seqspec.components._layers.ctc_alignment import best_alignment
from seqspec.data.text.word_spans import WordSpan, word_spans, word_starts


def collapsed(path):
    return tuple(symbol for symbol, _ in itertools.groupby(path) if symbol)


@pytest.mark.parametrize("target", [(), (1,), (1, 1), (1, 2), (2, 1, 2), (1, 1, 1)])
@pytest.mark.parametrize("seed", [0, 1])
def test_it_is_the_most_probable_of_all_alignments(target, seed):
    torch.manual_seed(seed)
    log_probs = torch.randn(5, 3).log_softmax(-1)

    found = best_alignment(log_probs, torch.tensor(target, dtype=torch.int64))

    paths = [path for path in itertools.product(range(3), repeat=5) if collapsed(path) == target]
    best = max(paths, key=lambda path: sum(log_probs[t, s] for t, s in enumerate(path)))
    runs = [(symbol, len(list(held))) for symbol, held in itertools.groupby(best)]
    expected, state = [], 0
    for symbol, length in runs:
        if symbol:
            expected.append((state, state + length))
        state += length
    assert [(one.first, one.end) for one in found] == expected
    for one, symbol in zip(found, target, strict=True):
        assert one.log_prob == pytest.approx(float(log_probs[one.first : one.end, symbol].mean()), abs=1e-6)


def test_a_target_that_does_not_fit_has_none():
    assert best_alignment(torch.zeros(2, 3), torch.tensor([1, 1])) is None
    assert best_alignment(torch.zeros(0, 3), torch.tensor([1])) is None


PIECES = {4: "▁the", 5: "▁ca", 6: "t", 7: " "}


def decode(ids):
    return "".join(PIECES[id_] for id_ in ids if id_ in PIECES).replace("▁", " ").strip()


def test_ids_make_up_words():
    assert word_spans([4, 5, 6], decode, spaced=True) == [WordSpan("the", 0, 1), WordSpan("cat", 1, 3)]
    assert word_spans([6, 7, 6], decode, spaced=True) == [WordSpan("t", 0, 1), WordSpan("t", 2, 3)]
    assert word_spans([6, 6], decode, spaced=False) == [WordSpan("t", 0, 1), WordSpan("t", 1, 2)]
    assert word_spans([], decode, spaced=True) == []


def test_pieces_that_begin_words():
    assert word_starts(8, decode, first=4) == [False] * 4 + [True, True, False, True]
