"""``compare`` and ``runs``: what differs, by how much, and whether it is chance."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import sacrebleu.metrics
from sacrebleu.significance import PairedTest

from seqspec.compile.commands import overlays
from seqspec.compile.pipeline import compile as compile_spec
from seqspec.components.metric.accuracy import Accuracy
from seqspec.components.metric.bleu import Bleu
from seqspec.components.metric.chrf import Chrf
from seqspec.components.metric.f1 import F1
from seqspec.components.metric.ter import Ter
from seqspec.runtime.commands import compare as commands
from seqspec.runtime.compare.bootstrap import RESAMPLES, draws, p_value, resample
from seqspec.runtime.compare.subject import Subject, trained_seconds
from seqspec.runtime.devices.launch import Launch
from seqspec.runtime.run import run
from seqspec.runtime.run_folder.folder import RunFolder
from seqspec.schema.metric.accuracy import AccuracyConfig
from seqspec.schema.metric.bleu import BleuConfig
from seqspec.schema.metric.chrf import ChrfConfig
from seqspec.schema.metric.f1 import F1Config
from seqspec.schema.metric.ter import TerConfig

SPEC = Path(__file__).parents[3] / "specs" / "nli_snli.yaml"
WORDS = ["the", "cat", "sat", "on", "a", "mat", "and", "saw", "one", "red", "bird"]


def texts(seed, wrong):
    rng = np.random.default_rng(seed)
    references = [" ".join(rng.choice(WORDS, 9)) for _ in range(60)]
    hypotheses = [
        " ".join(word if rng.random() > wrong else "dog" for word in reference.split())
        for reference in references
    ]
    return references, hypotheses


@pytest.mark.parametrize(
    ("ours", "theirs", "scale"),
    [
        (Bleu(BleuConfig(), {}), sacrebleu.metrics.BLEU(), 1),
        (Chrf(ChrfConfig(), {}), sacrebleu.metrics.CHRF(), 1),
        (Ter(TerConfig(), {}), sacrebleu.metrics.TER(), 100),
    ],
    ids=["bleu", "chrf", "ter"],
)
def test_it_is_the_bootstrap_of_sacrebleu(ours, theirs, scale):
    references, first = texts(1, 0.3)
    _, second = texts(1, 0.36)
    assert RESAMPLES == 1000

    a, b = resample(ours, first, references), resample(ours, second, references)
    _, scores = PairedTest(
        [("a", first), ("b", second)], {"m": theirs}, [references], test_type="bs", n_samples=1000
    )()

    base, other = next(value for name, value in scores.items() if name != "System")
    assert a.score * scale == pytest.approx(base.score)
    assert b.score * scale == pytest.approx(other.score)
    assert p_value(a, b) == pytest.approx(other.p_value, abs=1e-12)
    low, high = b.interval
    assert scale * (high - low) / 2 == pytest.approx(other.ci, rel=1e-5)


def test_a_metric_without_sums_is_read_again():
    references = ["a", "b"] * 15
    hypotheses = ["a", "b", "a", "a", "b"] * 6

    found = resample(F1(F1Config(), {}), hypotheses, references)

    low, high = found.interval
    assert low < found.score < high
    assert resample(F1(F1Config(), {}), ["a"] * 40_000, ["a"] * 40_000) is None


def test_the_interval_of_a_share_is_that_of_the_binomial():
    references, hypotheses = ["a"] * 400, ["a"] * 100 + ["b"] * 300

    low, high = resample(Accuracy(AccuracyConfig(), {}), hypotheses, references).interval

    # The standard error is sqrt(0.25 · 0.75 / 400) = 0.0217.
    assert low == pytest.approx(0.25 - 1.96 * 0.0217, abs=0.008)
    assert high == pytest.approx(0.25 + 1.96 * 0.0217, abs=0.008)


def test_a_run_against_itself_is_chance():
    references, hypotheses = texts(2, 0.2)
    found = resample(Bleu(BleuConfig(), {}), hypotheses, references)

    assert p_value(found, found) == 1.0


def test_draws_are_those_of_one_call():
    whole = np.random.default_rng(12345).choice(7, size=(5, 7), replace=True)

    rows = list(draws(7, 5))

    assert [row.tolist() for row in rows] == [np.bincount(one, minlength=7).tolist() for one in whole]


def test_time_of_a_resumed_run_is_summed():
    assert trained_seconds([{"seconds": s} for s in (1.0, 5.0, 2.0, 3.5)]) == 8.5


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Two runs with other rates, and a copy that was evaluated on other references."""
    place = tmp_path_factory.mktemp("runs")
    sets = ["data.source.synthetic=120", "train.max_steps=4", "train.checkpoint_every_steps=2",
            "train.log_every_steps=1", "evaluate.every_steps=2"]  # fmt: skip
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SEQSPEC_CACHE", str(tmp_path_factory.mktemp("cache")))
        found = []
        for rate in ("0.001", "0.003"):
            over = overlays(["tiny"], [*sets, f"optimizer.schedule.peak={rate}"])
            compiled = compile_spec(SPEC, overlays=over)
            found.append(
                run(compiled, runs=place, launch=Launch(quiet=True, threads=1, device="cpu")).folder.path
            )
    other = place / "elsewhere" / "copy"
    shutil.copytree(found[1], other)
    predictions = other / "predictions" / "dev.jsonl"
    lines = [json.loads(line) for line in predictions.read_text().splitlines()]
    for line in lines[:3]:
        line["reference"] = "same" if line["reference"] == "different" else "different"
    predictions.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return (*found, other)


