"""A mixture of corpora that do not fit is one mistake, whatever else the spec counts on."""

import pytest

from seqspec.compile.validation import Options, validate_file

SPEC = """\
seqspec: 1
name: mixed
data:
  source:
    type: mix
    synthetic: 40
    parts:
      - {{name: speech, source: {{type: librispeech}}}}
      - {{name: text, source: {{type: lines, language: en}}}}
  audio: {{features: log_mel}}
  text: {{target: {{tokenizer: characters}}}}
  batch: {{unit: {unit}, size: 2048}}
model:
  type: encoder_decoder
  encoder: {{type: conformer, num_layers: 1, dim: 32, num_heads: 2}}
  decoder: {{type: transformer, num_layers: 1}}
optimizer: {{type: adam, schedule: {{type: constant, peak: 1.0e-3}}}}
train: {{max_steps: 200, checkpoint_every_steps: 100}}
evaluate: {{every_steps: 100, metrics: [wer]}}
"""


@pytest.mark.parametrize("unit", ["frames", "seconds", "tokens", "examples"])
def test_speech_beside_text_is_one_mistake(unit, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "spec.yaml").write_text(SPEC.format(unit=unit))
    found = validate_file(tmp_path / "spec.yaml", Options())

    assert [d.code for d in found if d.severity == "error"] == ["SQ200"]
    assert "Poison" not in "".join(d.message for d in found)
