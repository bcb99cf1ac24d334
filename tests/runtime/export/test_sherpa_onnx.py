"""A CTC recogniser in sherpa-onnx hears what the run hears, from the waveform on."""

import json

import pytest
import torch

import seqspec
import seqspec.runtime.export.export as exporting
from seqspec.runtime.commands.export import Request, export
from seqspec.runtime.export.subject import open_subject
from seqspec.runtime.export.targets import sherpa_onnx as target
from seqspec.schema.diagnostic import Exit
from tests.runtime.export.conftest import SPEECH, trained

pytestmark = pytest.mark.filterwarnings(
    "ignore::FutureWarning", "ignore::DeprecationWarning", "ignore::UserWarning"
)
library = pytest.importorskip("sherpa_onnx")


@pytest.fixture(scope="module")
def recogniser_as_kaldi_hears(runs):
    features = "data.audio.features={type: log_mel, high_hz: 7600.0, snip_edges: false}"
    return trained("asr_librispeech_ctc", (*SPEECH, features), runs)


def talkative(*args, **options):
    """After so few steps the blank wins everywhere; one letter in its place gives something to read, and no two
    scores so near that the last bits of a frame decide between them.
    """
    subject = open_subject(*args, **options)
    (bias,) = (one for one in subject.model.head.parameters() if one.dim() == 1)
    with torch.no_grad():
        bias[7] += 100
    return subject


def test_texts_of_recordings_are_equal(recogniser_as_kaldi_hears, tmp_path, monkeypatch):
    monkeypatch.setattr(exporting, "open_subject", talkative)
    heard = []
    best_path = target._best_path
    monkeypatch.setattr(target, "_best_path", lambda *given: heard.append(best_path(*given)) or heard[-1])

    done = seqspec.open_run(recogniser_as_kaldi_hears).export("sherpa_onnx", output=tmp_path / "out")

    about = json.loads((tmp_path / "out" / "export.json").read_text())
    assert [check.passed for check in done.checks] == [True]
    assert any(heard)
    assert about["open"].startswith("sherpa_onnx.OfflineRecognizer.from_wenet_ctc(")
    assert (tmp_path / "out" / "tokens.txt").read_text().startswith("<blk> 0\n")


def test_features_that_it_makes_otherwise_are_refused(recogniser, tmp_path):
    outcome = export(Request(recogniser, "sherpa_onnx", output=tmp_path / "out"))

    assert outcome.exit == Exit.USAGE
    assert "sherpa-onnx computes features with `" in outcome.error
    assert not (tmp_path / "out").exists()


def test_what_is_no_recogniser_is_refused(translator, tmp_path):
    outcome = export(Request(translator, "sherpa_onnx", output=tmp_path / "out"))

    assert outcome.exit == Exit.USAGE
    assert "CTC recognisers of recordings, and this is a `encoder_decoder`" in outcome.error
