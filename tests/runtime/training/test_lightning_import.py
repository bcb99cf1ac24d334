"""What stands for modules while Lightning loads: nothing is loaded, and whoever uses them finds the real ones."""

import sys

import pytest

from seqspec.runtime.training.lightning_import import put_off

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
