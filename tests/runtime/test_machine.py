"""What a run sets on its machine before the first kernel, and how it tells of its memory."""

import os

import pytest

from seqspec.runtime.devices import machine
from seqspec.runtime.devices.launch import Launch
from seqspec.runtime.devices.machine import KEPT_KERNELS, bound_kernel_cache
from seqspec.runtime.run_stages import carry_out
from seqspec.runtime.training.progress.progress_bar import peak_memory

NAMES = ("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "DNNL_PRIMITIVE_CACHE_CAPACITY")


@pytest.fixture
def unset(monkeypatch):
    for name in NAMES:
        # Set first, so that what is set meanwhile is taken away again.
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)


def test_kernels_of_few_shapes_are_kept(unset):
    bound_kernel_cache()

    assert os.environ[NAMES[0]] == str(KEPT_KERNELS)


@pytest.mark.parametrize("name", NAMES)
def test_a_persons_own_bound_stands(unset, monkeypatch, name):
    monkeypatch.setenv(name, "7")

    bound_kernel_cache()

    assert [os.environ.get(name) for name in NAMES].count("7") == 1
    assert str(KEPT_KERNELS) not in [os.environ.get(name) for name in NAMES]


def test_peak_memory_never_falls():
    before = peak_memory()["peak_mb"]
    held = bytearray(64 << 20)

    after = peak_memory()["peak_mb"]

    assert after >= before > 0
    assert len(held) == 64 << 20


@pytest.mark.parametrize(
    ("seconds", "said"),
    [({"float32": 1.0, "bfloat16": 2.5}, "0.4 times"), ({"float32": 2.0, "bfloat16": 1.0}, "")],
)
def test_slow_mixed_precision_is_told(monkeypatch, capsys, seconds, said):
    monkeypatch.setattr(machine, "_product_seconds", lambda dtype: seconds[str(dtype).split(".")[1]])

    carry_out.advise(Launch(device="cpu"), "bfloat16")
    carry_out.advise(Launch(device="cpu"), "float32")

    assert said in (told := capsys.readouterr().err)
    assert bool(said) == bool(told)
