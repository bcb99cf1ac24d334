"""The text steps together: what reaches the tokenizer, what comes back, where it stood in the raw string."""

from __future__ import annotations

import pickle
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqspec.data.text.aligned import Aligned, identity, rewrite
from tests.components.text_steps import mecab, processor, segmenter

LINES = ["東京の大学に行く。", "iPhone 14を買う", "ﾃｽﾄ㍿", "京都 大阪　神戸", "彼は１２歳だ！"]
JAPANESE = st.lists(st.sampled_from([*"東京大学行くのにがﾃﾞ㍿か\u3099１a 。", "\u3000"]), max_size=15).map(
    "".join
)


def test_words_reach_the_tokenizer_apart():
    steps = processor(segment=mecab(), tokens="words")

    assert steps.prepare("東京の 大学") == "東京 の ␣ 大学"


def test_decoding_takes_our_spaces_out_and_leaves_the_texts_own():
    steps = processor(segment=mecab(), tokens="words")
    steps.train(LINES)

    assert [steps.decode(steps.encode(line)) for line in LINES] == LINES


def test_whitespace_words_come_back_with_single_spaces():
    steps = processor(segment=segmenter("whitespace"), tokens="words")
    steps.train(["a  b\tc"])

    assert steps.decode(steps.encode("a  b\tc")) == "a b c"


def test_pretokenized_text_keeps_its_spaces():
    steps = processor(segment=segmenter("pretokenized", by="kytea-0.4.7"), tokens="words")
    steps.train(["東京 に 行 く"])

    assert steps.decode(steps.encode("行 く 東京")) == "行 く 東京"
    assert steps.fingerprint()["segment"] == {"type": "pretokenized", "by": "kytea-0.4.7"}


def test_sentencepiece_learns_from_words():
    steps = processor("nfkc", segment=mecab(), tokens="sentencepiece", vocab_size=320, limit="soft")
    steps.train(LINES * 20)

    assert steps.prepare("東京の大学") == "東京 の 大学"
    assert (
        steps.pieces("東京の大学").count("▁")
        + sum(p[0] == "▁" and len(p) > 1 for p in steps.pieces("東京の大学"))
        == 3
    )
    assert steps.decode(steps.encode("東京の大学に行く。")) == "東京の大学に行く。"


@pytest.mark.parametrize("segment", [None, "mecab", "characters", "whitespace"])
@pytest.mark.parametrize("tokens", ["characters", "words", "bytes", "sentencepiece"])
@settings(deadline=None, max_examples=30)
@given(text=JAPANESE)
def test_offsets_stand_in_the_raw_string(segment, tokens, text):
    cut = mecab() if segment == "mecab" else segmenter(segment) if segment else None
    options = {"vocab_size": 300, "limit": "soft"} if tokens == "sentencepiece" else {}
    steps = processor("nfkc", "lowercase", segment=cut, tokens=tokens, **options)
    steps.train(LINES)

    spans = steps.offsets(text)

    assert len(spans) == len(steps.encode(text))
    assert all(0 <= start <= end <= len(text) for start, end in spans)
    assert all(before[0] <= after[0] for before, after in pairwise(spans))
    covered = {i for start, end in spans for i in range(start, end)}
    assert all(i in covered or text[i].isspace() for i in range(len(text)))


def test_t10_offsets_lead_back_through_normalisation():
    steps = processor("nfkc")
    steps.train(["株式会社ガ"])
    text = "㍿ｶﾞ"

    assert [text[start:end] for start, end in steps.offsets(text)] == ["㍿"] * 4 + ["ｶﾞ"]


@settings(deadline=None)
@given(text=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="▁␣\t\n"), max_size=20))
def test_segmented_bytes_come_back_whole(text):
    steps = processor(segment=mecab(), tokens="bytes")
    back = steps.decode(steps.encode(text))

    unspaced = str.maketrans(dict.fromkeys(c for c in text if c.isspace() or c == "\0"))
    assert back.translate(unspaced).replace(" ", "") == text.translate(unspaced).replace(" ", "")


def test_readings_point_at_the_words_that_they_stand_for():
    read = segmenter("mecab", dictionary="ipadic", reading="kana", unknown_reading="surface")
    steps = processor("nfkc", segment=read, tokens="words")
    steps.train(["学校 に行く"])
    text = "学校に 行く"

    assert steps.decode(steps.encode(text)) == "ガッコウニ イク"
    assert [text[start:end] for start, end in steps.offsets(text)] == ["学校", "に", " ", "行く"]


