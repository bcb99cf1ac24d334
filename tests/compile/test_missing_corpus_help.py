"""A profile is suggested only where the spec has it."""

import pytest

from seqspec.compile.analysis.with_data import missing_data
from seqspec.compile.diagnostics.report import located
from seqspec.compile.pipeline import compile as compile_spec
from seqspec.schema.diagnostic import DataError

SPEC = """
seqspec: 1
name: a
data:
  source: {type: bitext, root: /nonexistent, source_language: de, target_language: en}
  text: {shared: {tokenizer: bytes}}
  batch: {unit: examples, size: 4}
model:
  type: encoder_decoder
  encoder: {type: transformer, num_layers: 1, dim: 8, num_heads: 2}
  decoder: {type: transformer, num_layers: 1}
train: {max_steps: 5}
"""
PROFILE = "profiles: {NAME: {data: {source: {synthetic: 8}}}}\n"


@pytest.mark.parametrize(
    ("profile", "suggested"),
    [("", False), (PROFILE.replace("NAME", "small"), False), (PROFILE.replace("NAME", "tiny"), True)],
)
def test_the_profile_tiny_is_suggested_where_there_is_one(tmp_path, profile, suggested):
    file = tmp_path / "a.yaml"
    file.write_text(SPEC + profile)
    compiled = compile_spec(file)

    (found,) = missing_data(compiled)
    with pytest.raises(DataError) as caught, located(compiled.tree, profiles=compiled.profiles):
        raise DataError("there is no folder", code="SQ401", help="point to it", at=("data", "source"))

    assert found.code == "SQ401"
    for help in (found.help, caught.value.help, caught.value.diagnostic.help):
        assert ("`--profile tiny`" in help) is suggested
