"""Weights that are read again and again lie in pages of 2 MiB, with the bytes that they had."""

import mmap
import os
import platform
import re
from pathlib import Path

import pytest

from seqspec.runtime.devices import huge_pages
from seqspec.runtime.devices.huge_pages import use_huge_pages

SETTING = Path("/sys/kernel/mm/transparent_hugepage/enabled")
SIZE = 16 << 20


def collapses():
    """Whether this system has the call: Linux 6.1, and pages of 2 MiB are not forbidden."""
    if platform.system() != "Linux" or not SETTING.exists() or "[never]" in SETTING.read_text():
        return False
    version = re.match(r"(\d+)\.(\d+)", platform.release())
    return version is not None and tuple(map(int, version.groups())) >= (6, 1)


def huge_kilobytes():
    return int(re.search(r"AnonHugePages:\s+(\d+)", Path("/proc/self/smaps_rollup").read_text())[1])


@pytest.mark.skipif(not collapses(), reason="the system moves no memory into pages of 2 MiB")
def test_what_is_held_comes_into_huge_pages_with_its_bytes():
    with mmap.mmap(-1, SIZE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS) as held:
        written = os.urandom(SIZE)
        held[:] = written
        before = huge_kilobytes()

        use_huge_pages()

        assert huge_kilobytes() - before >= SIZE // 2 // 1024
        assert held[:] == written


def test_a_file_and_what_cannot_be_written_are_left_alone(monkeypatch, tmp_path):
    maps = tmp_path / "maps"
    maps.write_text(
        "00400000-00a00000 r-xp 00000000 fe:00 77                         /usr/bin/python\n"
        "00a00000-01000000 rw-p 00000000 fe:00 77                         /usr/bin/python\n"
        "01100000-01900000 rw-p 00000000 00:00 0                          [heap]\n"
        "7f0000001000-7f0000ffffff rw-p 00000000 00:00 0 \n"
        "7f1000000000-7f1000800000 ---p 00000000 00:00 0 \n"
        "7f2000000000-7f2000100000 rw-p 00000000 00:00 0 \n"
        "7f3000000000-7f3000800000 rw-s 00000000 00:01 5                  /dev/zero (deleted)\n"
    )
    monkeypatch.setattr(huge_pages, "MAPS", maps)

    assert [(f"{begin:x}", f"{end:x}") for begin, end in huge_pages._held()] == [
        ("1200000", "1800000"),
        ("7f0000200000", "7f0000e00000"),
    ]


def test_a_system_without_such_a_list_changes_nothing(monkeypatch, tmp_path):
    monkeypatch.setattr(huge_pages, "MAPS", tmp_path / "none")
    monkeypatch.setattr(huge_pages.ctypes, "CDLL", lambda name: pytest.fail("nothing is to be asked"))

    use_huge_pages()
