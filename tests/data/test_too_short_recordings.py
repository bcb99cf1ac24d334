"""A recording that is shorter than a window is left out, and told as one."""

from pathlib import Path

import numpy as np
import soundfile

from seqspec.compile.build.data_parts import build_data
from seqspec.compile.pipeline import compile as compile_spec
from seqspec.compile.resolve.overlay import Overlay
from seqspec.data.stages.prepare import prepare

SPEC = Path(__file__).parents[2] / "specs" / "vocoder_ljspeech_hifigan.yaml"


def test_a_recording_shorter_than_a_window_is_left_out_by_name(tmp_path):
    tiny = [Overlay.profile("tiny")]
    build_data(compile_spec(SPEC, overlays=tiny).plan).adapter.write_synthetic(tmp_path, count=24, seed=1)
    first = min(tmp_path.rglob("*.wav"))
    samples, rate = soundfile.read(first, dtype=np.float32)
    soundfile.write(first, samples[:20], rate)
    own = [Overlay.set("data.source.synthetic=0"), Overlay.set(f"data.source.root={tmp_path}")]
    parts = build_data(compile_spec(SPEC, overlays=[*tiny, *own]).plan)

    prepared = prepare(parts, cache=tmp_path / "cache", splits=["train"], processes=1)

    assert prepared.dropped["train"] == {"source too short for one frame": 1}
