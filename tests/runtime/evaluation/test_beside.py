"""What is told beside the metrics: labels, utterances, baselines."""

import itertools

from seqspec.compile.diagnostics.formats.text import width
from seqspec.runtime.evaluation.label_details import confusion_lines, label_details
from seqspec.runtime.evaluation.utterance_details import Errors, Utterance, by_length, utterance_details
from seqspec.runtime.report.numbers import shown


def test_the_confusion_matrix_has_a_row_for_each_reference():
    found = label_details([("pos", "pos"), ("pos", "neg"), ("neg", "neg")], ["neg", "pos", "other"])

    assert found["confusion"] == {
        "labels": ["neg", "pos", "other"],
        "counts": [[1, 1, 0], [0, 1, 0], [0, 0, 0]],
    }
    assert found["scores"]["pos"] == {
        "precision": 0.5,
        "recall": 1.0,
        "f1": 2 / 3,
        "examples": 1,
        "predicted": 2,
    }


def test_the_matrix_is_aligned_where_labels_are_wide():
    lines = confusion_lines(label_details([("肯定", "肯定"), ("否定", "肯定")], ["否定", "肯定"]))

    assert lines[0].endswith("  否定    肯定")
    assert len({width(line) for line in lines}) == 1


def test_of_many_labels_the_most_confused_pairs_are_printed():
    names = [f"l{n}" for n in range(20)]

    lines = confusion_lines(label_details([("l1", "l0")] * 3 + [("l2", "l0")], names))

    assert [line.split() for line in lines] == [
        ["3", "times", "`l0`", "taken", "for", "`l1`"], ["1", "times", "`l0`", "taken", "for", "`l2`"]
    ]  # fmt: skip


def test_errors_are_told_by_pair_by_speaker_and_by_length():
    errors = Errors()
    pairs = [("the cat sat", "the cat sat down"), ("a dog", "the dog"), ("uh yes", "yes")]
    counts = [errors.add(h.split(), r.split()) for h, r in pairs]
    speakers = ("ann", "bob", "ann")
    utterances = [
        Utterance(str(n), count, len(r.split()), who)
        for n, (count, (_, r), who) in enumerate(zip(counts, pairs, speakers, strict=True))
    ]

    found = utterance_details(utterances, errors)

    assert counts == [1, 1, 1]
    assert found["substitutions"] == [{"reference": "the", "hypothesis": "a", "times": 1}]
    assert found["deletions"] == [{"reference": "down", "times": 1}]
    assert found["insertions"] == [{"hypothesis": "uh", "times": 1}]
    assert found["by_speaker"]["ann"] == {"utterances": 2, "errors": 2, "units": 5, "rate": 0.4}
    assert [(one["from"], one["to"], one["errors"]) for one in found["by_length"]] == [
        (1, 1, 1),
        (2, 2, 1),
        (4, 4, 1),
    ]
    assert found["utterances"][0] == {"id": "0", "errors": 1, "units": 4, "speaker": "ann"}


def test_every_utterance_is_in_one_group_of_lengths():
    utterances = [Utterance(str(n), n % 2, 1 + n * n) for n in range(50)]

    groups = by_length(utterances)

    assert len(groups) == 4
    assert sum(one["utterances"] for one in groups) == 50
    assert all(a["to"] < b["from"] for a, b in itertools.pairwise(groups))
    assert by_length([]) == []


def test_per_cent_is_what_a_metric_declares():
    assert shown("wer_deletions", 0.5) == "50.00 %"
    assert shown("f1_micro", 0.5) == "50.00 %"
    assert shown("auc", 0.5) == "0.5000"
    assert shown("loss", 0.5) == "0.5000"
    assert shown("loss.error", 0.5) == "0.5000"
