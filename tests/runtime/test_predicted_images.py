"""A model of images trains, is evaluated and examined as one; it answers nothing."""

import io

import pytest

from seqspec.compile.pipeline import compile as compile_spec
from seqspec.compile.resolve.overlay import Overlay
from seqspec.components.adapter._synthetic_image import image
from seqspec.components.adapter._synthetic_text import generator
from seqspec.data.corpus.images import write_image
from seqspec.runtime.assembly.assemble import assemble, compile_run
from seqspec.runtime.devices.launch import Launch
from seqspec.runtime.doctor import evaluation as evaluation
from seqspec.runtime.doctor import isolation, learning, start
from seqspec.runtime.doctor.subject import Patient
from seqspec.runtime.evaluation.evaluate import evaluate
from seqspec.runtime.prediction.predict import predict
from seqspec.runtime.run import run
from seqspec.schema.diagnostic import DataError
from tests.test_specs import SPECS

SPEC = next(spec for spec in SPECS if spec.stem == "image_cifar10_transformer")
LAUNCH = Launch(quiet=True, threads=1)
SETS = (
    "data.source.synthetic=24",
    "data.batch.size=4",
    "model.decoder.dim=8",
    "model.decoder.feed_forward_dim=8",
    "train.max_steps=2",
    "train.checkpoint_every_steps=2",
    "optimizer.schedule.warmup_steps=1",
)


def compiled(*more):
    return compile_spec(SPEC, overlays=[Overlay.profile("tiny"), *map(Overlay.set, (*SETS, *more))])


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SEQSPEC_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="module")
def trained(cache, tmp_path_factory):
    return run(compiled(), runs=tmp_path_factory.mktemp("runs"), launch=LAUNCH)


def test_it_is_judged_by_bits_a_dimension(trained):
    scored = evaluate(trained.folder.path, split="test", checkpoint="last", over=(), launch=LAUNCH)

    assert 5 < scored.metrics["bits_per_dim"] < 12
    assert scored.found == ()


def test_it_answers_nothing(trained, tmp_path):
    file, rng = tmp_path / "one.png", generator("held out")
    write_image(file, image(1, rng, channels=1, height=28, width=28))

    with pytest.raises(DataError, match="no answers to print"):
        predict(trained.folder.path, inputs=[str(file)], checkpoint="last", over=(), launch=LAUNCH,
                out=io.StringIO(), nbest=1, scores=False, format="text", engine="torch")  # fmt: skip


def test_normalised_pictures_stop_the_run_before_it_learns(cache, tmp_path):
    with pytest.raises(DataError, match="these are normalised"):
        run(compiled("data.image.normalize=image"), runs=tmp_path, launch=LAUNCH)


def test_the_doctor_takes_the_picture_for_the_target(trained):
    assembled = assemble(compile_run(trained.folder), splits=("train", "dev"))
    patient = Patient(assembled.program, assembled.prepared, None, max_steps=2)

    found = [one for topic in (start, isolation, evaluation, learning) for one in topic.check(patient)]

    verdicts = {one.check: one.verdict for one in found}
    assert verdicts["M01"] in ("ok", "info")
    assert verdicts["M06"] == "info"
    assert verdicts["M20"] == "ok"
    assert "M05" not in verdicts
    assert patient.vocab == 256
