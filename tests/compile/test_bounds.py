"""However much is wrong with a spec, and however often: it is told within two seconds of processor time."""

import time
from pathlib import Path

import pytest

from seqspec.compile.diagnostics.report import render
from seqspec.compile.validation import Options, validate_file

EXAMPLE = Path(__file__).with_name("example.yaml").read_text(encoding="utf-8")


def many(before, after):
    return EXAMPLE.replace(before, after)


KEYS = "".join(f"max_stepz{i}: 1\n" for i in range(900))
PROFILES = "".join(f"  p{i}: {{train: {{max_steps: {i + 100}}}}}\n" for i in range(99))
TASKS = "seqspec: 1\nname: many\ntasks:\n"
DOUBLED = (
    "seqspec: 1\nname: doubled\nshared:\n"
    + "".join(f"  p{i}: {{a: {{use: shared.p{i + 1}}}, b: {{use: shared.p{i + 1}}}}}\n" for i in range(40))
    + "  p40: {type: transformer}\ntasks: {t: {data: {}, model: {encoder: {use: shared.p0}}}}\n"
)
LARGE = (
    "seqspec: 1\nname: large\nshared:\n  p:\n"
    + "".join(f"    k{i}: {{a: 1, b: 2}}\n" for i in range(900))
    + "tasks:\n"
    + "".join(f"  t{i}: {{data: {{}}, model: {{encoder: {{use: shared.p}}}}}}\n" for i in range(99))
)
CASES = {
    "twenty thousand keys": (EXAMPLE + "".join(f"k{i}: 1\n" for i in range(9900)), "SQ005"),
    "nine thousand slips": (EXAMPLE + "".join(f"max_stepz{i}: 1\n" for i in range(9000)), "SQ005"),
    "a long list": (many("[chrf]", f"[{'wre, ' * 9000}]"), "SQ005"),
    "nine hundred slips": (EXAMPLE + KEYS, "SQ101"),
    "nine hundred slips under ninety-nine profiles": (EXAMPLE + PROFILES + KEYS, "SQ101"),
    "nine hundred components that there are not": (many("[chrf]", f"[{'wre, ' * 900}]"), "SQ103"),
    "nine hundred steps twice": (
        many("{tokenizer:", f"{{normalize: [{'nfkc, ' * 900}], tokenizer:"),
        "SQ227",
    ),
    "references to nothing": (EXAMPLE + "".join(f"k{i}: ${{kk{i}}}\n" for i in range(900)), "SQ310"),
    "comments that silence nothing": (EXAMPLE + "# seqspec: ignore[SQ999]\n" * 20_000, "SQ031"),
    "parts that use parts": (DOUBLED, "SQ005"),
    "a large part in many tasks": (LARGE, "SQ005"),
    "many tasks": (f"{TASKS}  t: {{}}\n" + "".join(f"  t{i}: {{}}\n" for i in range(500)), "SQ005"),
    "many profiles": (EXAMPLE + "".join(f"  p{i}: {{seed: {i}}}\n" for i in range(500)), "SQ321"),
}


@pytest.mark.parametrize(("text", "code"), CASES.values(), ids=CASES)
def test_work_is_bounded(text, code, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "spec.yaml"
    file.write_text(text, encoding="utf-8")
    begin = time.process_time()
    found = validate_file(file, Options())
    render(found)

    assert time.process_time() - begin < 2
    assert code in {d.code for d in found}
    assert "SQ900" not in {d.code for d in found}


def test_what_is_left_out_is_counted(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "spec.yaml"
    file.write_text(
        many("[chrf]", f"[{'wre, ' * 900}]")
        + "".join(f"k{i}: 1\n" for i in range(900)),
        encoding="utf-8",
    )  # fmt: skip
    found = validate_file(file, Options())

    assert len(found) == 1000
    assert found[-1].note == "800 more mistakes were found"
