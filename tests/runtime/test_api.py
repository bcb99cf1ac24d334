"""What a notebook calls: load, build, train by a plain trainer, open the run."""

import subprocess
import sys
import traceback
from pathlib import Path

import lightning
import numpy as np
import pytest
import torch

import seqspec
from seqspec.data.corpus.images import write_image
from seqspec.runtime.devices.launch import Launch
from seqspec.runtime.run import run
from seqspec.schema.diagnostic import RunError

SPEC = Path(__file__).parents[2] / "specs" / "image_mnist_lenet5.yaml"
SETS = ("data.source.synthetic=200", "train.max_steps=4", "train.checkpoint_every_steps=4")


@pytest.fixture(scope="module")
def compiled(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SEQSPEC_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield seqspec.load(SPEC, profiles=["tiny"], set=SETS)


def test_importing_and_loading_bring_no_torch():
    code = f"import sys, seqspec; assert 'pydantic' not in sys.modules; seqspec.load({str(SPEC)!r}); assert 'torch' not in sys.modules"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr


@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::UserWarning")
def test_a_plain_trainer_trains_it(compiled, tmp_path):
    bundle = seqspec.build(compiled, workers=0)
    before = [parameter.detach().clone() for parameter in bundle.model.parameters()]
    trainer = lightning.Trainer(
        max_epochs=1, accelerator="cpu", logger=False, enable_checkpointing=False,
        enable_progress_bar=False, enable_model_summary=False, default_root_dir=tmp_path,
        accumulate_grad_batches=bundle.plan.experiment.train.accumulate,
    )  # fmt: skip

    trainer.fit(bundle.module, datamodule=bundle.data)

    assert bundle.module.step == 4
    assert any(not torch.equal(a, b) for a, b in zip(before, bundle.model.parameters(), strict=True))


def test_a_batch_in_the_hand(compiled):
    batch = seqspec.build(compiled, workers=0).batch()

    assert len(batch.source) == len(batch.index)


def test_a_run_is_opened(compiled, tmp_path):
    path = run(compiled, runs=tmp_path, launch=Launch(quiet=True, threads=1, device="cpu")).folder.path

    opened = seqspec.open_run(path)

    assert opened.metrics
    file = tmp_path / "one.png"
    write_image(file, np.zeros((1, 28, 28), np.uint8))
    prediction, same = opened.predict([str(file), file], launch=Launch(device="cpu"))
    assert prediction.hypotheses[0].label in {str(digit) for digit in range(10)}
    assert same.hypotheses == prediction.hypotheses
    assert "accuracy" in opened.evaluate("test", launch=Launch(device="cpu", threads=1)).metrics


def test_what_is_no_run_is_refused(tmp_path):
    with pytest.raises(RunError, match="not a run directory"):
        seqspec.open_run(tmp_path)


def test_two_plans_are_compared(compiled):
    other = seqspec.load(SPEC, profiles=["tiny"], set=(*SETS, "seed=77"))

    assert [change.path for change in seqspec.diff(compiled, other)] == [("seed",)]
    assert not seqspec.diff(compiled, compiled)


def test_one_string_in_place_of_a_list_is_refused(compiled):
    with pytest.raises(TypeError, match=r"`set` takes a list of strings: \['seed=7'\]"):
        seqspec.load(SPEC, set="seed=7")
    with pytest.raises(TypeError, match="`profiles` takes a list"):
        seqspec.change(compiled, profiles="tiny")


def test_what_nobody_catches_shows_place_and_remedy(tmp_path):
    caught = []
    for attempt in (
        lambda: seqspec.load(SPEC, profiles=["tiny"], set=["train.max_step=2"]),
        lambda: seqspec.component("tokenizer", {"type": "sentencpiece"}),
        lambda: seqspec.open_run(tmp_path),
    ):
        with pytest.raises((seqspec.SpecError, seqspec.RunError)) as error:
            attempt()
        caught.append("".join(traceback.format_exception_only(error.value)))

    assert "\n  --> <command line>:1:1\n" in caught[0]
    assert caught[0].endswith("\n  = help: did you mean `max_steps`?\n")
    assert caught[1].endswith("\n  = help: did you mean `sentencepiece`?\n")
    assert caught[2].endswith("\n  = help: name the directory that `seqspec run` printed last\n")
