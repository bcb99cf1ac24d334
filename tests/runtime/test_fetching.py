from __future__ import annotations

import pytest

from seqspec.runtime.commands.fetch import fetch_corpora
from seqspec.schema.adapter._adapter import Download
from seqspec.schema.adapter.kftt import KfttConfig
from seqspec.schema.diagnostic import Exit
from tests.data.serving import archive, serving

SPEC = """
seqspec: 1
name: fetching
data:
  source: {source}
  text:
    source: {{segment: null, tokenizer: characters}}
    target: {{tokenizer: characters}}
  batch: {{unit: tokens, size: 64}}
model:
  type: encoder_decoder
  encoder: {{type: transformer, num_layers: 1, dim: 8, num_heads: 1}}
  decoder: transformer
train: {{max_steps: 1}}
"""


@pytest.fixture
def spec(tmp_path):
    def write(source: str):
        path = tmp_path / "spec.yaml"
        path.write_text(SPEC.format(source=source))
        return path

    return write


@pytest.fixture
def site(monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with serving() as site:
        site.content = archive("kftt-data-1.0/README")
        monkeypatch.setattr(KfttConfig, "downloads", lambda self: (Download(site.url, "200 kB"),))
        yield site


def _fetch(spec, *, only=(), dry=False):
    return fetch_corpora(spec, over=(), only=only, dry=dry)


def test_brings_a_corpus_to_where_the_spec_says(spec, site, tmp_path):
    file = spec(f"{{type: kftt, root: {tmp_path}/corpora}}")
    first, second = _fetch(file), _fetch(file)

    assert (tmp_path / "corpora" / "kftt-data-1.0" / "README").is_file()
    assert first.exit == second.exit == Exit.CLEAN
    assert "corpus.tar: fetched, 1 files" in first.out
    assert "there already" in second.out
    assert len(site.asked) == 1


def test_brings_every_corpus_of_a_mixture(spec, site, tmp_path):
    part = "{{name: {0}, source: {{type: kftt, root: {1}/{0}}}}}"
    parts = ", ".join(part.format(name, tmp_path) for name in ("a", "b"))
    outcome = _fetch(spec(f"{{type: mix, parts: [{parts}]}}"))

    assert outcome.exit == Exit.CLEAN
    assert all((tmp_path / name / "kftt-data-1.0" / "README").is_file() for name in ("a", "b"))


def test_parts_without_a_root_go_below_that_of_the_mixture(spec, site, tmp_path):
    outcome = _fetch(spec(f"{{type: mix, root: {tmp_path}/all, parts: [{{name: a, source: kftt}}]}}"))

    assert outcome.exit == Exit.CLEAN
    assert (tmp_path / "all" / "a" / "kftt-data-1.0" / "README").is_file()


def test_says_what_it_would_fetch_and_fetches_nothing(spec, site):
    outcome = _fetch(spec("kftt"), dry=True)

    assert outcome.out == f"corpus.tar  200 kB  {site.url}\n"
    assert site.asked == []


@pytest.mark.parametrize(
    ("source", "only", "part"),
    [
        ("kftt", (), "--set data.source.root=FOLDER"),
        ("kftt", ("nothing*",), "there are corpus.tar"),
        ("wmt, source_language: de, target_language: en, splits: {train: my.{language}}", (), "no address"),
    ],
)
def test_what_cannot_be_fetched_is_told_with_what_to_do(source, only, part, spec, site):
    outcome = _fetch(spec(f"{{type: {source}}}".replace("my.{language}", '"my.{language}"')), only=only)

    assert outcome.exit == Exit.DATA
    assert part in outcome.error


def test_a_wrong_spec_is_told_as_ever(spec):
    outcome = _fetch(spec("kfft"))

    assert outcome.exit == Exit.DIAGNOSTICS
    assert "did you mean `kftt`?" in outcome.error
