"""What stands for modules while Lightning loads: nothing is loaded, and whoever uses them finds the real ones.

And what is left out of its loop changes no bit and no hook.
"""

import sys

import pytest

from seqspec.runtime.devices.launch import Launch, Place
from seqspec.runtime.run_folder.folder import RunFolder
from seqspec.runtime.training.lightning_import import Callback, LeanLoop, LeanModule, put_off
from seqspec.runtime.training.trainer import make_trainer
from tests.runtime.fakes import start
from tests.runtime.test_phases import TWO
from tests.runtime.test_training import digest

NAME = "wave"
"""A module of Python's own that nothing here has loaded."""


@pytest.fixture
def unloaded(monkeypatch):
    monkeypatch.delitem(sys.modules, NAME, raising=False)


def test_what_was_taken_is_loaded_when_it_is_used(unloaded):
    with put_off((NAME,)):
        from wave import Error, Wave_read

    assert NAME not in sys.modules
    with pytest.raises(FileNotFoundError):
        Wave_read("nowhere.wav")
    assert sys.modules[NAME].Error.__module__ == NAME
    assert isinstance(sys.modules[NAME].Error(), Error)


def test_what_is_used_at_once_is_loaded_at_once(unloaded):
    with put_off((NAME,)):
        import wave

        assert wave.Error.mro()[1] is Exception
        real = sys.modules[NAME]

    assert sys.modules[NAME] is real


def test_what_is_there_or_not_installed_stays_as_it_is():
    import json

    with put_off(("json", "no_such_package_at_all")):
        assert sys.modules["json"] is json
        with pytest.raises(ModuleNotFoundError):
            import no_such_package_at_all  # noqa: F401


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"accumulate": 3, "ema": 0.9},
        {"precision": "bfloat16", "clip_norm": 0.5},
        {
            "precision": "float16",
            "accumulate": 2,
            "loss_scale": {"initial": 2.0**20, "growth_every_steps": 2},
        },
        {"weight_noise": {"std": 0.01}, "skip_non_finite": 2, "poison": 4},
        {**TWO, "accumulate": 2},
    ],
)
def test_the_lean_loop_gives_the_bits_of_lightnings_own(tmp_path, monkeypatch, settings):
    driven, drives = [], LeanLoop.run
    monkeypatch.setattr(LeanLoop, "run", lambda loop, fetcher: (driven.append(1), drives(loop, fetcher)))
    lean = start(tmp_path / "lean", max_steps=9, **settings)
    assert driven == [1]
    monkeypatch.setattr(LeanLoop, "drive", lambda *_: None)

    own = start(tmp_path / "own", max_steps=9, **settings)

    assert driven == [1]
    assert digest(lean) == digest(own)
    assert (tmp_path / "lean/metrics.jsonl").read_bytes() == (tmp_path / "own/metrics.jsonl").read_bytes()


def driven(folder, callback, *others, module=None, **launch):
    """Whether the lean loop takes over where ``callback`` listens."""
    trainer = make_trainer(Launch(device="cpu", **launch), place=Place(), accumulate=1,
                           callbacks=[callback, *others], folder=RunFolder(folder), precision="float32")  # fmt: skip
    LeanLoop.drive(trainer, module or LeanModule(), callback)
    return isinstance(trainer.fit_loop.epoch_loop, LeanLoop)


def test_the_lean_loop_drives_where_nobody_else_listens(tmp_path):
    listener = type("Ends", (Callback,), {"on_train_batch_end": lambda *_: None})()

    assert driven(tmp_path, listener)
    assert not driven(tmp_path, listener, Callback())
    assert not driven(tmp_path, listener, profile=True)


def test_the_lean_loop_drives_processes_that_lightning_keeps_apart(tmp_path):
    """Lightning's own would have each wait for the first at every micro-batch."""
    trainer = make_trainer(Launch(device="cpu", devices=2), place=Place(1, 2), accumulate=1, callbacks=[Callback()],
                           folder=RunFolder(tmp_path), precision="float32", apart=True)  # fmt: skip
    LeanLoop.drive(trainer, LeanModule(), trainer.callbacks[0])

    assert isinstance(trainer.fit_loop.epoch_loop, LeanLoop)


@pytest.mark.parametrize(
    "hook", ["on_train_batch_start", "on_before_zero_grad", "on_before_backward", "on_after_backward",
             "on_before_optimizer_step"],
)  # fmt: skip
def test_lightnings_own_loop_stays_where_a_callback_hears_more(tmp_path, hook):
    assert not driven(tmp_path, type("Listener", (Callback,), {hook: lambda *_: None})())


@pytest.mark.parametrize(
    "hook", ["on_before_batch_transfer", "on_train_batch_start", "on_before_backward", "on_train_batch_end"]
)
def test_lightnings_own_loop_stays_where_the_module_hears_more(tmp_path, hook):
    assert not driven(tmp_path, Callback(), module=type("Module", (LeanModule,), {hook: lambda *_: None})())
