import pytest

from seqspec.data.corpus.drops import LOOK_ON, Drops, enough
from seqspec.data.corpus.record import without_details
from seqspec.schema.diagnostic import DataError


@pytest.mark.parametrize(
    ("bad", "rows", "share"),
    [(3, 2008, 0.002), (1, 1000, 0.001), (1, 10, 0.1), (110, 110, None), (2, 10, None)],
)
def test_the_share_that_is_suggested_suffices(bad, rows, share):
    assert enough(bad, rows) == share
    assert share is None or share * rows >= bad


def test_rows_are_counted_before_the_refusal():
    drops = Drops("fail", "rows of train", counts_on=True)
    for row in (4, 9, 12):
        drops.add(f"there is no file `{row}.wav`", file="t.tsv", row=row)
        drops.refuse_early(1000)

    with pytest.raises(DataError, match=r"`4.wav` \(3 rows like this, of 2,008\)") as caught:
        drops.check(2008)

    assert "drop: 0.002" in caught.value.help
    assert caught.value.row == 4


def test_a_fault_of_every_row_is_no_matter_of_leaving_some_out():
    drops = Drops("fail", "rows", counts_on=True)
    for row in range(110):
        drops.add("column `label` is a float, not text", row=row + 1, remedy="cast it")

    with pytest.raises(DataError, match="110 rows like this, all that were read") as caught:
        drops.refuse_early(110)

    assert caught.value.help == "cast it"


def test_reading_on_has_an_end():
    drops = Drops("fail", "rows", counts_on=True)
    drops.add("bad", row=1)
    drops.refuse_early(10)

    with pytest.raises(DataError):
        drops.refuse_early(10 + LOOK_ON)


def test_reasons_keep_names_of_encodings():
    assert without_details("row 14: not UTF-8, as CP932, byte 0x81") == "row …: not UTF-8, as CP932, byte …"
