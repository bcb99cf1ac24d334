"""Kernels beside the images that reach them, layer by layer."""

import pytest

from seqspec.compile.pipeline import compile as compile_spec
from tests.compile.experiments import spec

LENET = {"type": "lenet", "channels": [8, 8, 8]}
XCEPTION = {"type": "xception", "dim": 8, "num_layers": 1}


def warnings(folder, encoder):
    change = {
        "data": {
            "source": {"type": "mnist", "root": "digits"},
            "text": {"target": None},
            "pack": None,
            "batch": {"unit": "examples", "size": 64},
        },
        "model": {"type": "classifier", "encoder": encoder},
        "evaluate": {"splits": ["test"], "search": None, "metrics": ["accuracy"]},
    }
    return compile_spec(spec(folder, task="lm", change=change)).warnings


@pytest.mark.parametrize(
    ("encoder", "pixels"),
    [
        (LENET | {"kernel": 9}, "7 × 7"),
        (LENET | {"channels": [8], "kernel": 29}, "28 × 28"),
        (XCEPTION | {"kernel": 5, "entry": "strided"}, "2 × 2"),
        (XCEPTION | {"kernel": 29}, "28 × 28"),
    ],
)
def test_a_kernel_larger_than_what_reaches_it_is_told(encoder, pixels, tmp_path):
    [found] = warnings(tmp_path, encoder)

    assert (found.code, found.severity) == ("SQ235", "warning")
    assert f"larger than the {pixels} pixels" in found.message


def test_the_remedy_holds(tmp_path):
    [found] = warnings(tmp_path, LENET | {"kernel": 9})

    assert "at most 7" in found.help
    assert warnings(tmp_path, LENET | {"kernel": 7}) == ()


@pytest.mark.parametrize(
    "encoder", [{"type": "shake_shake", "dim": 8}, XCEPTION | {"kernel": 27}, XCEPTION | {"entry": "strided"}]
)
def test_kernels_that_fit_pass(encoder, tmp_path):
    assert warnings(tmp_path, encoder) == ()
