"""Where predictions cannot be written, the place that refused is named, not another one."""

from pathlib import Path

import pytest

from seqspec.runtime.prediction.output_stream import output_stream
from seqspec.schema.diagnostic import Exit, RunError


def test_a_place_that_refuses_is_named_by_the_name_that_was_given(tmp_path):
    (tmp_path / "file").write_text("")
    place = tmp_path / "file" / "out.txt"  # a file stands where the folder would

    with pytest.raises(RunError) as refused, output_stream(place) as out:
        out.write("a")

    assert str(refused.value).startswith(f"cannot write to {place}: ")
    assert refused.value.exit is Exit.STORAGE


def test_a_folder_beside_the_text_that_refuses_is_told_of_itself(tmp_path):
    (tmp_path / "file").write_text("")
    sound = tmp_path / "file" / "sound"

    with pytest.raises(RunError, match=f"cannot write to {sound}: ") as refused, output_stream(None):
        Path(sound).mkdir()

    assert "--out FOLDER" in (refused.value.help or "")
