"""How to write the number that a text was meant to be."""

import pytest

from seqspec.compile.validate.number_hints import number_help


@pytest.mark.parametrize(
    ("written", "name", "remedy"),
    [
        ("25ms", "window_seconds", "`0.025`"), ("10s", "max_seconds", "`10`"), ("2 min", "max_seconds", "`120`"), ("16kHz", "high_hz", "`16000`"),
        ("100k", "max_steps", "`100000`"), ("1.5M", "max_steps", "`1500000`"), ("5%", "dropout", "`0.05`"), ("1:30", "max_seconds", "`90`"),
        ("100,000", "max_steps", "`100000`"), ("1_000", "max_steps", "`1000`"), ("0,001", "peak", "`0.001`"), ("1,5", "alpha", "`1.5`"),
        ("10^-3", "peak", "`1e-3`"), ("2*10^-4", "peak", "`2e-4`"), ("10**6", "max_steps", "`1e6`"), ("4*1000", "max_steps", "does not calculate"),
        ("１００", "max_steps", "`100`"), ("２５％", "dropout", "`0.25`"), ("None", "clip_norm", "`null`"), ("2 // x", "seed", "`2  # …`"),
        ("2 ＃ 種", "seed", "`2  # …`"), ("10 epochs", "max_steps", "counted in steps"), ("abc", "dim", None), ("", "dim", None), ("-", "dim", None), ("2,", "seed", "`2`"), ("1,5;", "alpha", None),
    ],
)  # fmt: skip
def test_remedy(written, name, remedy):
    told = number_help(written, name)

    assert told == remedy or (remedy is not None and told is not None and remedy in told)
