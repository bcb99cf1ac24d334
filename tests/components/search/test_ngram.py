"""Back-off n-grams against values by hand, hostile files, and the prefix beam against enumeration."""

import itertools
import math

import pytest
import torch

from seqspec.components.search._listening import NgramPieces, NgramWords
from seqspec.components.search._ngram import read_arpa
from seqspec.components.search.ctc_prefix_beam import CtcPrefixBeam
from seqspec.schema.config import Mismatch
from seqspec.schema.diagnostic import DataError
from seqspec.schema.search._ngram import NgramFusion
from seqspec.schema.search._shallow_fusion import ShallowFusion
from seqspec.schema.search.ctc_prefix_beam import CtcPrefixBeamConfig
from seqspec.schema.types import Logits

ARPA = """\
written by hand

\\data\\
ngram 1=5
ngram 2=3
ngram 3=1

\\1-grams:
-99\t<s>\t-0.5
-1.0\t</s>
-2.0\t<unk>
-0.4\ta\t-0.3
-0.8\tb

\\2-grams:
-0.2\t<s> a\t-0.1
-0.6 a b
-0.9\ta </s>

\\3-grams:
-0.1\t<s> a b

\\end\\
"""
LOGITS = Logits(6, stride=1, blank=True)


@pytest.fixture
def file(tmp_path):
    return tmp_path / "lm.arpa"


def read(file, text=ARPA):
    file.write_text(text, encoding="utf-8")
    return read_arpa(file)


@pytest.mark.parametrize(
    ("context", "word", "log10"),
    [
        ((), "a", -0.4),
        (("<s>",), "a", -0.2),
        (("<s>", "a"), "b", -0.1),
        (("b", "a"), "b", -0.6),  # the bigram; `b a` has no weight of its own
        (("<s>", "a"), "a", -0.1 - 0.3 - 0.4),  # two steps back
        (("<s>", "a"), "</s>", -0.1 - 0.9),
        (("<s>",), "zebra", -0.5 - 2.0),
        (("a", "b"), "b", -0.6 * 0 - 0.8),  # `a b` has no weight, neither has `b`
    ],
)
def test_backing_off_is_by_hand(file, context, word, log10):
    assert read(file).log_prob(context, word) == pytest.approx(log10 * math.log(10))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("ngram 2=3", "ngram 2=999999999999"), "more than"),
        (("ngram 2=3", "ngram 2=4"), "its head says 4"),
        (("ngram 2=3", "ngram 2=2"), "2 n-grams of order 2"),
        (("ngram 2=3", "ngram 9=3"), "from 1 by 1"),
        (("\\2-grams:", "\\3-grams:"), "sections go up"),
        (("-0.4\ta", "nan\ta"), "`nan` is no number"),
        (("-0.4\ta", "0.4\ta"), "no logarithm"),
        (("-0.6 a b", "-0.6 a b c d"), "2 words"),
        (("-0.8\tb", "-0.8\ta"), "twice"),
        (("\\end\\", ""), "cut short"),
        ((ARPA, ""), "ARPA"),
        (("-0.8\tb", "-0.8\t" + "b" * 70_000), "longer than"),
    ],
)
def test_what_is_no_language_model_is_told(file, change, told):
    with pytest.raises(DataError, match=told):
        read(file, ARPA.replace(*change))


def test_files_that_are_no_text_are_told(file):
    file.write_bytes(b"\x1f\x8b\x08\x00")
    with pytest.raises(DataError, match="compressed"):
        read_arpa(file)
    file.write_bytes(b"\\data\\\nngram 1=1\n\\1-grams:\n-1 \xff\n")
    with pytest.raises(DataError, match="UTF-8"):
        read_arpa(file)
    with pytest.raises(DataError, match="no such regular file"):
        read_arpa(file.parent)


def collapsed(path):
    return tuple(symbol for symbol, _ in itertools.groupby(path) if symbol)


