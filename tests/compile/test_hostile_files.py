"""Files that are no specs, bases without end: each is told in one message, soon, and nothing of it is shown."""

import os
import time

import pytest

from seqspec.compile.parse.parse import parse
from seqspec.compile.validation import Options, validate_file, validate_specs
from seqspec.schema.diagnostic import SpecError

pytestmark = pytest.mark.timeout(30)


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def told(file):
    return [(d.code, d.message) for d in validate_file(file, Options())]


def test_a_pipe_is_no_spec(here):
    os.mkfifo(here / "pipe.yaml")
    (here / "spec.yaml").write_text("extends: pipe.yaml\n")

    assert told(here / "pipe.yaml") == [
        ("SQ000", f"cannot read `{here}/pipe.yaml`: it is a pipe, not a regular file")
    ]
    assert told(here / "spec.yaml") == [
        ("SQ301", "`pipe.yaml` cannot be read: it is a pipe, not a regular file")
    ]
    assert "`pipe.yaml`" not in (validate_file(here / "spec.yaml", Options())[0].help or "")


def test_a_device_is_no_spec(here):
    (here / "spec.yaml").symlink_to("/dev/zero")

    assert told(here / "spec.yaml") == [
        ("SQ000", f"cannot read `{here}/spec.yaml`: it is a device, not a regular file")
    ]


@pytest.mark.parametrize("name", ["id_rsa", "link.yaml"])
def test_of_a_file_that_is_no_spec_nothing_is_shown(name, here):
    (here / "id_rsa").write_text("-----BEGIN KEY-----\nsecret: [\n")
    (here / "link.yaml").symlink_to(here / "id_rsa")
    verdict = validate_specs([here / name], Options())

    assert verdict.exit == 2
    assert "SQ040" in verdict.out
    assert "secret" not in verdict.out
    assert "BEGIN" not in verdict.out


def test_nor_of_a_base_that_is_none(here):
    (here / "id_rsa").write_text("-----BEGIN KEY-----\nsecret: [\n")
    (here / "spec.yaml").write_text("extends: id_rsa\n")
    verdict = validate_specs([here / "spec.yaml"], Options())

    assert "SQ040" in verdict.out
    assert "secret" not in verdict.out


def test_links_in_a_circle_are_a_missing_base(here):
    (here / "a.yaml").symlink_to("b.yaml")
    (here / "b.yaml").symlink_to("a.yaml")
    (here / "spec.yaml").write_text("extends: a.yaml\n")

    assert told(here / "spec.yaml") == [("SQ301", "`a.yaml` cannot be read: symbolic links lead in a circle")]
    assert [code for code, _ in told(here / "a.yaml")] == ["SQ000"]


def test_a_link_that_repeats_its_own_folder_is_told(here):
    (here / "x").symlink_to(".")
    (here / "spec.yaml").write_text(f"extends: {'x/' * 3000}none.yaml\n")
    (here / "again.yaml").write_text(f"extends: {'x/' * 30}again.yaml\n")

    assert [code for code, _ in told(here / "spec.yaml")] == ["SQ301"]
    assert [code for code, _ in told(here / "again.yaml")] == ["SQ302"]


def test_bases_that_widen_are_bounded(here):
    for level in range(4):
        names = [f"l{level + 1}_{i}.yaml" for i in range(20)]
        for i in range(20 if level else 1):
            (here / f"l{level}_{i}.yaml").write_text(f"extends: [{', '.join(names)}]\n")
    for i in range(20):
        (here / f"l4_{i}.yaml").write_text("seed: 1\n")
    begin = time.process_time()

    assert told(here / "l0_0.yaml") == [("SQ304", "the spec builds on more than 64 files")]
    assert time.process_time() - begin < 2


def test_bases_that_weigh_too_much_are_refused(here):
    for i in range(3):
        (here / f"b{i}.yaml").write_text("seed: 1\n" + "# words\n" * 60_000)
    (here / "spec.yaml").write_text("extends: [b0.yaml, b1.yaml, b2.yaml]\n")

    assert "SQ304" in [code for code, _ in told(here / "spec.yaml")]


@pytest.mark.parametrize(
    ("name", "help"),
    [
        ("reveiw.yaml", "did you mean `{folder}/review.yaml`?"),
        ("review", "did you mean `{folder}/review.yaml`?"),
        ("lm_shakespeare_char", "`seqspec new lm_shakespeare_char --output lm_shakespeare_char.yaml` writes"),
        ("other.yaml", "name a spec file that exists"),
        ("folder/x.yaml", "name a spec file that exists"),
    ],
)
def test_a_spec_that_is_not_there_is_told_with_the_one_that_is_meant(name, help, tmp_path):
    (tmp_path / "review.yaml").touch()

    with pytest.raises(SpecError) as caught:
        parse(tmp_path / name)

    assert caught.value.diagnostics[0].help.startswith(help.format(folder=tmp_path))
