"""What only checks specs works without the packages that train; what trains says what it lacks."""

import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parent / "compile" / "example.yaml"
ABSENT = (
    "torch",
    "lightning",
    "soundfile",
    "soxr",
    "sacrebleu",
    "fugashi",
    "rapidfuzz",
    "safetensors",
    "tensorboard",
)


def seqspec(*arguments):
    code = (
        f"import sys; sys.modules.update(dict.fromkeys({ABSENT!r})); sys.argv = {['seqspec', *arguments]!r}; "
        "from seqspec.cli import main; main()"
    )
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    "arguments",
    [
        ("validate", str(EXAMPLE)),
        ("diff", str(EXAMPLE), str(EXAMPLE)),
        ("explain", str(EXAMPLE)),
        ("list",),
        ("schema",),
        ("new", "mt"),
    ],
)
def test_checking_needs_none_of_them(arguments):
    done = seqspec(*arguments)

    assert (done.returncode, "needs" in done.stderr) == (0, False)


def test_training_says_what_it_lacks():
    done = seqspec("run", str(EXAMPLE))

    assert done.returncode == 2
    assert done.stderr == "`seqspec run` needs torch: pip install 'seqspec-compiler[train]'\n"
