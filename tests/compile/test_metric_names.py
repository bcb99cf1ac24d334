"""Metrics of one type with several settings have names of their own."""

import pytest

from seqspec.compile.plan.metric_names import metric_names, renamed
from seqspec.schema.catalogue import Catalogue


def named(*written):
    catalogue = Catalogue()
    found = []
    for one in written:
        type_, settings = (one, {}) if isinstance(one, str) else (one.pop("type"), one)
        found.append(catalogue.config("metric", type_).model_validate(settings, context=catalogue))
    return metric_names(found)


@pytest.mark.parametrize(
    ("metrics", "names"),
    [
        (["accuracy", "f1"], ("accuracy", "f1")),
        (["f1", {"type": "f1", "average": "micro"}], ("f1_macro", "f1_micro")),
        ([{"type": "bleu", "tokenize": "13a"}, {"type": "bleu", "tokenize": "13a", "lowercase": True}], ("bleu", "bleu_lowercase")),
        (["wer", "cer", {"type": "wer", "normalize": ["nfkc", "lowercase"]}], ("wer", "cer", "wer_nfkc_lowercase")),
    ],
)  # fmt: skip
def test_a_name_says_what_is_set_otherwise(metrics, names):
    assert named(*metrics) == names


def test_settings_that_no_word_tells_apart_are_numbered():
    plain = {"type": "wer", "normalize": ["numbers"]}
    other = {"type": "wer", "normalize": [{"type": "numbers", "separators": "strip"}]}

    assert named(plain, other) == ("wer_numbers", "wer_numbers_2")


def test_parts_of_a_rate_keep_their_place():
    found = renamed({"wer": 0.5, "wer_deletions": 0.25}, type_="wer", name="wer_nfkc")

    assert found == {"wer_nfkc": 0.5, "wer_nfkc_deletions": 0.25}
    assert renamed({"rouge1": 0.5}, type_="rouge", name="rouge_stem") == {"rouge_stem1": 0.5}
