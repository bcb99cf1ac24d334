"""A component whose type changes starts afresh: what is missing then says why, and inherited profiles keep out."""

from pathlib import Path

import pytest

from seqspec.compile.resolve.overlay import Overlay
from seqspec.compile.validation import Options, validate_file

EXAMPLE = Path(__file__).with_name("example.yaml").read_text(encoding="utf-8")


@pytest.fixture
def base(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    learned = EXAMPLE.replace("{type: characters}", "{type: sentencepiece, vocab_size: 8000}")
    profile = "{tokenizer: {vocab_size: 400}}"
    (tmp_path / "base.yaml").write_text(
        learned.replace(
            "tiny: {train", f"tiny: {{data: {{text: {{source: {profile}, target: {profile}}}}}, train"
        ),
        encoding="utf-8",
    )
    return tmp_path


def test_what_is_missing_says_that_the_type_changed(base):
    found = validate_file(base / "base.yaml", Options(overlays=(Overlay.set("data.source.type=tsv"),)))

    assert {d.code for d in found} == {"SQ102"}
    assert {d.note for d in found} == {
        "what was written for `bitext` does not count for `tsv`: another type starts afresh"
    }


@pytest.mark.parametrize(
    "text",
    [
        "{source: {tokenizer: characters}, target: {tokenizer: {type: characters}}}",
        "{source: null, target: null, shared: {tokenizer: characters}}",
    ],
)
def test_an_inherited_profile_says_nothing_of_what_is_gone(text, base):
    (base / "spec.yaml").write_text(f"extends: base.yaml\ndata: {{text: {text}}}\n")

    assert validate_file(base / "base.yaml", Options()) == []
    assert [d.message for d in validate_file(base / "spec.yaml", Options())] == []
