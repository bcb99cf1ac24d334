import os
import unicodedata

import pytest

from seqspec.data.corpus.near_names import absent, near_name


@pytest.mark.parametrize(
    ("there", "asked", "words"),
    [
        ("train3.wav", "Train3.WAV", "capital letters"),
        ("train3.wav", "train3.wav ", "blanks at its ends"),
        ("a b.wav", "ab.wav", "blanks"),
        (unicodedata.normalize("NFD", "がぎ.wav"), "がぎ.wav", "Unicode form"),
        ("ａ.wav", "a.wav", "full-width"),
        ("a\u200b.wav", "a.wav", "without width"),
    ],
)
def test_a_name_that_differs_by_writing_is_pointed_to(tmp_path, there, asked, words):
    (tmp_path / there).touch()

    assert words in near_name(tmp_path / asked)


def test_a_folder_in_between_may_differ_as_well(tmp_path):
    (tmp_path / "Clips").mkdir()

    assert "`Clips`" in near_name(tmp_path / "clips" / "1.wav")


def test_what_is_no_file_is_called_what_it_is(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")

    assert "is a pipe" in absent(tmp_path / "pipe")
    assert "is a folder" in absent(tmp_path)
    assert "leads to nothing" in absent(tmp_path / "link")
    assert "there is no file" in absent(tmp_path / "other")
