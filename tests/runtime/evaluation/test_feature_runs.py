"""Metrics in the features of a classifier run: opened, recorded, named in signatures, refused where it does not
fit.
"""

from __future__ import annotations

import json

import pytest

from seqspec.compile.resolve.overlay import Overlay
from seqspec.components.model.vae import Vae
from seqspec.runtime.assembly import feature_runs
from seqspec.runtime.commands import runs as commands
from seqspec.runtime.devices.launch import Launch

DATA = """
seqspec: 1
name: NAME
data:
  source: {type: mnist, synthetic: 40}
  split: {by: label, dev: 0.5}
  image: {normalize: NORMALIZE}
  batch: {unit: examples, size: 8}
train: {max_steps: 2, checkpoint_every_steps: 2}
"""
CLASSIFIER = """
model: {type: classifier, encoder: {type: mlp, dims: [6]}}
optimizer: {type: adamw, schedule: {type: constant, peak: 1.0e-3}}
evaluate: {every_steps: 2, splits: [dev], metrics: [accuracy]}
"""
VAE = """
model: {type: vae, latent: 3, encoder: {type: mlp, dims: [6]}, decoder: {type: mlp, dims: [6]}}
loss: null
losses: {reconstruction: {type: negative_log_likelihood, on: reconstruction}, kl: {type: kl_divergence, on: posterior}}
optimizer: {type: adamw, schedule: {type: constant, peak: 1.0e-3}}
evaluate: {every_steps: 2, splits: [dev], metrics: [elbo, METRICS]}
"""
METRICS = (
    "{type: frechet_distance, run: RUN}, {type: improved_precision, run: RUN, images: reconstructions}, "
    "{type: recognized_accuracy, run: RUN, images: reconstructions, by_class: true}"
)


def run(folder, name, text, *sets, normalize="unit"):
    spec = folder / f"{name}.yaml"
    spec.write_text((DATA + text).replace("NAME", name).replace("NORMALIZE", normalize))
    return commands.run(
        spec, over=tuple(map(Overlay.set, sets)), runs=folder / "runs", resume=None, locked=False, lock=None,
        allow_drift=False, launch=Launch(quiet=True, threads=1), format="text", command=("seqspec", "run"),
    )  # fmt: skip


def of_classifier(evaluator, folder):
    """The accuracy that the classifier's own run has found on the same images."""
    path = folder / "runs" / "judge" / evaluator.rpartition("/")[2] / "result.json"
    return json.loads(path.read_text())["metrics"]["dev"]["accuracy"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("features")


@pytest.fixture(scope="module")
def evaluator(folder):
    outcome = run(folder, "judge", CLASSIFIER, normalize="image")
    assert outcome.exit == 0, outcome.error
    return outcome.out.splitlines()[-1]


def vae(folder, evaluator, *sets):
    return run(folder, "vae", VAE.replace("METRICS", METRICS).replace("RUN", str(evaluator)), *sets)


def test_values_signatures_and_the_lock_name_the_classifier(folder, evaluator):
    outcome = vae(folder, evaluator)
    assert outcome.exit == 0, outcome.error
    place = folder / "runs" / "vae" / outcome.out.splitlines()[-1].rpartition("/")[2]
    result = json.loads((place / "result.json").read_text())
    record = json.loads((place / "lock.json").read_text())["feature_runs"]
    values, signatures = result["metrics"]["dev"], result["signatures"]["dev"]

    assert values["frechet_distance"] > 0
    assert 0 <= values["improved_precision"] <= 1
    assert 0 <= values["improved_recall"] <= 1
    assert values["recognized_accuracy_of_images"] == of_classifier(evaluator, folder)
    assert sum(name.startswith("recognized_accuracy.") for name in values) > 5  # digits that the 20 have
    weights = record["evaluate.metrics[1]"]["weights"]
    assert record.keys() == {f"evaluate.metrics[{number}]" for number in (1, 2, 3)}
    assert len(weights) == 64
    assert f"features:{weights[:12]}|images:samples|count:20|" in signatures["frechet_distance"]
    assert "images:reconstructions|count:20|neighbors:3" in signatures["improved_precision"]
    assert f"classifier:{weights[:12]}|images:reconstructions|count:20" in signatures["recognized_accuracy"]


def test_images_are_made_once_for_all_metrics_of_them(folder, evaluator, monkeypatch):
    calls, sample = [], Vae.sample
    monkeypatch.setattr(
        Vae, "sample", lambda self, batch: calls.append(len(batch.index)) or sample(self, batch)
    )
    both = f"{{type: frechet_distance, run: {evaluator}}}, {{type: improved_precision, run: {evaluator}}}"

    outcome = vae(folder, evaluator, "evaluate.every_steps=null", f"evaluate.metrics=[elbo, {both}]")

    assert outcome.exit == 0, outcome.error
    assert sum(calls) == 20  # one for each image of the split


def test_runs_that_do_not_fit_are_told(folder, evaluator):
    no_run = vae(folder, folder)
    other_size = vae(folder, evaluator, "data.source.type=cifar10", "data.source.synthetic=40")
    generator = vae(folder, evaluator, "evaluate.metrics=[elbo]")
    own = generator.out.splitlines()[-1]
    no_classifier = vae(folder, own)

    assert no_run.exit == 2
    assert "`evaluate.metrics[1]`: " in no_run.error
    assert other_size.exit == 3
    assert "reads Image(channels=1, height=28, width=28), and this experiment makes Image(channels=3" in (
        other_size.error
    )
    assert "is a run of a model `vae`" in no_classifier.error


def test_a_classifier_of_fewer_classes_is_refused(folder, evaluator, monkeypatch):
    class Fewer(feature_runs.RunFeatures):
        def __init__(self, run):
            super().__init__(run)
            self.names = self.names[:-1]

    monkeypatch.setattr(feature_runs, "RunFeatures", Fewer)

    outcome = vae(folder, evaluator)

    assert outcome.exit == 3
    assert "knows no class `9`" in outcome.error
