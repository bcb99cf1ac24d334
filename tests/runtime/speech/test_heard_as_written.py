"""A recogniser that judges a model of speech hears what the file holds that ``predict`` writes."""

import numpy as np
import soundfile

from seqspec.components.predictions import AudioPrediction
from seqspec.runtime.assembly.recognizer_runs import as_written
from seqspec.runtime.evaluation.value_files import write_value


def test_samples_are_those_of_the_written_file(tmp_path):
    samples = np.random.default_rng(0).normal(scale=0.4, size=4000).astype(np.float32)
    assert np.abs(samples).max() > 1, "some are cut off"
    sound = AudioPrediction(samples, 8000)

    (file,) = write_value(sound, tmp_path / "sound")
    read, rate = soundfile.read(file, dtype="float32")

    assert rate == 8000
    assert np.array_equal(as_written(sound), read)
