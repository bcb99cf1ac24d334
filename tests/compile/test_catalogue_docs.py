from pathlib import Path

import pytest

from seqspec.compile.reference.reference_docs import pages, write
from seqspec.schema.catalogue import SLOTS, Catalogue

REFERENCE = Path(__file__).parents[2] / "docs" / "reference"


@pytest.fixture(scope="module")
def wanted():
    return pages(Catalogue())


def test_the_reference_is_current(wanted, update):
    if update:
        write(REFERENCE)
    stale = [
        name
        for name, text in wanted.items()
        if not (REFERENCE / name).exists() or (REFERENCE / name).read_text() != text
    ]

    assert stale == [], (
        "write them with `python -m seqspec.compile.reference.reference_docs docs/reference` or `pytest --update`"
    )
    assert {file.name for file in REFERENCE.glob("*.md")} == set(wanted)


@pytest.mark.parametrize("slot", SLOTS)
def test_every_component_has_its_place(wanted, slot):
    assert [name for name in Catalogue().names(slot) if f"## `{name}`\n" not in wanted[f"{slot}.md"]] == []


def test_writing_takes_old_pages_away(tmp_path, wanted):
    (tmp_path / "gone.md").write_text("old")

    write(tmp_path)

    assert {file.name for file in tmp_path.iterdir()} == set(wanted)
