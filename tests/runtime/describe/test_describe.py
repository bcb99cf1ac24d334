"""``describe``: the formats of others, from plan, lock and journal alone."""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from seqspec.compile.commands import overlays
from seqspec.compile.pipeline import compile as compile_spec
from seqspec.runtime.commands.describe import describe
from seqspec.runtime.describe.facts import facts_of, sha256_of
from seqspec.runtime.devices.launch import Launch
from seqspec.runtime.run import run

SPEC = Path(__file__).parents[3] / "specs" / "nli_snli.yaml"
TEXTS = ("card", "croissant", "dvc", "ro-crate")


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    place = tmp_path_factory.mktemp("a-path-of-this-machine")
    sets = ["data.source.synthetic=120", "train.max_steps=2", "train.checkpoint_every_steps=2",
            "train.log_every_steps=1", "evaluate.every_steps=2"]  # fmt: skip
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SEQSPEC_CACHE", str(tmp_path_factory.mktemp("cache")))
        patch.setenv("SNLI", "")
        compiled = compile_spec(SPEC, overlays=overlays(["tiny"], sets))
        launch = Launch(quiet=True, threads=1, device="cpu")
        return run(compiled, runs=place, launch=launch, command=["seqspec", "run", str(SPEC)]).folder.path


def told(path, form, **more):
    outcome = describe(path, form=form, licence=more.pop("licence", None), output=more.pop("output", None))
    assert outcome.exit == 0, outcome.error
    return outcome.out


@pytest.mark.parametrize("form", TEXTS)
def test_the_same_run_gives_the_same_bytes_wherever_it_lies(trained, tmp_path, form):
    elsewhere = tmp_path / "moved" / trained.name
    shutil.copytree(trained, elsewhere)
    os.utime(elsewhere / "spec.yaml", (1, 1))

    assert told(trained, form) == told(elsewhere, form)


def test_a_run_that_has_lost_its_lock_says_what_is_left_out(trained, tmp_path):
    damaged = tmp_path / trained.name
    shutil.copytree(trained, damaged)
    whole = describe(damaged, form="card", licence=None, output=None)
    (damaged / "lock.json").unlink()
    (damaged / "launch.json").write_text("{}\n")
    found = describe(damaged, form="card", licence=None, output=None)

    assert (whole.exit, whole.error) == (0, "")
    assert (found.exit, found.error) == (
        0,
        "".join(
            f"warning: {damaged} has no {name}, or an empty one: what it holds is left out\n"
            for name in ("launch.json", "lock.json")
        ),
    )


@pytest.mark.parametrize("form", TEXTS)
def test_no_path_of_the_machine_is_told(trained, form):
    text = told(trained, form)

    assert "a-path-of-this-machine" not in text
    assert str(SPEC.parents[1]) not in text
    assert os.environ["HOME"] + "/" not in text


def test_a_card_has_the_head_that_hubs_read(trained):
    text = told(trained, "card", licence="cc-by-4.0")
    head = yaml.safe_load(text.split("---\n")[1])
    accuracy = json.loads((trained / "result.json").read_text())["metrics"]["dev"]["accuracy"]

    assert head["pipeline_tag"] == "text-classification"
    assert head["license"] == "cc-by-4.0"
    assert head["language"] == ["en"]
    (result,) = head["model-index"][0]["results"]
    assert {"type": "accuracy", "value": round(100 * accuracy, 4), "name": "accuracy, %"} in result["metrics"]
    assert "synthetic" in text
    assert "metric:accuracy" in text
    assert "| train.max_steps | 2 |" in text


def test_croissant_names_every_file_with_its_hash(trained):
    found = json.loads(told(trained, "croissant"))
    lock = json.loads((trained / "lock.json").read_text())

    hashes = {one["@id"]: one["sha256"] for one in found["distribution"]}
    assert hashes == {
        f"{split}/{name}": h for split, files in lock["files"].items() for name, h in files.items()
    }
    assert found["conformsTo"] == "http://mlcommons.org/croissant/1.0"
    assert found["@context"]["recordSet"] == "cr:recordSet"
    fields = {f["name"]: f["dataType"] for f in found["recordSet"][0]["field"]}
    assert fields["source"] == "sc:Text"
    ids = [one["@id"] for one in (*found["distribution"], *found["recordSet"])]
    assert len(set(ids)) == len(ids)


def test_dvc_names_files_that_are_there(trained):
    found = yaml.safe_load(told(trained, "dvc"))

    (artifact,) = found["artifacts"].values()
    for name in (
        *found["stages"]["reproduce"]["deps"],
        *found["params"],
        *found["metrics"],
        artifact["path"],
    ):
        assert (trained / name).is_file()


def test_a_crate_is_a_graph_without_loose_ends(trained):
    found = json.loads(told(trained, "ro-crate"))
    graph = {one["@id"]: one for one in found["@graph"]}

    assert len(graph) == len(found["@graph"])
    assert graph["ro-crate-metadata.json"]["about"] == {"@id": "./"}
    action = graph["#run"]
    for group in ("object", "result"):
        assert action[group]
        assert all(one["@id"] in graph for one in action[group])
    assert action["startTime"] <= action["endTime"]
    assert graph["metrics.jsonl"]["sha256"] == sha256_of(trained / "metrics.jsonl")
    assert "report.html" not in graph  # it may be written anew


def test_it_goes_into_a_file(trained, tmp_path):
    assert told(trained, "card", output=tmp_path / "README.md") == f"{tmp_path / 'README.md'}\n"
    assert (tmp_path / "README.md").read_text() == told(trained, "card")


def test_what_is_no_run_is_refused(tmp_path):
    assert describe(tmp_path, form="card", licence=None, output=None).exit == 2
    assert describe(tmp_path, form="mlflow", licence=None, output=None).exit == 2


def test_mlflow_holds_settings_and_every_metric_once(trained, tmp_path):
    pytest.importorskip("mlflow", reason="the extra `mlflow` is not installed")
    database = tmp_path / "mlflow.db"

    first = describe(trained, form="mlflow", licence=None, output=database)
    second = describe(trained, form="mlflow", licence=None, output=database)

    assert first.exit == 0, first.error
    assert first.out == second.out
    with sqlite3.connect(database) as store:
        metrics = dict(store.execute("select key, value from metrics where step = 2").fetchall())
        parameters = dict(store.execute("select key, value from params").fetchall())
    assert parameters["train.max_steps"] == "2"
    result = json.loads((trained / "result.json").read_text())["metrics"]["dev"]["accuracy"]
    assert metrics["final.dev.accuracy"] == pytest.approx(result)
    assert "loss" in metrics


def test_mlflow_that_is_missing_is_told_with_its_remedy(trained, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "mlflow", None)

    outcome = describe(trained, form="mlflow", licence=None, output=tmp_path / "m.db")

    assert outcome.exit == 2
    assert "seqspec-compiler[mlflow]" in outcome.error


def test_nothing_loads_torch(trained):
    code = (
        "import sys; from pathlib import Path; from seqspec.runtime.commands.describe import describe;"
        f"[describe(Path({str(trained)!r}), form=f, licence=None, output=None) for f in {TEXTS!r}];"
        "assert 'torch' not in sys.modules"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr


def test_settings_are_flat(trained):
    parameters = facts_of(trained).parameters

    assert parameters["evaluate.metrics.0.type"] == "accuracy"
    assert all(isinstance(value, str) for value in parameters.values())