def test_the_beam_adds_the_language_model_and_the_bonus(file):
    """A beam that keeps everything finds the score of every output exactly."""
    model = read(file)
    torch.manual_seed(0)
    log_probs = torch.randn(1, 4, 6).log_softmax(-1)
    log_probs[:, :, 1:4] = -60.0  # special ids are never written
    pieces = ("", "", "", "", "a", "b")
    config = CtcPrefixBeamConfig(
        size=1000, symbol_gap=None, ngram=NgramFusion(file="x", weight=0.7), length_bonus=0.3
    )
    beam = CtcPrefixBeam(config, LOGITS).listening(NgramPieces(model, pieces), weight=0.7)

    (found,) = beam(log_probs, torch.tensor([4]))

    chances: dict[tuple[int, ...], float] = {}
    for path in itertools.product((0, 4, 5), repeat=4):
        chance = math.exp(sum(log_probs[0, t, s] for t, s in enumerate(path)))
        chances[collapsed(path)] = chances.get(collapsed(path), 0.0) + chance
    for hypothesis in found:
        if not set(hypothesis.ids) <= {4, 5}:
            continue
        words = [pieces[i] for i in hypothesis.ids]
        heard = sum(model.log_prob(("<s>", *words[:n]), word) for n, word in enumerate([*words, "</s>"]))
        expected = math.log(chances[hypothesis.ids]) + 0.7 * heard + 0.3 * len(words)
        assert hypothesis.score == pytest.approx(expected, abs=1e-4)
    assert [one.score for one in found] == sorted((one.score for one in found), reverse=True)


def test_words_count_once_they_are_whole(file):
    model = read(file)
    starts, texts = [False] * 4 + [True, False, True], ["", "", "", "", "", "a", "b"]  # a space, `a`, `▁b`

    heard, total = NgramWords(model, starts, texts), 0.0
    for token in (5, 4, 6):  # "a", " ", "▁b"
        total += heard.gain(token)
        heard = heard.after(token)

    assert total == pytest.approx(model.log_prob(("<s>",), "a"))
    ends = model.log_prob(("<s>", "a"), "b") + model.log_prob(("a", "b"), "</s>")
    assert heard.end_gain() == pytest.approx(ends)


def test_a_word_that_the_file_knows_is_written_in_place_of_a_more_audible_misspelling(file):
    known = "\\data\\\nngram 1=3\n\n\\1-grams:\n-99\t<s>\n-0.3\t</s>\n-0.3\tab\n\n\\end\\\n"
    probs = torch.full((1, 3, 6), 1e-9)
    probs[0, 0, 4], probs[0, 1, 0] = 1.0, 1.0
    probs[0, 2, 4], probs[0, 2, 5] = 0.6, 0.4  # "aa" is heard more clearly than "ab"
    config = CtcPrefixBeamConfig(size=8, ngram=NgramFusion(file="x", weight=0.5))
    words = NgramWords(read(file, known), [False] * 6, ["", "", "", "", "a", "b"])

    (alone,) = CtcPrefixBeam(CtcPrefixBeamConfig(size=8), LOGITS)(probs.log(), torch.tensor([3]))
    (helped,) = CtcPrefixBeam(config, LOGITS).listening(words, weight=0.5)(probs.log(), torch.tensor([3]))

    assert (alone[0].ids, helped[0].ids) == ((4, 4), (4, 5))


def test_a_search_listens_to_one_language_model():
    config = CtcPrefixBeamConfig(
        ngram=NgramFusion(file="x", weight=1.0), language_model=ShallowFusion(run="y", weight=1.0)
    )
    with pytest.raises(Mismatch, match="one language model"):
        config.output(LOGITS)


def test_a_search_that_was_given_no_model_says_so():
    search = CtcPrefixBeam(CtcPrefixBeamConfig(ngram=NgramFusion(file="x", weight=1.0)), LOGITS)
    with pytest.raises(TypeError, match="was given none"):
        search(torch.zeros(1, 2, 6), torch.tensor([2]))
