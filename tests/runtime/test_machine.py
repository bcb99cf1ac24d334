"""What a run sets on its machine before the first kernel, and how it tells of its memory."""

import ctypes
import os
import subprocess
import sys

import pytest

from seqspec.runtime.devices import machine
from seqspec.runtime.devices.launch import Launch
from seqspec.runtime.devices.machine import KEPT_KERNELS, KEPT_SHAPES, bound_kernel_cache
from seqspec.runtime.run_stages import carry_out
from seqspec.runtime.training.progress.progress_bar import peak_memory

NAMES = ("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "DNNL_PRIMITIVE_CACHE_CAPACITY")
SHAPES = "LRU_CACHE_CAPACITY"
MIB = 1 << 20


@pytest.fixture
def unset(monkeypatch):
    for name in (*NAMES, SHAPES):
        # Set first, so that what is set meanwhile is taken away again.
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)


def test_kernels_of_few_shapes_are_kept(unset):
    bound_kernel_cache()

    assert os.environ[NAMES[0]] == str(KEPT_KERNELS)
    assert os.environ[SHAPES] == str(KEPT_SHAPES)


@pytest.mark.parametrize("name", NAMES)
def test_a_persons_own_bound_stands(unset, monkeypatch, name):
    monkeypatch.setenv(name, "7")

    bound_kernel_cache()

    assert [os.environ.get(name) for name in NAMES].count("7") == 1
    assert str(KEPT_KERNELS) not in [os.environ.get(name) for name in NAMES]


def test_a_persons_own_bound_of_shapes_stands(unset, monkeypatch):
    monkeypatch.setenv(SHAPES, "7")

    bound_kernel_cache()

    assert os.environ[SHAPES] == "7"


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "mallinfo2"), reason="asks glibc 2.33 what is in use")
def test_products_of_ever_new_numbers_of_rows_take_no_more_memory(unset):
    done = subprocess.run([sys.executable, "-c", MULTIPLY], capture_output=True, text=True, check=True)

    begin, settled, end = (int(line) / MIB for line in done.stdout.split())
    assert settled - begin < 64
    assert end - settled < 8


MULTIPLY = """
import ctypes
from concurrent.futures import ThreadPoolExecutor
import torch
from seqspec.components._layers.linear import Linear, prepacked
from seqspec.runtime.devices.machine import KEPT_SHAPES, pin

def in_use():
    class Info(ctypes.Structure):
        names = "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost"
        _fields_ = [(name, ctypes.c_size_t) for name in names.split()]
    libc = ctypes.CDLL(None)
    libc.mallinfo2.restype = Info
    found = libc.mallinfo2()
    return found.uordblks + found.hblkhd

def multiply():
    layer = Linear(128, 512)
    with prepacked(), torch.inference_mode():
        for rows in range(5, 5 + 5 * KEPT_SHAPES):
            if rows in (6, 5 + 2 * KEPT_SHAPES):
                print(in_use())
            layer(torch.zeros(rows, 128))
        print(in_use())

pin(threads=1, exact=False)
ThreadPoolExecutor(1).submit(multiply).result()
"""


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
