"""Loggers hear what the journal holds, change nothing, and cannot stop a run."""

import csv
import os

import pytest

from seqspec.runtime.run_folder.loggers import Loggers, require
from seqspec.schema.diagnostic import RunError


class Failing:
    def __init__(self):
        self.heard = []

    def log_metrics(self, metrics, step):
        self.heard.append((step, metrics))
        raise OSError("no network")

    def save(self):
        raise AssertionError("left out after its first failure")


def test_a_file_of_comma_separated_values(tmp_path):
    loggers = Loggers.of(["csv"], tmp_path)
    loggers.write(1, {"train/nll": 2.0})
    loggers.write(2, {"train/nll": 1.0, "dev/wer": 0.5})
    loggers.close()

    (file,) = tmp_path.rglob("metrics.csv")
    rows = list(csv.DictReader(file.read_text().splitlines()))
    assert [row["train/nll"] for row in rows] == ["2.0", "1.0"]
    assert rows[1]["dev/wer"] == "0.5"


def test_one_that_fails_is_told_once_and_left_out(capfd):
    failing = Failing()
    loggers = Loggers({"service": failing})
    loggers.write(1, {"train/nll": 2.0})
    loggers.write(2, {"train/nll": 1.0})

    assert failing.heard == [(1, {"train/nll": 2.0})]
    assert capfd.readouterr().err.count("the logger `service` failed and is left out: no network") == 1


def test_a_missing_package_is_one_message(monkeypatch):
    monkeypatch.setattr("seqspec.runtime.run_folder.loggers.find_spec", lambda name: None)

    with pytest.raises(RunError, match="`--logger wandb` needs a package that is not installed: wandb"):
        require(["csv", "wandb"])


def test_an_unknown_logger_is_told(tmp_path):
    with pytest.raises(RunError, match="there is no logger `comet`"):
        Loggers.of(["comet"], tmp_path)


def test_weights_and_biases_stays_offline_and_silent(tmp_path, monkeypatch):
    loggers = pytest.importorskip("lightning.pytorch.loggers")
    told = {}

    class Fake:
        experiment = None

        def __init__(self, **given):
            told.update(given, silent=os.environ.get("WANDB_SILENT"))

        def log_metrics(self, metrics, step):
            told[step] = metrics

        def save(self):
            pass

        def finalize(self, status):
            told["status"] = status

    monkeypatch.delenv("WANDB_MODE", raising=False)
    monkeypatch.setenv("WANDB_SILENT", "true")
    monkeypatch.delenv("WANDB_SILENT")
    monkeypatch.setattr(loggers, "WandbLogger", Fake)
    monkeypatch.setattr("seqspec.runtime.run_folder.loggers.find_spec", lambda name: name)
    (tmp_path / "experiment" / "run").mkdir(parents=True)

    heard = Loggers.of(["wandb"], tmp_path / "experiment" / "run", digest="abc")
    heard.write(3, {"train/nll": 2.0})
    heard.close()

    assert (told["name"], told["project"], told["offline"], told["silent"]) == (
        "run",
        "experiment",
        True,
        "true",
    )
    assert told["config"] == {"seqspec.plan": "abc"}
    assert told[3] == {"train/nll": 2.0}
