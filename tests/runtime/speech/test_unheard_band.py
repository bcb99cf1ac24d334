"""A recogniser that hears higher than the frames of the model that it is to judge reach."""

import pytest

import seqspec
from seqspec.runtime.assembly.recognizer_runs import unheard_band


@pytest.mark.parametrize(
    ("spoken", "heard", "note"),
    [
        (4000.0, None, "the recogniser hears up to 8,000 Hz, and the frames reach 4,000 Hz"),
        (4000.0, 4000.0, None),
        (8000.0, None, None),
    ],
)
def test_what_no_frame_reaches_is_told(spoken, heard, note):
    speaks = seqspec.load("specs/tts_digits.yaml", set=[f"data.audio.features.high_hz={spoken}"])
    hears = seqspec.load(
        "specs/asr_librispeech_ctc.yaml", set=[f"data.audio.features.high_hz={heard or 'null'}"]
    )

    found = unheard_band(speaks.plan, hears.plan)

    assert found is None if note is None else found.startswith(note)
