"""Runs of the families of music, parts of things and clips are killed and go on to the same bits."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
SPECS = {
    "lm_music_maestro": (
        "data.source.synthetic=4", "data.pack.length=16", "data.batch.size=2", "evaluate.every_steps=3",
        "evaluate.max_examples=1", "evaluate.search.max_tokens=2", "model.decoder.num_layers=1",
    ),
    "parts_shapenet": (
        "data.source.synthetic=6", "data.source.num_points=16", "data.batch.size=2",
        "evaluate.every_steps=3", "evaluate.max_examples=1",
    ),
    "video_moving_mnist": (
        "data.source.synthetic=8", "data.source.given=2", "data.batch.size=2", "evaluate.every_steps=3",
        "evaluate.max_examples=1", "model.patch=16", "model.widths=[4]",
    ),
}  # fmt: skip
"""Each spec, with what makes it smaller than its tiny profile."""


def test_a_kill_and_a_resumption_change_no_bit(tmp_path):
    command = [sys.executable, "-m", "tests.runtime.killed_specs", str(tmp_path), json.dumps(SPECS)]

    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=300)

    assert done.stdout.strip().endswith("[]"), done.stdout + done.stderr
