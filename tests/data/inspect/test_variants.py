from seqspec.data.corpus.near_names import folded


def test_labels_are_folded_by_blanks_case_width_and_form():
    assert len({folded(label) for label in ("Good", " good", "ｇｏｏｄ", "go od")}) == 1
    assert folded("good") != folded("bad")
