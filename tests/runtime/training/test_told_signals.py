"""A process that is asked to end where no step is under way says so and leaves with the code of signals."""

import signal
import subprocess
import sys

import pytest

STOPPED = """
import os, sys
from seqspec.runtime.training.signals import telling_ends

with telling_ends():
    print("so far")
    try:
        os.kill(os.getpid(), int(sys.argv[1]))
    except BaseException:
        print("nobody may catch it")
"""


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_outside_of_training_is_told(sent):
    ended = subprocess.run(
        [sys.executable, "-c", STOPPED, str(int(sent))], capture_output=True, text=True, check=False
    )

    assert ended.returncode == 143
    assert ended.stdout == "so far\n"
    assert f"stopped by {sent.name}" in ended.stderr
    assert "seqspec run --resume" in ended.stderr


HEARD = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)  # where these tests run in the background it is ignored
"""

EARLY = """
import os, sys
from seqspec import __main__

class Ending:  # the first import of the command line
    def find_spec(self, name, path=None, target=None):
        if name == "seqspec.cli":
            os.kill(os.getpid(), int(sys.argv[1]))

sys.meta_path.insert(0, Ending())
sys.argv[2:] = []
__main__.main()
"""


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_while_the_command_is_loaded_is_told(sent):
    ended = subprocess.run(
        [sys.executable, "-c", EARLY, str(int(sent))], capture_output=True, text=True, check=False
    )

    assert ended.returncode == 143
    assert ended.stderr == f"stopped by {sent.name}\n"


def test_a_hangup_that_is_ignored_stays_so():
    from seqspec.runtime.training.signals import Interrupts, telling_ends

    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with telling_ends(), Interrupts() as interrupts:
            signal.raise_signal(signal.SIGHUP)
        assert interrupts.received is None
    finally:
        signal.signal(signal.SIGHUP, before)


def test_signals_are_given_back():
    from seqspec.runtime.training.signals import telling_ends

    before = signal.getsignal(signal.SIGTERM)
    with telling_ends():
        assert signal.getsignal(signal.SIGTERM) is not before
    assert signal.getsignal(signal.SIGTERM) is before


@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_lightning_claims_no_signal(tmp_path):
    import torch

    from seqspec.runtime.devices.launch import Launch, Place
    from seqspec.runtime.run_folder.folder import RunFolder
    from seqspec.runtime.training.lightning_import import lightning
    from seqspec.runtime.training.signals import Interrupts
    from seqspec.runtime.training.trainer import make_trainer

    class Module(lightning.LightningModule):
        def __init__(self):
            super().__init__()
            self.layer = torch.nn.Linear(1, 1)
            self.handlers = []

        def setup(self, stage):
            self.handlers.append(signal.getsignal(signal.SIGTERM))

        def training_step(self, batch, at):
            self.handlers.append(signal.getsignal(signal.SIGTERM))
            return self.layer(batch).sum()

        def configure_optimizers(self):
            return torch.optim.SGD(self.parameters(), 0.1)

    module = Module()
    trainer = make_trainer(Launch(device="cpu"), place=Place(), accumulate=1, callbacks=[],
                           folder=RunFolder(tmp_path), precision="float32")  # fmt: skip
    with Interrupts():
        ours = signal.getsignal(signal.SIGTERM)
        trainer.fit(module, train_dataloaders=torch.utils.data.DataLoader(torch.ones(2, 1)))

    assert module.handlers == [ours] * 3


def test_an_interrupt_while_the_command_is_loaded_is_told():
    ended = subprocess.run(
        [sys.executable, "-c", HEARD + EARLY, str(int(signal.SIGINT))],
        capture_output=True,
        text=True,
        check=False,
    )

    assert (ended.returncode, ended.stderr) == (130, "interrupted\n")


LATE = """
import atexit, os, signal, sys
from seqspec import __main__

atexit.register(lambda: os.kill(os.getpid(), signal.SIGINT))
sys.argv[1:] = ["--version"]
__main__.main()
"""


def test_an_interrupt_on_the_way_out_prints_no_traceback():
    ended = subprocess.run([sys.executable, "-c", HEARD + LATE], capture_output=True, text=True, check=False)

    assert (ended.returncode, ended.stderr) == (130, "")
    assert ended.stdout.startswith("seqspec ")
