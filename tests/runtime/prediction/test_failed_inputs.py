from __future__ import annotations

from pathlib import Path

import pytest

from seqspec.runtime.prediction.failed_inputs import FailedInputs
from seqspec.runtime.prediction.inputs import check_names, check_output
from seqspec.schema.diagnostic import DataError, RunError


def _told(errors, count=100):
    failed = FailedInputs()
    for error in errors:
        failed.add(error)
    return failed.error(count)


def test_inputs_that_fail_alike_are_told_once():
    error = _told(DataError("the row has 3 columns, not 2", file="x.csv", row=row) for row in range(2, 10))

    assert error.message.startswith("8 of 100 inputs have no prediction: the row has 3 columns")
    assert "(x.csv:2), and 7 more like it" in error.message
    assert "--format jsonl" in error.help


def test_a_remedy_names_the_input_that_it_is_for():
    page = DataError("the file is a web page", file="a.wav", help="download it")
    other = DataError("there is no file `b.wav`")

    assert _told([page, other]).help == "a.wav: download it"
    assert _told([page]).help == "download it"
    assert _told([other]).help is None


def test_what_is_read_is_not_written_over(tmp_path):
    read = tmp_path / "new.txt"
    read.touch()
    (tmp_path / "link.txt").symlink_to(read)

    check_output(tmp_path / "other.txt", [str(read)])
    for output in (read, tmp_path / "link.txt"):
        with pytest.raises(RunError, match="both read and written"):
            check_output(output, ["-", str(read)])


def test_a_link_to_nothing_and_a_near_name_are_told_so(tmp_path):
    (tmp_path / "link.txt").symlink_to(tmp_path / "gone.txt")
    (tmp_path / "New.txt").touch()

    with pytest.raises(DataError, match="a link that leads to nothing"):
        check_names([str(tmp_path / "link.txt")])
    with pytest.raises(DataError, match="capital letters"):
        check_names([str(Path(tmp_path) / "new.txt")])
