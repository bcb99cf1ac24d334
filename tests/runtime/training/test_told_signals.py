"""A process that is asked to end before its first step says so."""

import os
import signal

import pytest

from seqspec.runtime.training.signals import telling_ends


def test_an_end_is_told_and_handlers_are_given_back(capsys):
    before = signal.getsignal(signal.SIGTERM)

    with pytest.raises(SystemExit) as ended, telling_ends():
        os.kill(os.getpid(), signal.SIGTERM)

    assert ended.value.code == 128 + signal.SIGTERM
    assert "stopped by SIGTERM" in capsys.readouterr().err
    assert signal.getsignal(signal.SIGTERM) is before