def test_what_differs_stands_first(trained):
    outcome = commands.compare(trained[:2], format="json", html=None)
    found = json.loads(outcome.out)

    assert outcome.exit == 0, outcome.error
    assert [one["values"] for one in found["settings"] if one["path"] == "optimizer.schedule.peak"] == [
        ["1.0e-3", "3.0e-3"]
    ]
    (row,) = [row for row in found["metrics"] if row["metric"] == "accuracy"]
    result = json.loads((trained[1] / "result.json").read_text())["metrics"]["dev"]["accuracy"]
    assert row["runs"][1]["value"] == result
    assert row["runs"][1]["interval"][0] <= result <= row["runs"][1]["interval"][1]
    assert 0 < row["runs"][1]["p"] <= 1
    assert row["runs"][0]["p"] is None
    assert found["runs"][0]["cost"]["weights"] > 1000
    assert found["runs"][0]["state"] == "done"


def test_other_data_are_told_and_not_compared(trained):
    outcome = commands.compare((trained[0], trained[2]), format="json", html=None)
    found = json.loads(outcome.out)

    assert outcome.exit == 1
    assert "3 of 12 references differ" in outcome.error or "references differ" in outcome.error
    assert all(cell["p"] is None for row in found["metrics"] for cell in row["runs"])


def test_text_markdown_and_page(trained, tmp_path):
    text = commands.compare(trained[:2], format="text", html=tmp_path / "new" / "c.html")
    markdown = commands.compare(trained[:2], format="markdown", html=None)
    page = (tmp_path / "new" / "c.html").read_text()

    assert "optimizer.schedule.peak" in text.out
    assert "dev accuracy" in text.out
    assert "| optimizer.schedule.peak | 1.0e-3 | 3.0e-3 |" in markdown.out
    assert "2 runs compared" in page
    assert page.count('<figure class="chart">') >= 4
    assert str(trained[0].parent) not in page


def test_one_run_or_none_is_refused(trained, tmp_path):
    assert commands.compare(trained[:1], format="text", html=None).exit == 2
    outcome = commands.compare((trained[0], tmp_path), format="text", html=None)
    assert outcome.exit == 2
    assert "is not a run directory" in outcome.error


def test_runs_are_listed(trained):
    outcome = commands.runs(trained[0].parents[1], format="json")
    found = json.loads(outcome.out)

    assert [one["name"] for one in found] == ["nli_snli"] * 3
    assert {one["state"] for one in found} == {"done"}
    assert all(one["metric"] == "accuracy" and 0 <= one["value"] <= 1 for one in found)
    assert all(0 <= one["age_seconds"] < 3600 for one in found)
    assert "nli_snli" in commands.runs(trained[0].parents[1], format="text").out


def test_a_stopped_run_is_listed_with_its_best_so_far(trained, tmp_path):
    copy = tmp_path / "nli_snli" / "one"
    shutil.copytree(trained[0], copy)
    (copy / "result.json").unlink()
    rows = [json.loads(line) for line in (copy / "metrics.jsonl").read_text().splitlines()]
    scores = iter([0.9, 0.2])
    for row in rows:
        if row["event"] == "evaluate":
            row["metrics"]["accuracy"] = next(scores)
    (copy / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))

    (found,) = json.loads(commands.runs(tmp_path, format="json").out)

    assert (found["state"], found["value"]) == ("stopped", 0.9)


def test_a_run_whose_journal_is_damaged_is_listed_with_the_step_of_its_result(trained, tmp_path):
    copy = tmp_path / "one"
    shutil.copytree(trained[0], copy)
    (copy / "metrics.jsonl").write_bytes(b"\0" * 40)

    (found,) = json.loads(commands.runs(tmp_path, format="json").out)

    assert (found["state"], found["step"]) == ("done", json.loads((copy / "result.json").read_text())["step"])
    assert "metrics.jsonl:1 " in found["reason"]


def test_a_strange_directory_is_listed_as_unreadable(trained, tmp_path):
    copy = tmp_path / "one"
    shutil.copytree(trained[0], copy)
    (copy / "metrics.jsonl").write_bytes(b"{}\n")

    (found,) = json.loads(commands.runs(tmp_path, format="json").out)

    assert found["state"] == "unreadable"
    assert str(copy) in found["reason"]
    assert commands.runs(tmp_path / "no", format="text").exit == 2


def test_neither_loads_torch(trained):
    code = (
        "import sys; from pathlib import Path; from seqspec.runtime.commands import compare as c;"
        f"o = c.compare([Path(p) for p in {[str(p) for p in trained[:2]]!r}], format='text', html=None);"
        f"assert not o.exit, o.error; c.runs(Path({str(trained[0].parents[1])!r}), format='text');"
        "assert 'torch' not in sys.modules"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr


def test_every_score_of_sums_is_that_of_the_texts(trained):
    subject = Subject(RunFolder(trained[0]), "a")
    metric = subject.scorer("dev", "accuracy")
    examples = subject.predictions["dev"].examples

    found = resample(metric, [one.hypothesis for one in examples], [one.reference for one in examples])

    assert found.score == pytest.approx(subject.metrics["dev"]["accuracy"], abs=1e-12)
