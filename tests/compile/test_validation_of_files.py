"""``seqspec validate``: files and folders, exit codes, fixes on disk, comments that silence, faults of our own."""

import subprocess
import sys
from pathlib import Path

import pytest

from seqspec.compile import validation as judging
from seqspec.compile.resolve.resolve import Overlay
from seqspec.compile.validation import Options, specs_under, validate_file, validate_specs

EXAMPLE = Path(__file__).with_name("example.yaml").read_text(encoding="utf-8")
WARNED = EXAMPLE.replace("splits", "splits") + "description: x\n"


@pytest.fixture
def specs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "specs"
    (folder / "base").mkdir(parents=True)
    (folder / "good.yaml").write_text(EXAMPLE, encoding="utf-8")
    (folder / "bad.yaml").write_text(EXAMPLE.replace("max_steps: 200", 'max_steps: "200"'), encoding="utf-8")
    (folder / "base" / "part.yaml").write_text("train: {max_steps: 1}\n")
    (folder / ".hidden.yaml").write_text("x")
    (folder / "notes.txt").write_text("x")
    return folder


def test_a_folder_stands_for_its_specs(specs):
    assert [file.name for file in specs_under(specs)] == ["bad.yaml", "good.yaml"]


def test_nothing_named_is_specs(specs):
    verdict = validate_specs([], Options())

    assert (verdict.exit, verdict.out.count("error[")) == (1, 1)
    assert verdict.summary.startswith("2 specs: 1 error, 0 warnings")


@pytest.mark.parametrize(
    ("name", "exit"), [("good.yaml", 0), ("bad.yaml", 1), ("none.yaml", 2), ("empty", 2)]
)
def test_exit_codes(specs, name, exit):
    (specs / "empty").mkdir()

    assert validate_specs([specs / name], Options()).exit == exit


def test_fixes_are_written_in_place(specs):
    bad = specs / "bad.yaml"
    bad.write_bytes(b"\xef\xbb\xbf" + bad.read_bytes().replace(b"\n", b"\r\n"))
    bad.chmod(0o640)
    verdict = validate_specs([bad], Options(fix=True))

    assert (verdict.exit, verdict.out) == (0, "")
    assert bad.read_bytes() == b"\xef\xbb\xbf" + EXAMPLE.replace("\n", "\r\n").encode()
    assert bad.stat().st_mode & 0o777 == 0o640
    left = sorted(file.name for file in specs.iterdir())
    assert left == [".hidden.yaml", "bad.yaml", "base", "good.yaml", "notes.txt"]


def test_a_patch_changes_no_file(specs):
    before = (specs / "bad.yaml").read_bytes()
    verdict = validate_specs([specs / "bad.yaml"], Options(fix=True, show_diff=True))

    assert '-train: {max_steps: "200"' in verdict.out
    assert verdict.exit == 1
    assert (specs / "bad.yaml").read_bytes() == before


def test_overlays_reach_the_spec(specs):
    assert (
        validate_file(
            specs / "good.yaml", Options(overlays=(Overlay.profile("tiny"), Overlay.set("train.max_steps=0")))
        )[0].code
        == "SQ107"
    )


def test_many_specs_take_several_processes(specs, monkeypatch):
    monkeypatch.setattr(judging, "FEWEST_FOR_PROCESSES", 4)
    for number in range(6):
        (specs / f"more{number}.yaml").write_text(
            EXAMPLE.replace("num_heads: 2", "num_heads: 3" if number == 3 else "num_heads: 2")
        )
    one, two = validate_specs([specs], Options(jobs=1)), validate_specs([specs], Options(jobs=2))

    assert one == two
    assert one.out.count("error[") == 2


def test_our_own_faults_are_one_diagnostic(specs, monkeypatch):
    def broken(*_):
        raise KeyError("secret \x1b detail")

    monkeypatch.setattr(judging, "_compiled", broken)
    monkeypatch.delenv("SEQSPEC_DEBUG", raising=False)
    (found,) = validate_file(specs / "good.yaml", Options())

    assert found.code == "SQ900"
    assert "KeyError at test_validation_of_files.py" in found.message


def ignoring(line, comment, above=False):
    """The example with a warning of its own and a comment that may silence it."""
    text = EXAMPLE.replace("keep_last", "keep_last")
    changed = f"{comment}\n{line}" if above else f"{line}  {comment}"
    return text.replace(line, changed)


