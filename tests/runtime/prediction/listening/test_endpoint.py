"""Where utterances end: by the rules alone, and the same whatever pieces a recording comes in."""

import itertools
import json

import numpy as np
import pytest
import soundfile
import torch

from seqspec.runtime.prediction.listening.endpoint import EndpointDetector, EndRules
from seqspec.runtime.prediction.listening.recognizer import recognizer_of
from seqspec.runtime.prediction.opening import open_predictor
from seqspec.schema.types import PAD
from tests.runtime.prediction.listening.test_listen import (  # noqa: F401 (fixtures)
    LAUNCH,
    heard,
    recording,
    speech,
)


def states(path):
    """Log-probabilities whose best symbols are the letters of ``path``, a point being the blank."""
    return torch.eye(4)[[PAD if one == "." else 1 + "abc".index(one) for one in path]].log()


def utterances(path, rules, *, size):
    detector, found, spoken = EndpointDetector(rules, state_seconds=0.04), [], ""
    for at in range(0, len(path), size):
        piece = path[at : at + size]
        while piece and (count := detector.first_end(states(piece))) is not None:
            found.append(spoken + piece[:count])
            spoken, piece = "", piece[count:]
        spoken += piece
    return [*found, spoken]


@pytest.mark.parametrize("size", [1, 2, 3, 50])
@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        (EndRules(), ["......ab..c...aa.b......"]),
        (EndRules(silence=0.12), ["......ab..c...", "aa.b...", "..."]),
        (EndRules(silence=0.08), ["......ab..", "c..", ".aa.b..", "...."]),
        (EndRules(longest=0.4), ["......ab..", "c...aa.b..", "...."]),
        (EndRules(silence=0.12, longest=0.4), ["......ab..", "c...", "aa.b...", "..."]),
        (EndRules(silence=0.11), ["......ab..c...", "aa.b...", "..."]),
    ],
)
def test_silence_after_speech_and_length_end_an_utterance(rules, expected, size):
    assert utterances("......ab..c...aa.b......", rules, size=size) == expected


@pytest.fixture
def hesitant(speech):  # noqa: F811
    """A recogniser that hears nothing in half of its states."""
    recognizer = recognizer_of(open_predictor(speech.path, launch=LAUNCH, timestamps=True))
    advance = recognizer.model.advance

    def quieter(x_1ND, state, *, last):
        log_probs_1SV, state = advance(x_1ND, state, last=last)
        loud_1S = log_probs_1SV[..., 1:].amax(-1) - log_probs_1SV[..., PAD]
        quieter.seen += loud_1S.flatten().tolist()
        log_probs_1SV = log_probs_1SV.clone()
        log_probs_1SV[..., PAD] += quieter.by
        return log_probs_1SV, state

    quieter.seen, quieter.by = [], 0.0
    recognizer.model.advance = quieter
    return recognizer, quieter


def listened(recognizer, samples, *, size, rules):
    listener, found = recognizer.listen(keep=True, rules=rules), []
    for at in range(0, len(samples), size):
        listener.hear(samples[at : at + size])
        found += listener.take()
    last = listener.end()
    return [*found, *listener.take(), last], listener


def test_utterances_are_the_same_in_any_pieces_and_each_is_searched_alone(hesitant, recording):  # noqa: F811
    recognizer, quieter = hesitant
    samples = soundfile.read(recording, dtype="float32")[0]
    listened(recognizer, samples, size=len(samples), rules=EndRules())
    quieter.by = float(np.median(quieter.seen))
    rules = EndRules(silence=3 * recognizer.state_seconds, longest=0.3)

    whole, listener = listened(recognizer, samples, size=len(samples), rules=rules)

    assert len(whole) > 3
    assert all(one.end - one.begin <= 0.3 + 1e-6 for one in whole)
    assert all(one.end <= two.begin + 1e-6 for one, two in itertools.pairwise(whole))
    for one in whole:
        (found,) = recognizer.search(
            torch.cat(one.log_probs)[None], torch.tensor([sum(map(len, one.log_probs))])
        )
        assert one.ids == list(found[0].ids)
    for size in (137, 4001):
        pieces, other = listened(recognizer, samples, size=size, rules=rules)
        assert [one[:4] for one in pieces] == [one[:4] for one in whole]
        assert other.states == listener.states


def test_each_utterance_has_its_line_and_words_their_place_in_the_recording(speech, recording, capfd):  # noqa: F811
    samples = soundfile.read(recording, dtype="int16")[0]
    outcome, lines, _ = heard(
        speech, samples.tobytes(), capfd, format="jsonl", timestamps=True, max_utterance=0.2
    )
    finals = [one for one in map(json.loads, lines) if "text" in one]

    assert outcome.exit == 0
    assert len(finals) > 2
    assert [one["begin"] for one in finals] == sorted(one["begin"] for one in finals)
    words = [(one, word) for one in finals for word in one["words"]]
    assert words
    assert all(one["begin"] <= word["start"] < word["end"] <= one["seconds"] + 0.05 for one, word in words)
    assert [" ".join(word["word"] for word in one["words"]) for one in finals] == [
        " ".join(one["text"].split()) for one in finals
    ]
