from types import SimpleNamespace

from seqspec.data.corpus.near_names import folded
from seqspec.data.inspect.variants import _contradictions, _variants


def test_labels_are_folded_by_blanks_case_width_and_form():
    assert len({folded(label) for label in ("Good", " good", "ｇｏｏｄ", "go od", "good\u200b")}) == 1
    assert folded("good") != folded("bad")


def test_a_whole_number_that_became_a_float_is_a_variant():
    labels = {"target": ["1", "1.0", "0", "1.5", "10"]}
    subject = SimpleNamespace(splits={"train": labels}, texts=lambda split, role: iter(split[role]))

    (found,) = _variants(subject, "target")

    assert found.numbers == {"variants": 1}
    assert found.examples == ["'1', '1.0'"]


def test_labels_that_contradict_those_of_train_are_found():
    train = {"source": ["同じ", "別の"], "target": ["good", "bad"]}
    dev = {"source": ["同じ", "別の", "新しい"], "target": ["bad", "bad", "good"]}
    subject = SimpleNamespace(
        train=train, splits={"train": train, "dev": dev}, texts=lambda split, role: iter(split[role])
    )

    (found,) = _contradictions(subject, "source", "target")

    assert found.check == "D06"
    assert found.numbers == {"contradictions": 1}
    assert found.examples == ["同じ: bad, in train good"]