class TestIgnore:
    """With a warning of our own making, as the rules of others may change."""

    @pytest.fixture
    def silence(self):
        from seqspec.compile.diagnostics.ignore import silenced
        from seqspec.schema.diagnostic import Diagnostic
        from tests.compile.trees import tree

        def silence(text, *, severity="warning", code="SQ214"):
            root = tree(text)
            found = Diagnostic(code, "m", root.at(("b",)).span, severity=severity)
            return [d.code for d in silenced([found], root)]

        return silence

    @pytest.mark.parametrize(
        ("text", "left"),
        [
            ("a: 1\nb: 2", ["SQ214"]),
            ("a: 1\nb: 2 # seqspec: ignore[SQ214]", []),
            ("a: 1\nb: 2 #seqspec:ignore[SQ214]", []),
            ("a: 1\n# seqspec: ignore[SQ214]\nb: 2", []),
            ("a: 1 # seqspec: ignore[SQ214]\nb: 2", ["SQ214", "SQ030"]),
            ("a: 1\nb: 2 # seqspec: ignore[SQ215]", ["SQ214", "SQ030"]),
            ("a: 1\nb: 2 # seqspec: ignore[SQ214, SQ215]", ["SQ030"]),
            ("a: 1\nb: 2 # seqspec: ignore[SQ999]", ["SQ214", "SQ031"]),
            ("a: 1\nb: 2 # seqspec: ignore", ["SQ214", "SQ031"]),
            ("a: ' # seqspec: ignore[SQ214]'\nb: 2", ["SQ214"]),
        ],
    )
    def test_warnings(self, silence, text, left):
        assert silence(text) == left

    def test_errors_cannot_be_silenced(self, silence):
        assert silence("b: 2 # seqspec: ignore[SQ214]", severity="error") == ["SQ214", "SQ030"]

    def test_a_useless_comment_is_a_warning_of_the_whole_spec(self, specs):
        (specs / "good.yaml").write_text(
            EXAMPLE.replace("seqspec: 1", "seqspec: 1  # seqspec: ignore[SQ214]")
        )

        assert [d.code for d in validate_file(specs / "good.yaml", Options())] == ["SQ030"]
        assert validate_specs([specs / "good.yaml"], Options()).exit == 0
        assert validate_specs([specs / "good.yaml"], Options(strict=True)).exit == 1


def run(*words, cwd):
    return subprocess.run(
        [sys.executable, "-m", "seqspec", "validate", *words],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_command(specs):
    bad = run("specs/bad.yaml", "--format", "concise", cwd=specs.parent)

    assert bad.returncode == 1
    assert bad.stdout.startswith("specs/bad.yaml:")
    assert "1 error" in bad.stderr


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peak memory is read from /proc")
def test_the_command_loads_no_torch_and_stays_small(specs):
    code = (
        "import sys; sys.argv = ['seqspec', 'validate', 'specs/good.yaml']\n"
        "from seqspec.cli import main\n"
        "try: main()\n"
        "except SystemExit as done: print('exit', done.code)\n"
        "print('heavy', [m for m in ('torch', 'numpy', 'lightning', 'rich', 'sentencepiece') if m in sys.modules])\n"
        "peak = next(line for line in open('/proc/self/status') if line.startswith('VmHWM'))\n"
        "print('MiB', int(peak.split()[1]) // 1024)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=specs.parent, capture_output=True, text=True, check=True
    )
    lines = dict(line.split(" ", 1) for line in done.stdout.splitlines())

    assert (lines["exit"], lines["heavy"]) == ("0", "[]")
    assert int(lines["MiB"]) <= 45


def test_a_patch_is_told_with_what_stays_wrong_after_it(specs):
    text = EXAMPLE.replace("metrics: [chrf]", "metrics: chrf").replace(
        "warmup_steps: 10", "warmup_steps: 1000"
    )
    (specs / "bad.yaml").write_text(text, encoding="utf-8")
    verdict = validate_specs([specs / "bad.yaml"], Options(unsafe_fixes=True, show_diff=True))

    assert "+evaluate" in verdict.out
    assert "SQ216" in verdict.out
    assert verdict.summary == "1 spec: 1 error, 0 warnings, once 1 fix is made\n"


def test_a_misspelt_type_is_pointed_at_and_can_be_fixed(specs):
    bad = specs / "bad.yaml"
    bad.write_text(EXAMPLE.replace("{type: bitext", "{tpye: bitext"), encoding="utf-8")
    [found] = validate_file(bad, Options())

    assert (found.code, found.span.text) == ("SQ105", "tpye")
    assert validate_specs([bad], Options(unsafe_fixes=True)).exit == 0
    assert bad.read_text(encoding="utf-8") == EXAMPLE