def test_words_of_other_parts_of_speech_leave_nothing_behind():
    nouns = segmenter("mecab", dictionary="ipadic", keep=["名詞"])
    steps = processor(segment=nouns, tokens="words")
    steps.train(["東京の大学に行く"])

    assert steps.prepare("東京の大学に行く") == "東京 大学"
    assert steps.offsets("東京の大学に行く") == [(0, 2), (3, 5)]
    assert steps.encode("の") == []


def test_batches_are_the_single_lines():
    steps = processor("nfkc", segment=mecab())
    steps.train(LINES)

    assert steps.encode_batch(LINES) == [steps.encode(line) for line in LINES]


@pytest.mark.parametrize("options", [{"tokens": "characters"}, {"tokens": "words"}, {"tokens": "sentencepiece",
                         "vocab_size": 320, "limit": "soft"}], ids=lambda options: options["tokens"])  # fmt: skip
def test_what_is_gathered_elsewhere_teaches_the_same(options):
    elsewhere = pickle.loads(pickle.dumps(processor("nfkc", segment=mecab(), **options)))
    gathered = [
        pickle.loads(pickle.dumps(elsewhere.gather(block))) for block in (LINES, LINES[1:], LINES[:2])
    ]

    learned = processor("nfkc", segment=mecab(), **options).learn(gathered)

    whole = processor("nfkc", segment=mecab(), **options)
    assert learned == whole.train([*LINES, *LINES[1:], *LINES[:2]])


def test_texts_are_cut_once_for_learning_and_encoding():
    class Counting:
        separator, surface, calls = "", True, 0

        def spans(self, text):
            self.calls += 1
            return [(0, len(text))]

    cut = Counting()
    steps = processor(segment=cut, tokens="words")
    steps.train(LINES)
    once = steps.encode_batch(LINES)

    assert cut.calls == len(LINES)
    assert steps.encode_batch(LINES) == once
    assert cut.calls == 2 * len(LINES)
    steps.train(LINES)
    assert not pickle.loads(pickle.dumps(processor(tokens="bytes")))._prepared


def test_steps_travel_between_processes():
    steps = processor(
        "nfkc", "lowercase", segment=mecab(), tokens="sentencepiece", vocab_size=300, limit="soft"
    )
    steps.train(LINES)

    again = pickle.loads(pickle.dumps(steps))

    assert again.encode_batch(LINES) == steps.encode_batch(LINES)
    assert again.fingerprint() == steps.fingerprint()


def test_t25_fingerprints_tell_dictionaries_and_settings_apart():
    made = [
        processor("nfkc", segment=mecab("unidic-lite")),
        processor("nfkc", segment=mecab("ipadic")),
        processor("nfc", segment=mecab("ipadic")),
        processor("nfkc"),
        processor("nfkc", tokens="bytes"),
    ]

    assert len({repr(steps.fingerprint()) for steps in made}) == len(made)


def test_round_trip_counts_what_comes_back():
    steps = processor("lowercase")
    steps.train(["abc"])

    found = steps.round_trip(["abc", "ABC", "abd"])

    assert (found.lines, found.exact, found.normalized, found.tokens, found.unknown) == (3, 1, 2, 9, 1)
    assert found.examples == (("ABC", "abc"), ("abd", "ab<unk>"))


def test_round_trip_counts_bytes_that_stand_for_letters():
    steps = processor(tokens="sentencepiece", vocab_size=300, limit="soft")
    steps.train(["abc"])

    found = steps.round_trip(["犬"])

    assert (found.exact, found.fallback) == (1, 3)


@given(
    st.text(max_size=10),
    st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9), st.text(max_size=3)), max_size=3),
)
def test_rewriting_twice_is_rewriting_once(text, wanted):
    edits, position = [], 0
    for a, b, replacement in sorted(wanted):
        start, end = max(position, min(a, b, len(text))), min(max(a, b), len(text))
        if start <= end and start >= position:
            edits.append((start, end, replacement))
            position = end
    once = rewrite(text, edits)

    assert identity(text).then(once) == once
    assert once.then(identity(once.text)).text == once.text


def test_alignments_of_different_texts_cannot_follow_one_another():
    with pytest.raises(ValueError, match="cannot follow"):
        identity("abc").then(Aligned("x", ((0, 1),), 1))
