"""Where a device stands no file takes its place."""

import os
import stat
from pathlib import Path

import pytest

from seqspec.data.store.cache import storage
from seqspec.data.store.durable import write_durably
from seqspec.schema.diagnostic import RunError


def test_a_device_is_written_to_and_stays_one():
    write_durably(Path(os.devnull), b"gone")

    assert stat.S_ISCHR(os.stat(os.devnull).st_mode)


def test_a_full_device_says_so():
    with pytest.raises(OSError, match="No space left"):
        write_durably(Path("/dev/full"), b"too much")


def test_a_link_to_a_folder_is_no_place_for_a_file(tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "folder")

    with pytest.raises(IsADirectoryError):
        write_durably(tmp_path / "link", b"bytes")
    assert (tmp_path / "link").is_symlink()


def test_a_cache_that_is_no_folder_is_told_with_the_remedy(tmp_path):
    (tmp_path / "file").write_text("no folder")
    root = tmp_path / "file" / "cache"

    with pytest.raises(RunError, match="cannot be written") as told, storage(root):
        root.mkdir(parents=True)
    assert "SEQSPEC_CACHE" in told.value.help
